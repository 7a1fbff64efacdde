/**
 * @file A seeded world: the product's two cores, simulated drivers around them, and whatever can go wrong between.
 *
 * Until `healMs` faults happen; after it none does, and the run must end within a bound (liveness).
 */
import type { RunEffect, RunEvent } from '../../coordinator/core/messages.ts';
import { SimCoordinator } from './coordinator.ts';
import { Dice } from './dice.ts';
import type { Line } from './line.ts';
import { INITIAL_STATE, reference } from './numbers.ts';
import { check, Oracle, type Parameters, Violation } from './oracle.ts';
import { type Bug, drawSettings, type Faults, NO_FAULTS, type Settings } from './settings.ts';
import { Timeline } from './timeline.ts';
import { SimWorker } from './worker.ts';

/** How often fate is asked. */
const FATE_MS = 100;

const FREEZE_MS_MAX = 3_000;

interface Farewell {
  readonly line: Line;
  readonly worker: SimWorker;
}

/** What happened in worlds. */
export function noCounts() {
  return {
    worlds: 0,
    events: 0,
    steps: 0,
    evaluations: 0,
    checkpoints: 0,
    accepted: 0,
    acceptedBefore: 0,
    stale: 0,
    lost: 0,
    repeated: 0,
    late: 0,
    broken: 0,
    workerCrashes: 0,
    coordinatorCrashes: 0,
    freezes: 0,
    hangs: 0,
    drops: 0,
    reminders: 0,
    speculations: 0,
  };
}

/** Sums of what happened. */
export type Counts = ReturnType<typeof noCounts>;

/** One world. */
export class World {
  readonly timeline = new Timeline();
  readonly dice: Dice;
  readonly settings: Settings;
  readonly oracle: Oracle;
  readonly counts: Counts;
  readonly #states: readonly number[];
  faults: Faults;
  /** The newest durable checkpoint; version 0 needs none. */
  disk: Parameters = { version: 0, state: INITIAL_STATE };
  coordinator: SimCoordinator;
  isFinished = false;
  readonly farewells: Farewell[] = [];
  readonly #workers: SimWorker[] = [];
  /** The last things that the coordinator's core was told and asked for. */
  readonly #trace: string[] = [];

  constructor(dice: Dice, settings: Settings, counts: Counts) {
    this.dice = dice;
    this.settings = settings;
    this.counts = counts;
    this.faults = settings.faults;
    const expected = reference(settings.plan);
    this.#states = expected.states;
    this.oracle = new Oracle(settings.plan, expected);
    this.coordinator = new SimCoordinator(this, this.disk);
  }

  /** Lives until the run has ended; throws a Violation when a promise is broken. */
  live(): void {
    const { workers, healMs } = this.settings;
    for (const [index, worker] of workers.entries()) {
      this.timeline.after(worker.startMs, () => this.#startWorker(index));
    }
    this.timeline.after(FATE_MS, () => this.#fate());
    this.timeline.after(healMs, () => this.#heal());
    const limitMs = healMs + this.#boundMs();
    while (!this.isFinished) {
      check(this.timeline.step(), 'something is always about to happen');
      check(this.timeline.nowMs < limitMs, `the healed run ends (${this.coordinator.run.reason})`);
    }
    this.#partInPeace();
    this.counts.events += this.timeline.numRun;
    this.counts.worlds += 1;
  }

  /** Farewells travel; everybody whose line lasts leaves with code 0. */
  #partInPeace(): void {
    this.faults = NO_FAULTS;
    const isGone = ({ line, worker }: Farewell) => !line.isOpen || !worker.isAlive;
    const limitMs = this.timeline.nowMs + FREEZE_MS_MAX + 1_000;
    while (!this.farewells.every(isGone)) {
      this.timeline.step();
      check(this.timeline.nowMs < limitMs, 'every worker leaves when the run is over');
    }
  }

  has(bug: Bug): boolean {
    return this.settings.bug === bug;
  }

  /** The time that a message takes. */
  delayMs(kind: 'sure' | 'any'): number {
    const { latePerMessage, lateMs } = this.faults;
    if (kind === 'any' && this.dice.chance(latePerMessage)) {
      this.counts.late += 1;
      return this.dice.between(1, lateMs);
    }
    // What is sure keeps its order too, as a stream does.
    return kind === 'sure' ? 2 : this.dice.between(1, 5);
  }

  /** How often a message arrives. */
  copiesOfMessage(): number {
    if (this.dice.chance(this.faults.lossPerMessage)) {
      this.counts.lost += 1;
      return 0;
    }
    if (!this.dice.chance(this.faults.repeatPerMessage)) return 1;
    this.counts.repeated += 1;
    return 2;
  }

  record(event: RunEvent, effects: readonly RunEffect[]): void {
    if (event.type === 'tick' && effects.length === 0) return;
    const time = this.timeline.nowMs.toFixed(0);
    this.#trace.push(`${time} ${JSON.stringify(event)} -> ${JSON.stringify(effects)}`);
    if (this.#trace.length > 30) this.#trace.shift();
  }

  get trace(): string {
    return this.#trace.join('\n');
  }

  /** Generous: every step computed three times over by the slowest worker, and some seconds each for detours. */
  #boundMs(): number {
    const { plan, workers } = this.settings;
    const leaves = Math.ceil((plan.trainSamples + plan.testSamples) / plan.microBatch) + 2;
    const slowestMs = Math.max(...workers.map(({ leafMs }) => leafMs));
    return 20_000 + 3 * plan.epochs * leaves * slowestMs + 1_000 * this.#states.length;
  }

  #startWorker(index: number): void {
    this.#workers[index] = new SimWorker(this, this.settings.workers[index]!);
  }

  #fate(): void {
    if (this.faults === NO_FAULTS) return;
    const happens = (perSecond: number) => this.dice.chance((perSecond * FATE_MS) / 1000);
    for (const [index, worker] of this.#workers.entries()) {
      if (worker?.isAlive !== true) continue;
      if (happens(this.faults.workerCrashPerSecond)) this.#crashWorker(index);
      if (happens(this.faults.breakPerSecond)) {
        this.counts.broken += 1;
        worker.breakLine();
      }
      if (happens(this.faults.freezePerSecond)) {
        this.counts.freezes += 1;
        worker.freeze(this.dice.between(100, FREEZE_MS_MAX));
      }
    }
    const { coordinatorCrashPerSecond } = this.faults;
    if (this.coordinator.isAlive && happens(coordinatorCrashPerSecond)) this.#crashCoordinator();
    this.timeline.after(FATE_MS, () => this.#fate());
  }

  #crashWorker(index: number): void {
    this.counts.workerCrashes += 1;
    this.#workers[index]!.crash();
    this.timeline.after(this.dice.between(10, 2_000), () => this.#startWorker(index));
  }

  #crashCoordinator(): void {
    this.counts.coordinatorCrashes += 1;
    this.coordinator.crash();
    this.timeline.after(this.dice.between(10, 1_500), () => {
      const tooFar = this.has('resumeOneTooFar') && this.disk.version + 1 < this.#states.length;
      const version = this.disk.version + (tooFar ? 1 : 0);
      const parameters = { version, state: this.disk.state };
      this.oracle.resumed(parameters);
      this.coordinator = new SimCoordinator(this, parameters);
    });
  }

  #heal(): void {
    this.faults = NO_FAULTS;
    for (const [index, worker] of this.#workers.entries()) {
      // A computation that hangs for good is the one thing that only a restart mends.
      if (worker?.isAlive && worker.isHung) this.#crashWorker(index);
    }
  }
}

/** Lives through the world of a seed; a failure names the seed and shows what happened last. */
export function liveWorld(seed: number, counts: Counts, bug?: Bug): void {
  const dice = new Dice(seed);
  const settings = drawSettings(dice, bug);
  const world = new World(dice, settings, counts);
  try {
    world.live();
  } catch (error) {
    const { message, stack } = error as Error;
    const what = error instanceof Violation ? message : stack;
    throw new Violation(
      `world ${seed} at ${world.timeline.nowMs.toFixed(0)} ms: ${what}\n` +
        `replay: SIM_SEED=${seed} npm run sim\n${JSON.stringify(settings)}\n${world.trace}`,
    );
  }
}
