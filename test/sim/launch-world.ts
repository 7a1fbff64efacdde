/**
 * @file One launch in simulated time: the product's Launch and Supervisor over processes that end as the dice have it.
 *
 * The checks know the rules by their effects alone: which processes were started, when, and how the launch ended.
 */
import { setImmediate as turnOfLoop } from 'node:timers/promises';
import { Launch } from '../../launch/launch.ts';
import type { Launcher, WorkerLife, WorkerSlot } from '../../launch/launcher.ts';
import type { RunStanding } from '../../launch/supervisor.ts';
import type { DeathCause, WorkerDeath } from '../../launch/worker-exit.ts';
import { deferred } from '../../shared/core/async.ts';
import { TesseraError } from '../../shared/core/errors.ts';
import { Dice } from './dice.ts';
import { Host } from './host.ts';
import { Timeline } from './timeline.ts';
import { check, Violation } from './violation.ts';

/**
 * What is wrong in a world: nothing in particular, the run itself (each worker ends with the same error), or one worker
 * while the others work.
 */
const KINDS = ['mixed', 'hopeless', 'oneBad'] as const;

/** How often each thing has happened, over all worlds. */
export const launchCounts = () => ({
  starts: 0,
  restarts: 0,
  refusedStarts: 0,
  givenUp: 0,
  lost: 0,
  failedWithTheirError: 0,
  closedWell: 0,
  closedByForce: 0,
  deathsWhileEnding: 0,
});

type LaunchCounts = ReturnType<typeof launchCounts>;

/** Slack of the back-off: a tick of the launch, and the turn that it is seen in. */
const SLACK_MS = 150;
const PAUSE_MIN_MS = 500;
const PAUSE_MAX_MS = 10_000;

interface Process {
  readonly pid: number;
  isAlive: boolean;
  /** It has built the model. */
  isReady: boolean;
  finish(how: string, cause: DeathCause | undefined): void;
}

/** A worker as the checks see it. */
interface Seen {
  /** Undefined once the launch knows of its end. */
  process: Process | undefined;
  starts: number;
  /** When its last process ended. */
  endedMs: number | undefined;
  /** By when it must have been started again, unless the launch is over; undefined where it need not. */
  dueMs: number | undefined;
  /** It ended when nothing may start it again. */
  isDone: boolean;
}

class LaunchWorld implements Launcher {
  readonly timeline = new Timeline();
  readonly #dice: Dice;
  readonly #counts: LaunchCounts;
  readonly #kind: (typeof KINDS)[number];
  readonly #count: number;
  readonly #minWorkers: number;
  readonly #restarts: number;
  readonly #lifeMs: number;
  readonly #seen = new Map<string, Seen>();
  /** Process ids of workers from elsewhere, which may make up for those that are given up. */
  #others: readonly number[] = [];
  #hadOthers = false;
  readonly #mayHaveOthers: boolean;
  #isEnding = false;
  #step = 0;
  #pids = 100;
  #restartsUsed = 0;
  #isClosing = false;
  #failure: TesseraError | undefined;
  #violation: unknown;

  constructor(dice: Dice, counts: LaunchCounts) {
    this.#dice = dice;
    this.#counts = counts;
    this.#kind = KINDS[dice.integer(0, 2)] as (typeof KINDS)[number];
    this.#count = this.#kind === 'oneBad' ? dice.integer(2, 5) : dice.integer(1, 5);
    this.#minWorkers = this.#kind === 'oneBad' ? 1 : dice.integer(1, this.#count);
    this.#restarts = dice.integer(0, 6);
    this.#lifeMs = dice.between(10, 8_000);
    this.#mayHaveOthers = dice.chance(0.5);
  }

  /** Lives until the launch has failed or was closed. Throws  a Violation. */
  async live(): Promise<void> {
    const host = new Host('launch', this.timeline);
    const launch = new Launch({
      ...{ launcher: this, count: this.#count, minWorkers: this.#minWorkers },
      ...{ restarts: this.#restarts, clock: host.clock, notify: () => {} },
      standing: () => this.#standing(),
    });
    launch.failed.catch((error: TesseraError) => this.#failed(error));
    check(this.#seen.size === this.#count, 'each worker is started');
    this.#fate();
    const closeMs = this.#dice.between(0, 60_000);
    while (this.timeline.nowMs < closeMs && this.#failure === undefined) await this.#next();
    const closed = this.#close(launch);
    while (!(await Promise.race([closed, this.#next()]))) this.#noteOverdue();
    for (const [name, { process }] of this.#seen)
      check(process?.isAlive !== true, `${name} has ended once the launch is closed`);
    // Nothing is started by what comes later.
    for (let turn = 0; turn < 300; turn += 1) await this.#next();
  }

  async #close(launch: Launch): Promise<true> {
    const startedMs = this.timeline.nowMs;
    const gently = this.#failure === undefined && this.#dice.chance(0.5);
    this.#counts[gently ? 'closedWell' : 'closedByForce'] += 1;
    if (gently) this.#isEnding = true;
    this.#isClosing = true;
    await launch.close(gently);
    check(this.timeline.nowMs - startedMs <= 7_100, 'a launch is closed in time');
    return true;
  }

  async #next(): Promise<void> {
    check(this.timeline.step(), 'something is always about to happen');
    await turnOfLoop();
    if (this.#violation !== undefined) throw this.#violation;
    this.#noteOverdue();
  }

  get #isOver(): boolean {
    return this.#isClosing || this.#failure !== undefined;
  }

  // ---- the launcher ----

  start({ name }: WorkerSlot): WorkerLife {
    this.#watch(() => this.#mayStart(name));
    if (this.#kind === 'mixed' && this.#dice.chance(0.1)) {
      this.#counts.refusedStarts += 1;
      const error = new TesseraError('SYSTEM', 'no more processes');
      this.#ended(name, error);
      throw error;
    }
    return this.#newLife(name);
  }

  look() {
    return [];
  }

  #newLife(name: string): WorkerLife {
    const exited = deferred<void>();
    const ended = deferred<WorkerDeath>();
    this.#pids += 1;
    const { timeline } = this;
    const process: Process = {
      ...{ pid: this.#pids, isAlive: true, isReady: false },
      finish: (how, cause) => {
        if (!process.isAlive) return;
        process.isAlive = false;
        exited.resolve();
        // What it reported is read a little later.
        timeline.after(this.#dice.between(0, 20), () => {
          this.#ended(name, cause);
          ended.resolve({ name, pid: process.pid, how, cause, logPath: '' });
        });
      },
    };
    this.#seenOf(name).process = process;
    this.#foresee(name, process);
    const isStubborn = this.#dice.chance(0.2);
    return {
      ...{ pid: process.pid, exited: exited.promise, ended: ended.promise },
      end: () => {
        if (!isStubborn) timeline.after(1, () => process.finish('exit code 130', undefined));
      },
      kill: () => process.finish('signal SIGKILL', undefined),
    };
  }

  /** When a process gets ready, and when and how it ends. */
  #foresee(name: string, process: Process): void {
    const { timeline } = this;
    const dice = this.#dice;
    const readyMs = dice.between(1, 300);
    const isBad = this.#kind === 'hopeless' || (this.#kind === 'oneBad' && name === 'w1');
    if (this.#kind === 'oneBad' && !isBad) {
      timeline.after(readyMs, () => (process.isReady = true));
      return;
    }
    if (isBad) {
      const afterMs = this.#kind === 'oneBad' ? 400 + readyMs : readyMs;
      timeline.after(afterMs, () => process.finish('exit code 65', BAD));
      return;
    }
    timeline.after(readyMs, () => (process.isReady = process.isAlive && dice.chance(0.8)));
    const cause = CAUSES[dice.integer(0, CAUSES.length - 1)];
    timeline.after(dice.between(0, this.#lifeMs), () => process.finish('exit code 70', cause));
  }

  // ---- the run ----

  #standing(): RunStanding {
    const ready = [...this.#seen.values()].flatMap(({ process }) =>
      process?.isReady ? [process.pid] : [],
    );
    return { isEnding: this.#isEnding, step: this.#step, atWork: [...ready, ...this.#others] };
  }

  /** Steps are made, workers from elsewhere come and go, and the run may begin to end. */
  #fate(): void {
    this.timeline.after(200, () => {
      if (this.#kind === 'mixed') {
        if (this.#dice.chance(0.3)) this.#step += 1;
        if (this.#mayHaveOthers && this.#dice.chance(0.1)) {
          this.#others = this.#dice.chance(0.5) ? [1] : [];
          this.#hadOthers = true;
        }
        if (this.#dice.chance(0.005)) this.#isEnding = true;
      }
      this.#fate();
    });
  }

  // ---- what must hold ----

  #seenOf(name: string): Seen {
    const fresh = {
      ...{ process: undefined, starts: 0, endedMs: undefined, dueMs: undefined, isDone: false },
    };
    const seen = this.#seen.get(name) ?? fresh;
    this.#seen.set(name, seen);
    return seen;
  }

  #mayStart(name: string): void {
    const seen = this.#seenOf(name);
    check(!this.#isOver, 'nothing starts once the launch is closed or has failed');
    check(seen.process?.isAlive !== true, `${name} has one process at a time`);
    check(!seen.isDone, `${name} is not started again after an end that is no failure`);
    seen.starts += 1;
    seen.dueMs = undefined;
    this.#counts.starts += 1;
    if (seen.endedMs === undefined) return;
    const pauseMs = Math.min(PAUSE_MAX_MS, PAUSE_MIN_MS * 2 ** this.#restartsUsed);
    this.#restartsUsed += 1;
    this.#counts.restarts += 1;
    check(this.#restartsUsed <= this.#restarts, 'there are no more restarts than the budget has');
    const waitedMs = this.timeline.nowMs - seen.endedMs;
    check(waitedMs >= PAUSE_MIN_MS, `${name} is started again after a pause, not ${waitedMs} ms`);
    check(
      this.#count > 1 || waitedMs >= pauseMs,
      `the pause doubles: ${waitedMs} ms of ${pauseMs}`,
    );
    if (this.#kind === 'hopeless') {
      check(this.#restartsUsed <= 1, 'an error of the run is tried again once');
    }
    if (this.#kind === 'oneBad') {
      check(seen.starts <= 2, 'an error of one worker is tried again once');
    }
  }

  #ended(name: string, cause: DeathCause | undefined): void {
    const seen = this.#seenOf(name);
    seen.process = undefined;
    seen.endedMs = this.timeline.nowMs;
    if (this.#isOver) return;
    if (this.#isEnding) {
      this.#counts.deathsWhileEnding += 1;
      seen.isDone = true;
      return;
    }
    // Each other worker that has ended may have a restart to come.
    const numEnded = [...this.#seen.values()].filter(({ process }) => process === undefined).length;
    const budget = this.#restarts - this.#restartsUsed - (numEnded - 1);
    const isPassing = cause !== BAD && (cause as TesseraError | undefined)?.code !== 'DATA_INVALID';
    if (isPassing && budget > 0) {
      seen.dueMs = this.timeline.nowMs + PAUSE_MAX_MS + SLACK_MS;
    }
  }

  /** Workers that should have been started, and a run that nobody computes for. */
  #noteOverdue(): void {
    if (this.#isOver || this.#isEnding) return;
    const { nowMs } = this.timeline;
    const workers = [...this.#seen.values()];
    for (const { dueMs = Number.POSITIVE_INFINITY } of workers)
      check(nowMs <= dueMs, 'a worker is started again while there are restarts');
    const newestMs = Math.max(...workers.map(({ endedMs = 0 }) => endedMs));
    const numAlive = workers.filter(({ process }) => process !== undefined).length;
    if (nowMs - newestMs < PAUSE_MAX_MS + SLACK_MS) return;
    check(numAlive > 0, 'a launch without workers ends');
    const isEnough = numAlive >= this.#minWorkers || this.#hadOthers;
    check(isEnough, 'a launch with too few workers ends');
    if (workers.some(({ endedMs, process }) => endedMs !== undefined && process === undefined))
      this.#counts.givenUp += 1;
  }

  #failed(error: TesseraError): void {
    this.#watch(() => {
      check(this.#failure === undefined, 'a launch fails once');
      this.#failure = error;
      this.#counts[error.code === 'WORKERS_LOST' ? 'lost' : 'failedWithTheirError'] += 1;
      if (this.#kind === 'hopeless' && this.#restarts > 0)
        check(error === BAD, `an error of the run ends it, not ${error.message}`);
      check(this.#kind !== 'oneBad', 'one bad worker does not end the run of the others');
      const alive = [...this.#seen.values()].filter(({ process }) => process?.isAlive).length;
      const isEnough = alive + this.#others.length >= this.#minWorkers && alive > 0;
      check(error.code !== 'WORKERS_LOST' || !isEnough, 'a launch with enough workers goes on');
    });
  }

  #watch(look: () => void): void {
    try {
      look();
    } catch (error) {
      this.#violation ??= error;
    }
  }
}

const BAD = new TesseraError('NON_FINITE', 'the loss is not finite');
const CAUSES: readonly (DeathCause | undefined)[] = [
  undefined,
  { sentence: 'bad_alloc' },
  new TesseraError('SYSTEM', 'too many open files'),
  new TesseraError('DATA_INVALID', 'the data set is another one'),
];

/** Lives through the launch of a seed; a failure names the seed. */
export async function liveLaunch(seed: number, counts: LaunchCounts): Promise<void> {
  const world = new LaunchWorld(new Dice(seed), counts);
  try {
    await world.live();
  } catch (error) {
    const { message, stack } = error as Error;
    const what = error instanceof Violation ? message : stack;
    const atMs = world.timeline.nowMs.toFixed(0);
    throw new Violation(
      `world ${seed} at ${atMs} ms: ${what}\nreplay: SIM_SEED=${seed} npm run sim`,
    );
  }
}
