/**
 * @file A simulated world: one run of the product's own coordinator and workers, over a network, clocks and a disk
 * that fail as the dice say; heals in the end, and must then finish.
 */

import { setImmediate as turnOfLoop } from 'node:timers/promises';
import type { RunStatus } from '../../shared/contract/status.ts';
import type { TesseraError } from '../../shared/core/errors.ts';
import { initialParameters } from '../../shared/model/init.ts';
import { checkpointsFolder } from '../../shared/runs/checkpoint/layout.ts';
import type { RunEvent } from '../../shared/runs/events.ts';
import { identify } from '../../shared/runs/identity.ts';
import { Illness } from './ailment.ts';
import { SimCoordinator, type SimRun } from './coordinator.ts';
import type { Counts } from './counts.ts';
import { Dice } from './dice.ts';
import { SimExecutables } from './executables.ts';
import { decideFates, FREEZE_MS_MAX } from './fate.ts';
import { Host } from './host.ts';
import { Locks } from './locks.ts';
import { SimLogs } from './log-lines.ts';
import { Oracle } from './oracle.ts';
import { reference, simSource } from './reference.ts';
import { type Listener, Route } from './route.ts';
import { drawSettings, type Faults, NO_FAULTS, type Settings } from './settings.ts';
import { Storage } from './storage.ts';
import { Strangers } from './strangers.ts';
import { Timeline } from './timeline.ts';
import { check, Violation } from './violation.ts';
import { SimWorker } from './worker.ts';

/** What led to a failure, whole where one world is replayed. */
const TRACE_LENGTH = process.env['SIM_SEED'] === undefined ? 40 : 10_000;
const RUN_FOLDER = '/runs/sim';

/** One world. */
export class World {
  readonly timeline = new Timeline();
  readonly dice: Dice;
  readonly settings: Settings;
  readonly counts: Counts;
  readonly storage: Storage;
  readonly locks: Locks;
  readonly strangers: Strangers;
  readonly executables: SimExecutables;
  readonly logs: SimLogs;
  readonly run: SimRun;
  readonly oracle: Oracle;
  faults: Faults;
  /** The coordinator that takes calls now. */
  listener: Listener | undefined;
  readonly #numVersions: number;
  coordinator: SimCoordinator | undefined;
  readonly workers: (SimWorker | undefined)[] = [];
  isFinished = false;
  /** Somebody has removed the run. */
  #isRemoved = false;
  #lives = 0;
  #failure: unknown;
  readonly illness: Illness;
  readonly #trace: string[] = [];

  static async create(dice: Dice, settings: Settings, counts: Counts): Promise<World> {
    const { config, size, unreadable } = settings;
    const source = simSource(size);
    const identity = identify(config, source, { runFolder: RUN_FOLDER });
    const parameters = initialParameters(
      identity.model,
      config.seed,
      config.model.positionDeviation,
    );
    const expected = await reference(identity, { source, unreadable }, parameters);
    const oracle = new Oracle(config, expected);
    const run = { identity, source, parameters };
    return new World({
      dice,
      settings,
      counts,
      run,
      oracle,
      numVersions: expected.versions.length,
    });
  }

  private constructor(parts: {
    dice: Dice;
    settings: Settings;
    counts: Counts;
    run: SimRun;
    oracle: Oracle;
    numVersions: number;
  }) {
    this.dice = parts.dice;
    this.settings = parts.settings;
    this.counts = parts.counts;
    this.run = parts.run;
    this.oracle = parts.oracle;
    this.#numVersions = parts.numVersions;
    this.faults = parts.settings.faults;
    this.storage = new Storage(parts.dice);
    this.illness = new Illness(parts.settings, parts.counts, () => this.timeline.nowMs);
    const { strangers } = parts.settings;
    this.locks = new Locks(this.timeline, strangers && parts.dice.lock);
    this.strangers = new Strangers(this, RUN_FOLDER);
    this.executables = new SimExecutables(this);
    this.logs = new SimLogs(this);
  }

  /** Lives until the run has ended and everybody has left; throws a Violation when a promise is broken. */
  async live(): Promise<void> {
    const { healMs } = this.settings;
    this.#startCoordinator();
    for (const [index, worker] of this.settings.workers.entries()) {
      this.timeline.after(worker.startMs, () => this.#startWorker(index));
    }
    decideFates(this);
    this.timeline.after(healMs, () => this.#heal());
    const limitMs = healMs + this.#boundMs();
    while (!this.isFinished) {
      await this.#next();
      const standing = this.coordinator?.standing ?? 'down';
      check(this.timeline.nowMs < limitMs, `the healed run ends (${standing})`);
    }
    this.faults = NO_FAULTS;
    const leaveMs = this.timeline.nowMs + FREEZE_MS_MAX + 2_000;
    const isGone = (worker: SimWorker | undefined) =>
      worker?.host.isAlive !== true || worker.isHung;
    while (!this.workers.every(isGone) && this.timeline.nowMs < leaveMs) await this.#next();
    this.counts.leftOver += this.workers.filter((worker) => !isGone(worker)).length;
    this.counts.events += this.timeline.numRun;
    this.counts.worlds += 1;
  }

  async #next(): Promise<void> {
    check(this.timeline.step(), 'something is always about to happen');
    // All that follows from it, up to the next wait for time, network or disk.
    await turnOfLoop();
    if (this.#failure !== undefined) throw this.#failure;
  }

  // ---- what the parts tell ----

  /** Runs an oracle's check in the midst of the product's code, which must not swallow what it throws. */
  watch(look: () => void): void {
    try {
      look();
    } catch (error) {
      this.fail(error);
    }
  }

  /** A coordinator says what happened; one that has lost the run, what is of no account. */
  heard(event: RunEvent, coordinator: SimCoordinator, status: () => RunStatus): void {
    if (coordinator !== this.coordinator) return;
    this.note(event);
    if (event.type === 'workerLog') this.watch(() => this.logs.heard(event, coordinator));
    if (event.type === 'phase') void this.strangers.look(event.phase);
    const counter = COUNTERS[event.type];
    if (event.type === 'evaluation' && event.version < event.atStep) this.counts.bestTested += 1;
    if (counter !== undefined) this.counts[counter] += 1;
    this.watch(() => this.oracle.heard(event, status));
  }

  fail(error: unknown): void {
    this.#failure ??= error;
  }

  coordinatorEnded(coordinator: SimCoordinator, error: TesseraError | undefined): void {
    if (!coordinator.host.isAlive) return;
    if (error?.code === 'RUN_IN_USE' && !coordinator.isHolding) {
      this.note({ coordinator: 'refused', reason: error.sentence });
      this.watch(() => this.strangers.refused(coordinator));
      if (coordinator === this.coordinator) this.#startCoordinatorLater();
      return;
    }
    if (coordinator !== this.coordinator || this.#isRemoved) {
      this.note({ coordinator: 'has ended', code: error?.code });
      this.timeline.after(100, () => coordinator.host.kill());
      return;
    }
    this.note({ coordinator: 'ended', code: error?.code });
    this.watch(() => {
      this.isFinished = this.illness.isRightEnd(error?.code);
    });
    if (this.isFinished) return;
    if (error === undefined) {
      this.watch(() => this.oracle.finished(coordinator.chosen));
      this.isFinished = true;
      return;
    }
    this.counts.coordinatorEnds += 1;
    const isForeseen =
      FORESEEN_ENDS.has(error.code) ||
      (this.faults !== NO_FAULTS && this.illness.mayEndWith(error.code));
    if (!isForeseen) this.fail(new Violation(`the run fails: ${error.message}\n${error.stack}`));
    // It leaves after its farewells, and somebody starts it again.
    this.timeline.after(100, () => {
      if (coordinator === this.coordinator) this.crashCoordinator(coordinator, 'ends');
      else coordinator.host.kill();
    });
  }

  workerEnded(worker: SimWorker, error: TesseraError | undefined): void {
    const index = this.workers.indexOf(worker);
    if (index < 0 || !worker.host.isAlive) return;
    worker.host.kill();
    worker.route.break();
    this.note({ worker: this.settings.workers[index]!.name, code: error?.code });
    if (this.isFinished) return;
    if (error !== undefined) this.counts.workerEnds += 1;
    const isIll = this.illness.explains(error?.code, worker.hasBroken);
    const isForeseen =
      error === undefined || worker.engineRefuses || isIll || FORESEEN_ENDS.has(error.code);
    // All that can be done of what may pass is done: nothing comes of such a run.
    this.isFinished = isIll && this.illness.isHopeless;
    if (isIll && this.illness.isAbandoned) return;
    if (!isForeseen)
      this.fail(new Violation(`a worker gives up: ${error.message}\n${error.stack}`));
    this.#startWorkerLater(index);
  }

  /** Remembers what happened, for whoever looks into a failure. */
  note(event: object): void {
    this.#trace.push(`${this.timeline.nowMs.toFixed(0)} ${JSON.stringify(event)}`);
    if (this.#trace.length > TRACE_LENGTH) this.#trace.shift();
  }

  get trace(): string {
    return this.#trace.join('\n');
  }

  // ---- chance ----

  /** Whether something goes wrong now. */
  chance(fault: keyof Faults, counter: keyof Counts, dice = this.dice): boolean {
    if (!dice.chance(this.faults[fault])) return false;
    this.counts[counter] += 1;
    return true;
  }

  /** The time that a message takes. */
  delayMs(kind: 'sure' | 'any'): number {
    if (kind === 'any' && this.chance('latePerMessage', 'late')) {
      return this.dice.between(1, this.faults.lateMs);
    }
    return kind === 'sure' ? 1 : this.dice.between(1, 5);
  }

  /** How often a level arrives. */
  copiesOfMessage(): number {
    if (this.chance('lossPerMessage', 'lost')) return 0;
    return this.chance('repeatPerMessage', 'repeated') ? 2 : 1;
  }

  /** Generous: every step computed three times over by the slowest worker, and some seconds each for detours. */
  #boundMs(): number {
    const { config, workers, size } = this.settings;
    const { epochs, microBatch } = config.training;
    const leaves = Math.ceil((size.train + size.validation + size.test) / microBatch) + 3;
    const slowestMs = Math.max(...workers.map(({ leafMs, rate }) => leafMs / rate));
    const compilingMs = this.settings.compiling === undefined ? 0 : 20_000;
    return compilingMs + 30_000 + 3 * epochs * leaves * slowestMs + 1_500 * this.#numVersions;
  }

  // ---- lives ----

  #startCoordinator(): void {
    if (this.isFinished) return;
    this.#lives += 1;
    this.note({ coordinator: 'starts', life: this.#lives });
    const host = new Host('coordinator', this.timeline);
    const coordinator = new SimCoordinator(this, host, this.#lives);
    if (this.coordinator?.host.isAlive === true) this.strangers.others.add(coordinator);
    else this.coordinator = coordinator;
  }

  #startCoordinatorLater(): void {
    this.timeline.after(this.dice.lock.between(10, 1_500), () => this.#startCoordinator());
  }

  /** Somebody starts a coordinator, whether there is one or not. */
  startRival(): void {
    this.counts.rivals += 1;
    this.#startCoordinator();
  }

  /** A coordinator holds the run. */
  took(coordinator: SimCoordinator): void {
    this.note({ coordinator: 'holds the run', ...coordinator.identity });
    this.watch(() => check(!this.#isRemoved, 'none begins in a folder that is removed'));
    this.strangers.took(coordinator);
    coordinator.isHolding = true;
    const before = this.coordinator;
    this.strangers.others.delete(coordinator);
    this.coordinator = coordinator;
    if (before !== coordinator && before?.host.isAlive) this.strangers.others.add(before);
  }

  /** Whether a host is the coordinator's that serves the run. */
  isServedBy(host: Host): boolean {
    return this.coordinator?.host === host;
  }

  /** The run is no more: there is nothing to wait for. */
  removed(): void {
    this.note({ run: 'removed' });
    this.counts.removals += 1;
    this.#isRemoved = true;
    this.timeline.after(2_000, () => {
      this.isFinished = true;
      for (const worker of this.workers) worker?.host.kill();
    });
  }

  #startWorker(index: number): void {
    if (this.isFinished) return;
    const settings = this.settings.workers[index]!;
    const place = {
      host: new Host(settings.name, this.timeline, settings.rate),
      route: new Route(this),
    };
    this.workers[index] = new SimWorker(this, settings, place);
  }

  #startWorkerLater(index: number): void {
    this.timeline.after(this.dice.between(10, 2_000), () => this.#startWorker(index));
  }

  crashWorker(worker: SimWorker): void {
    worker.host.kill();
    worker.route.break();
    this.#startWorkerLater(this.workers.indexOf(worker));
  }

  crashCoordinator(coordinator: SimCoordinator, how: 'crashes' | 'ends'): void {
    if (coordinator !== this.coordinator || !coordinator.host.isAlive || this.isFinished) return;
    this.note({ coordinator: how });
    coordinator.host.kill();
    this.strangers.freed();
    this.listener = undefined;
    for (const worker of this.workers) worker?.route.break();
    if (how === 'crashes') {
      this.storage.crash();
      this.strangers.crash();
    }
    this.timeline.after(this.dice.between(10, 1_500), () => {
      if (how === 'crashes') this.#rot();
      this.#startCoordinator();
    });
  }

  /** Damages the newest checkpoint, where there is another to fall back on. */
  #rot(): void {
    const folder = checkpointsFolder(RUN_FOLDER);
    const steps = this.storage.namesIn(folder).filter((name) => name.startsWith('step-'));
    const newest = steps.sort().at(-1);
    if (newest === undefined || steps.length < 2 || !this.chance('rotPerCrash', 'rotten')) return;
    if (this.storage.rot(`${folder}/${newest}`)) {
      this.oracle.rotted(Number(newest.slice('step-'.length)));
    }
  }

  #heal(): void {
    this.faults = NO_FAULTS;
    if (this.coordinator !== undefined) this.coordinator.diskFaults.isFull = false;
    for (const worker of this.workers) {
      // A computation that hangs for good is the one thing that only a restart mends.
      if (worker?.host.isAlive && worker.isHung) this.crashWorker(worker);
    }
  }
}

/** Ends of a worker that another process makes good: it was told to go, or the run failed, or is another's. */
const FORESEEN_ENDS: ReadonlySet<string> = new Set([
  'CANCELLED',
  'INTERRUPTED',
  'CANNOT_WRITE',
  'RUN_IN_USE',
]);

const COUNTERS: Partial<Record<RunEvent['type'], keyof Counts>> = {
  step: 'steps',
  emptyStep: 'emptySteps',
  bestGone: 'bestGone',
  evaluation: 'evaluations',
  checkpoint: 'checkpoints',
  checkpointFailed: 'checkpointsFailed',
  stall: 'stalls',
};

/** Lives through the world of a seed; a failure names the seed and shows what happened last. */
export async function liveWorld(seed: number, counts: Counts): Promise<void> {
  const dice = new Dice(seed);
  const settings = drawSettings(dice);
  const world = await World.create(dice, settings, counts);
  try {
    await world.live();
  } catch (error) {
    const { message, stack } = error as Error;
    const what = error instanceof Violation ? message : stack;
    throw new Violation(
      `world ${seed} at ${world.timeline.nowMs.toFixed(0)} ms: ${what}\n` +
        `replay: SIM_SEED=${seed} npm run sim\n${describe(settings)}\n${world.trace}`,
    );
  }
}

function describe({ config, workers, faults, unreadable, ...others }: Settings): string {
  const rest = { ...others, unreadable: [...unreadable] };
  const { training, checkpoint, cluster, evaluation } = config;
  const present = Object.fromEntries(Object.entries(faults).filter(([, value]) => value > 0));
  return JSON.stringify({ training, checkpoint, cluster, evaluation, workers, present, rest });
}
