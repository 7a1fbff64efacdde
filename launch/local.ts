/** @file The worker processes of `tessera train`: started, watched, started again, ended. */
import { join } from 'node:path';
import type { Crew } from '../cli/terminal/flag-values.ts';
import { deferred } from '../shared/core/async.ts';
import { systemClock } from '../shared/core/clock.ts';
import { TesseraError } from '../shared/core/errors.ts';
import { reasonOf } from '../shared/files/errno.ts';
import { cgroupTexts, type Devices } from '../shared/machine/devices.ts';
import { type MemoryKills, memoryKills } from '../shared/machine/memory-kills.ts';
import { isStopped } from '../shared/machine/processes.ts';
import {
  causeOfDeath,
  codeOf,
  deathText,
  errorOfLoss,
  type Failure,
  NEVER_STARTED,
  rootCause,
  type WorkerDeath,
  wasKilledForMemory,
  whatFollows,
} from './worker-exit.ts';
import { type ProcessEnd, startWorkerProcess, type WorkerProcess } from './worker-process.ts';

/** How the run stands that the workers compute for. */
export interface RunStanding {
  /** From then on it is no death when a worker goes. */
  readonly isEnding: boolean;
  readonly step: number;
  /** Process ids of the workers that have built the model, ours and others. */
  readonly atWork: readonly number[];
}

/** What local workers need to know. */
export interface LocalWorkersOptions {
  /** Program and arguments of a worker, without its name. */
  readonly command: readonly string[];
  readonly count: number;
  /** Without so many the run does not go on. */
  readonly minWorkers?: number;
  /** What each is told on stdin. */
  readonly firstWords?: string;
  /** Restarts over the whole run. */
  readonly restarts: number;
  readonly logsFolder: string;
  /** Environment of worker `number` (from 0) beside our own. */
  environment(number: number): Readonly<Record<string, string>>;
  standing(): RunStanding;
  /** Says what happened to a worker. */
  readonly say: (line: string) => void;
}

/** How often it is looked whether a worker is stopped. */
const LOOK_MS = 2_000;
const BACK_OFF_FIRST_MS = 500;
const BACK_OFF_MAX_MS = 10_000;
/** A worker that was told to finish gets this long, then its stdin closes, then it is killed. */
const FINISH_MS = 5_000;
const KILL_MS = 2_000;

/** The place of a worker in the crew: its name stays over its lives. */
interface Place {
  readonly number: number;
  readonly name: string;
  readonly logPath: string;
}

/** N worker processes that live as long as the run, within a budget of restarts. */
export class LocalWorkers {
  readonly #options: LocalWorkersOptions;
  readonly #lost = deferred<never>();
  readonly #stop = new AbortController();
  readonly #alive = new Map<string, WorkerProcess>();
  /** Process ids that were ours, living or not. */
  readonly #pids = new Set<number>();
  readonly #failures: Failure[] = [];
  readonly #deaths: WorkerDeath[] = [];
  #restartsLeft: number;
  #restartsPending = 0;
  /** The kernel's count up to which kills have been put down to deaths of ours. */
  #killsClaimed = 0;
  /** Workers that are known to be stopped. */
  readonly #stopped = new Set<string>();
  #hasSaidNoLog = false;

  constructor(options: LocalWorkersOptions) {
    this.#options = options;
    this.#restartsLeft = options.restarts;
    this.#lost.promise.catch(() => {});
    for (let number = 0; number < options.count; number += 1) this.#start(this.#placeOf(number));
    const stopLooking = systemClock.every(LOOK_MS, () => this.#lookForStopped());
    this.#stop.signal.addEventListener('abort', stopLooking, { once: true });
  }

  /**
   * Rejects when the run has too few workers and none may be started again, or when another try would only fail again;
   * never resolves. With WORKERS_LOST, or the error that the workers told.
   */
  get failed(): Promise<never> {
    return this.#lost.promise;
  }

  /** Ends the workers; `gently` gives them time to hear from the coordinator that the run is over. */
  async close(gently: boolean): Promise<void> {
    this.#stop.abort(new TesseraError('CANCELLED', 'the workers are being ended'));
    if (gently) await this.#allEnded(FINISH_MS);
    for (const { child } of this.#alive.values()) child.stdin?.end();
    await this.#allEnded(KILL_MS);
    for (const { child } of this.#alive.values()) child.kill('SIGKILL');
  }

  async #allEnded(limitMs: number): Promise<void> {
    const ended = Promise.all([...this.#alive.values()].map((worker) => worker.exited));
    const enough = new AbortController();
    await Promise.race([ended, systemClock.sleep(limitMs, enough.signal).catch(() => {})]);
    enough.abort();
  }

  #placeOf(number: number): Place {
    const name = `w${number + 1}`;
    return { number, name, logPath: join(this.#options.logsFolder, `${name}.log`) };
  }

  /** A worker that is stopped says nothing, and is not dead: only a person can let it go on. */
  #lookForStopped(): void {
    for (const [name, { child }] of this.#alive) {
      const { pid } = child;
      if (pid === undefined || !isStopped(pid)) this.#stopped.delete(name);
      else if (!this.#stopped.has(name)) {
        this.#stopped.add(name);
        this.#options.say(`⚠ worker/${name} is stopped; it goes on with: kill -CONT ${pid}`);
      }
    }
  }

  /** A process that cannot be started is a death like any other. */
  #start(place: Place): void {
    try {
      this.#spawn(place);
    } catch (error) {
      this.#died(place, neverStarted(place, error));
    }
  }

  #spawn(place: Place): void {
    const { name, number, logPath } = place;
    const { command, firstWords = '', environment } = this.#options;
    const before = memoryKills(cgroupTexts());
    const life = startWorkerProcess({
      ...{ name, command, logPath, firstWords },
      environment: environment(number),
    });
    const { pid } = life.child;
    if (pid !== undefined) this.#pids.add(pid);
    this.#alive.set(name, life);
    if (life.logTrouble !== undefined) this.#sayNoLog(logPath, life.logTrouble);
    void life.end.then((end) => {
      this.#alive.delete(name);
      const kills = this.#killsSince(before, end.signal);
      const cause = causeOfDeath({ ...end, kills });
      const path = life.logTrouble === undefined ? logPath : '';
      this.#died(place, { name, pid, how: howItEnded(end), cause, logPath: path });
    });
  }

  /** The kernel's counters at a start and now; each kill that they count is put down to one death. */
  #killsSince(
    before: MemoryKills | undefined,
    signal: string | null,
  ): readonly [MemoryKills | undefined, MemoryKills | undefined] {
    const after = memoryKills(cgroupTexts());
    const from = before && { ...before, kills: Math.max(before.kills, this.#killsClaimed) };
    if (signal !== null && from && wasKilledForMemory([from, after]))
      this.#killsClaimed = from.kills + 1;
    return [from, after];
  }

  #died(place: Place, death: WorkerDeath): void {
    const { say, standing } = this.#options;
    const { isEnding, step, atWork } = standing();
    if (this.#stop.signal.aborted || isEnding) return;
    this.#deaths.push(death);
    this.#failures.push({ worker: death.name, code: codeOf(death), step });
    const alive = this.#alive.size + this.#restartsPending;
    const living = new Set([...this.#alive.values()].map(({ child }) => child.pid));
    const isAtWork = (pid: number) => living.has(pid) || !this.#pids.has(pid);
    const next = whatFollows(this.#failures, { alive, atWork: atWork.filter(isAtWork).length });
    const what = `worker/${deathText(death)}`;
    if (next === 'startAgain' && this.#restartsLeft > 0) {
      const attempt = this.#options.restarts - this.#restartsLeft;
      this.#restartsLeft -= 1;
      say(`⚠ ${what}; it starts again (${restartsText(this.#restartsLeft)} left)`);
      void this.#startLater(place, Math.min(BACK_OFF_MAX_MS, BACK_OFF_FIRST_MS * 2 ** attempt));
      return;
    }
    const why = next === 'startAgain' ? 'no restarts left' : 'another start would end like that';
    say(`✖ ${what}; ${why}`);
    if (next === 'end' && death.cause instanceof TesseraError) this.#lost.reject(death.cause);
    else this.#goOnWith(alive, atWork.filter((pid) => !this.#pids.has(pid)).length);
  }

  /** Goes on with the workers that are left, or ends the run. */
  #goOnWith(alive: number, others: number): void {
    const { minWorkers = 1, restarts, say } = this.#options;
    if (alive > 0 && alive + others >= minWorkers) {
      say(`⚠ the run goes on with ${alive} worker${alive === 1 ? '' : 's'} of this machine`);
      return;
    }
    const [first, ...later] = this.#deaths;
    if (first === undefined) return;
    const few = `only ${alive} of the ${minWorkers} workers that cluster.minWorkers asks for can be had`;
    const missing =
      alive === 0
        ? { missing: 'no worker is left' }
        : { missing: few, wayOut: 'a smaller cluster.minWorkers lets it go on with fewer' };
    for (const line of rootCause(first)) say(line);
    this.#lost.reject(errorOfLoss([first, ...later], { restarts, ...missing }));
  }

  async #startLater(place: Place, delayMs: number): Promise<void> {
    this.#restartsPending += 1;
    const isTime = await systemClock.sleep(delayMs, this.#stop.signal).then(
      () => true,
      () => false,
    );
    this.#restartsPending -= 1;
    if (isTime) this.#start(place);
  }

  #sayNoLog(path: string, trouble: unknown): void {
    if (!this.#hasSaidNoLog)
      this.#options.say(`⚠ workers have no log: cannot write ${path}: ${reasonOf(trouble)}`);
    this.#hasSaidNoLog = true;
  }
}

function restartsText(count: number): string {
  return `${count} restart${count === 1 ? '' : 's'}`;
}

function howItEnded({ code, signal }: ProcessEnd): string {
  if (signal !== null) return `signal ${signal}`;
  return code === null ? NEVER_STARTED : `exit code ${code}`;
}

function neverStarted({ name }: Place, error: unknown): WorkerDeath {
  const cause = TesseraError.from(error);
  return { name, pid: undefined, how: NEVER_STARTED, cause, logPath: '' };
}

/**
 * Workers to start: as many as asked for; `auto` is one a GPU, else one for two cores and at least 2; of a range, what
 * is nearest to that.
 */
export function countWorkers(wanted: Crew, { gpus, numThreads }: Devices): number {
  if (typeof wanted === 'number') return wanted;
  const fitting = gpus.length > 0 ? gpus.length : Math.max(2, Math.floor(numThreads / 2));
  return wanted === 'auto' ? fitting : Math.min(wanted.max, Math.max(wanted.min, fitting));
}

/** Threads of each of `count` workers that share this machine's cores. */
export function threadsEach({ numThreads }: Devices, count: number): number {
  return Math.max(1, Math.floor(numThreads / count));
}
