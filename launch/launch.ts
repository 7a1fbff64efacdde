/** @file The workers of a run, from the first start to the last end: carries the supervisor's decisions out. */
import { deferred } from '../shared/core/async.ts';
import { type Clock, systemClock } from '../shared/core/clock.ts';
import { TesseraError } from '../shared/core/errors.ts';
import type { Launcher, LaunchNotice, WorkerLife, WorkerSlot } from './launcher.ts';
import { type LaunchEvent, type RunStanding, Supervisor } from './supervisor.ts';
import { NEVER_STARTED } from './worker-exit.ts';

/** A host of a launch, with several workers in one life. */
export interface LaunchedHost {
  readonly name: string;
  readonly workers: number;
}

/** What a launch is started with. */
export interface LaunchOptions {
  readonly launcher: Launcher;
  /** Number of workers of this machine; or hosts elsewhere. */
  readonly count: number | readonly LaunchedHost[];
  /** With fewer the run does not continue; 1 by default. */
  readonly minWorkers?: number;
  /** Restarts over the whole run. */
  readonly restarts: number;
  readonly standing: () => RunStanding;
  readonly notify: (notice: LaunchNotice) => void;
  readonly clock?: Clock;
}

/** The interval between two ticks of the supervisor. */
const TICK_MS = 100;
/** How often the launcher is asked for news. */
const LOOK_MS = 2_000;
/** A worker gets this long to see the end of the run, then it is asked to end, then it is killed. */
const FINISH_MS = 5_000;
const KILL_MS = 2_000;

/** N worker processes that live as long as the run, within a budget of restarts. */
export class Launch {
  readonly #options: LaunchOptions;
  readonly #clock: Clock;
  readonly #supervisor: Supervisor;
  readonly #slots: ReadonlyMap<string, WorkerSlot>;
  readonly #alive = new Map<string, WorkerLife>();
  readonly #failed = deferred<never>();
  readonly #stopTimers: readonly (() => void)[];

  constructor(options: LaunchOptions) {
    const { launcher, count, minWorkers = 1, restarts, notify, clock = systemClock } = options;
    this.#options = options;
    this.#clock = clock;
    const hosts = typeof count === 'number' ? undefined : count;
    const names =
      hosts?.map(({ name }) => name) ??
      Array.from({ length: Number(count) }, (_, at) => `w${at + 1}`);
    this.#slots = new Map(names.map((name, index) => [name, { index, name }]));
    this.#supervisor = new Supervisor({
      ...{ workers: names, minWorkers, restarts },
      ...(hosts && { workersOf: new Map(hosts.map(({ name, workers }) => [name, workers])) }),
    });
    this.#failed.promise.catch(() => {});
    this.#stopTimers = [
      clock.every(TICK_MS, () => this.#dispatch({ type: 'tick' })),
      clock.every(LOOK_MS, () => launcher.look().forEach(notify)),
    ];
    this.#dispatch({ type: 'launched' });
    launcher.look().forEach(notify);
  }

  /**
   * Rejects when the run has too few workers and none may be started again, or when another try would only fail again;
   * never resolves. With WORKERS_LOST, or the error that the workers reported.
   */
  get failed(): Promise<never> {
    return this.#failed.promise;
  }

  /** Ends the workers; `gently` gives them time to learn from the coordinator that the run is over. */
  async close(gently: boolean): Promise<void> {
    this.#dispatch({ type: 'stop' });
    for (const stop of this.#stopTimers) stop();
    if (gently) await this.#allExited(FINISH_MS);
    for (const life of this.#alive.values()) life.end();
    await this.#allExited(KILL_MS);
    for (const life of this.#alive.values()) life.kill();
  }

  async #allExited(limitMs: number): Promise<void> {
    const exited = Promise.all([...this.#alive.values()].map((life) => life.exited));
    const enough = new AbortController();
    await Promise.race([exited, this.#clock.sleep(limitMs, enough.signal).catch(() => {})]);
    enough.abort();
  }

  #dispatch(event: LaunchEvent): void {
    for (const effect of this.#supervisor.handle(event, this.#clock.nowMs())) {
      if (effect.type === 'start') this.#start(this.#slots.get(effect.worker) as WorkerSlot);
      else if (effect.type === 'notify') this.#options.notify(effect.notice);
      else this.#failed.reject(effect.error);
    }
  }

  /** A process that cannot be started is an end like any other. */
  #start(slot: WorkerSlot): void {
    const { launcher, standing } = this.#options;
    const { name } = slot;
    let life: WorkerLife;
    try {
      life = launcher.start(slot);
    } catch (error) {
      const cause = TesseraError.from(error);
      const death = { name, pid: undefined, how: NEVER_STARTED, cause, logPath: '' };
      this.#dispatch({ type: 'ended', death, run: standing() });
      return;
    }
    this.#alive.set(name, life);
    this.#dispatch({ type: 'started', worker: name, pid: life.pid });
    void life.ended.then((death) => {
      this.#alive.delete(name);
      this.#dispatch({ type: 'ended', death, run: standing() });
    });
  }
}
