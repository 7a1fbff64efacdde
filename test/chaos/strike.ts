/** @file Lets blows fall on a living cluster, each in its moment, and notes what each of them hit. */
import { existsSync, readdirSync, watch } from 'node:fs';
import type { LivingCluster, Restart } from './living-cluster.ts';
import type { Blow } from './schedule.ts';
import { type Burst, burstOf, type Transfer } from './traffic.ts';

/** A blow that has fallen. */
export interface Struck {
  readonly blow: Blow;
  /** Milliseconds since 1970. */
  readonly atMs: number;
  /** The victim's name, and whether it was computing for the run. */
  readonly name: string;
  readonly wasReady: boolean;
  /** Other workers that were ready and not paused. */
  readonly othersReady: number;
  /** Processes that were paused: whatever they held is late for a reason of its own. */
  readonly paused: number;
  /** The transfer that it fell into, and the bytes of it that were on their way. */
  readonly transfer?: { readonly kind: Transfer; readonly bytes: number };
  /** Half-written or half-removed checkpoints that it left. */
  readonly halfCheckpoints: readonly string[];
  /** How its coordinator came back. */
  readonly restart?: Restart;
}

const STEP_MS = 90_000;
/** A checkpoint is written every few steps; if none begins in this time the blow falls all the same. */
const CHECKPOINT_MS = 5_000;

/** Strikes a cluster, one blow at a time; who was struck comes back meanwhile. */
export class Striker {
  readonly struck: Struck[] = [];
  readonly #cluster: LivingCluster;
  readonly #paused = new Set<string>();
  readonly #comebacks = new Set<Promise<void>>();

  constructor(cluster: LivingCluster) {
    this.#cluster = cluster;
  }

  /** Waits for the moment of a blow and lets it fall. */
  async strike(blow: Blow): Promise<void> {
    await this.#untilStep(0, (step) => step >= blow.afterStep);
    const burst = await this.#moment(blow);
    await pause(blow.delayMs);
    await (blow.what === 'kill' ? this.#kill(blow, burst) : this.#pause(blow));
  }

  /** Waits until everybody who was struck has been started again. */
  async everybodyBack(): Promise<void> {
    await Promise.all(this.#comebacks);
  }

  /** Waits until the moment has begun. */
  async #moment({ victim, moment }: Blow): Promise<Burst | undefined> {
    const { tail, checkpoints } = this.#cluster;
    if (moment === 'any') return undefined;
    if (moment === 'checkpoint') return checkpointBegins(checkpoints);
    const isReady = this.#cluster.ready.has(this.#cluster.nameOf(victim));
    const { workingPid } = this.#cluster.process(victim);
    if (isReady && workingPid !== undefined) return burstOf(workingPid, moment);
    await this.#untilStep(tail.records.length, () => true);
    return undefined;
  }

  async #kill(blow: Blow, burst: Burst | undefined): Promise<void> {
    const cluster = this.#cluster;
    const noted = this.#note(blow);
    const victim = cluster.process(blow.victim);
    victim.kill('SIGKILL');
    const transfer = burst && { kind: burst.transfer, bytes: burst.bytes() };
    const struck = { ...noted, ...(transfer && { transfer }), halfCheckpoints: [] };
    await victim.ended;
    if (blow.victim === 'coordinator') {
      const halfCheckpoints = hidden(cluster.checkpoints);
      await pause(blow.downMs);
      const restart = await cluster.startCoordinator('--resume');
      this.struck.push({ ...struck, halfCheckpoints, restart });
    } else {
      const { victim: index, downMs } = blow;
      this.#inBackground(pause(downMs).then(() => cluster.startWorker(index)));
      this.struck.push(struck);
    }
  }

  async #pause(blow: Blow): Promise<void> {
    const struck = this.#note(blow);
    const victim = this.#cluster.process(blow.victim);
    victim.kill('SIGSTOP');
    this.#paused.add(struck.name);
    const over = pause(blow.downMs).then(() => {
      this.#paused.delete(struck.name);
      victim.kill('SIGCONT');
    });
    this.#inBackground(over);
    this.struck.push({ ...struck, halfCheckpoints: [] });
    // While the coordinator stands still nothing can be observed to aim at.
    if (blow.victim === 'coordinator') await over;
  }

  #note(blow: Blow) {
    const name = this.#cluster.nameOf(blow.victim);
    const { ready } = this.#cluster;
    const others = [...ready].filter((other) => other !== name && !this.#paused.has(other));
    const wasReady = name === 'coordinator' || (ready.has(name) && !this.#paused.has(name));
    return {
      blow,
      atMs: Date.now(),
      name,
      wasReady,
      othersReady: others.length,
      paused: this.#paused.size,
    };
  }

  #inBackground(work: Promise<void>): void {
    const tracked = work.finally(() => this.#comebacks.delete(tracked));
    this.#comebacks.add(tracked);
  }

  #untilStep(from: number, fits: (step: number) => boolean): Promise<unknown> {
    return this.#cluster.tail.next(
      ({ type, fields }) => type === 'step' && fits(Number(fields['step'])),
      {
        from,
        deadlineMs: STEP_MS,
        what: 'the next step',
        failed: () => this.#cluster.failure,
      },
    );
  }
}

/** Waits until the folder of a checkpoint is being filled. */
function checkpointBegins(checkpoints: string): Promise<undefined> {
  return new Promise((begun) => {
    const watcher = watch(checkpoints, (_, name) => {
      if (name?.includes('.new-')) settle();
    });
    const timer = setTimeout(() => settle(), CHECKPOINT_MS);
    const settle = () => {
      clearTimeout(timer);
      watcher.close();
      begun(undefined);
    };
  });
}

function hidden(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder).filter((name) => name.startsWith('.')) : [];
}

function pause(ms: number): Promise<void> {
  return new Promise((later) => setTimeout(later, ms));
}
