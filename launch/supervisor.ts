/**
 * @file Decides when a worker is started, restarted or abandoned, and when a launch fails with which error.
 * Pure: `(event, nowMs) -> effects`.
 */
import { isPermanent, TesseraError } from '../shared/core/errors.ts';
import type { LaunchNotice } from './launcher.ts';
import { codeOf, deathText, errorOfLoss, rootCause, type WorkerDeath } from './worker-exit.ts';

/** The state of the run that the workers compute for. */
export interface RunStanding {
  /** From then on the end of a worker is not a failure. */
  readonly isEnding: boolean;
  readonly step: number;
  /** Process ids of the workers that have built the model, those of this launch and others. */
  readonly atWork: readonly number[];
}

/** What happened. */
export type LaunchEvent =
  | { readonly type: 'launched' }
  /** A process of this worker runs. */
  | { readonly type: 'started'; readonly worker: string; readonly pid: number | undefined }
  | { readonly type: 'ended'; readonly death: WorkerDeath; readonly run: RunStanding }
  /** The workers are being ended. */
  | { readonly type: 'stop' }
  | { readonly type: 'tick' };

/** What is to be done. */
export type LaunchEffect =
  | { readonly type: 'start'; readonly worker: string }
  | { readonly type: 'notify'; readonly notice: LaunchNotice }
  /** Too few workers are left, or another start would fail alike. */
  | { readonly type: 'fail'; readonly error: TesseraError };

/** Fixed properties of a launch. */
export interface SupervisorOptions {
  /** Names of the workers, or of hosts. */
  readonly workers: readonly string[];
  /** Where they are hosts: the workers of each. */
  readonly workersOf?: ReadonlyMap<string, number>;
  /** With fewer the run does not continue. */
  readonly minWorkers: number;
  /** Restarts over the whole launch. */
  readonly restarts: number;
}

/** The state of a worker that has not been abandoned. */
type Slot =
  | { readonly state: 'alive'; readonly pid: number | undefined }
  | { readonly state: 'waiting'; readonly untilMs: number };

const BACK_OFF_FIRST_MS = 500;
const BACK_OFF_MAX_MS = 10_000;

/** The state machine of one launch. Bound: a death and a failure for each worker and each restart. */
export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #slots = new Map<string, Slot>();
  /** Process ids of this launch, living or not. */
  readonly #pids = new Set<number>();
  readonly #failures: Failure[] = [];
  readonly #deaths: WorkerDeath[] = [];
  #restartsUsed = 0;
  #isOver = false;
  #effects: LaunchEffect[] = [];

  constructor(options: SupervisorOptions) {
    this.#options = options;
  }

  /** Takes in what happened; returns what is to be done, in this order. Nothing once it was stopped or has failed. */
  handle(event: LaunchEvent, nowMs: number): LaunchEffect[] {
    this.#effects = [];
    if (this.#isOver) return [];
    switch (event.type) {
      case 'launched':
        for (const worker of this.#options.workers) this.#start(worker);
        break;
      case 'started':
        if (event.pid !== undefined) this.#pids.add(event.pid);
        this.#slots.set(event.worker, { state: 'alive', pid: event.pid });
        break;
      case 'ended':
        this.#slots.delete(event.death.name);
        if (!event.run.isEnding) this.#died(event.death, event.run, nowMs);
        break;
      case 'stop':
        this.#isOver = true;
        break;
      case 'tick':
        for (const [worker, slot] of this.#slots) {
          if (slot.state === 'waiting' && nowMs >= slot.untilMs) this.#start(worker);
        }
        break;
      default:
        event satisfies never;
    }
    return this.#effects;
  }

  #start(worker: string): void {
    this.#slots.set(worker, { state: 'alive', pid: undefined });
    this.#effects.push({ type: 'start', worker });
  }

  #died(death: WorkerDeath, { step, atWork }: RunStanding, nowMs: number): void {
    const { restarts } = this.#options;
    this.#deaths.push(death);
    this.#failures.push({ worker: death.name, code: codeOf(death), step });
    const living = new Set([...this.#slots.values()].map((slot) => 'pid' in slot && slot.pid));
    const isAtWork = (pid: number) => living.has(pid) || !this.#pids.has(pid);
    const others = { alive: this.#slots.size, atWork: atWork.filter(isAtWork).length };
    const next = whatFollows(this.#failures, others);
    const what = `${this.#options.workersOf ? 'host ' : 'worker/'}${deathText(death)}`;
    if (next === 'startAgain' && this.#restartsUsed < restarts) {
      const pauseMs = Math.min(BACK_OFF_MAX_MS, BACK_OFF_FIRST_MS * 2 ** this.#restartsUsed);
      this.#restartsUsed += 1;
      this.#slots.set(death.name, { state: 'waiting', untilMs: nowMs + pauseMs });
      const left = counted(restarts - this.#restartsUsed, 'restart');
      this.#notify('warn', `${what}; it starts again (${left} left)`);
      return;
    }
    const why = next === 'startAgain' ? 'no restarts left' : 'another start would end like that';
    this.#notify('error', `${what}; ${why}`);
    if (next === 'end' && death.cause instanceof TesseraError) this.#fail(death.cause);
    else this.#continueWith(atWork.filter((pid) => !this.#pids.has(pid)).length);
  }

  /** Continues with the remaining workers, or fails. `joined` are at work and were not started by this launch. */
  #continueWith(joined: number): void {
    const { minWorkers, restarts, workersOf } = this.#options;
    const alive = [...this.#slots.keys()].reduce(
      (sum, name) => sum + (workersOf?.get(name) ?? 1),
      0,
    );
    // Processes of other machines have numbers of their own: they may be those of our hosts.
    const others = workersOf ? 0 : joined;
    if (alive > 0 && alive + others >= minWorkers) {
      const left = counted(alive, 'worker');
      const where = workersOf ? `on ${counted(this.#slots.size, 'host')}` : 'of this machine';
      this.#notify('warn', `the run continues with ${left} ${where}`);
      return;
    }
    const [first, ...later] = this.#deaths;
    if (first === undefined) return;
    const few = `only ${alive} of the ${minWorkers} workers that cluster.minWorkers asks for can be had`;
    const missing =
      alive === 0
        ? { missing: 'no worker is left' }
        : { missing: few, wayOut: 'a smaller cluster.minWorkers lets it continue with fewer' };
    this.#notify('info', rootCause(first, workersOf ? 'host' : 'worker').join('\n'));
    this.#fail(errorOfLoss([first, ...later], { restarts, ...missing }));
  }

  #notify(level: LaunchNotice['level'], text: string): void {
    this.#effects.push({ type: 'notify', notice: { level, text } });
  }

  #fail(error: TesseraError): void {
    this.#isOver = true;
    this.#effects.push({ type: 'fail', error });
  }
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** One failure of a worker, as the rule of what follows sees it. */
export interface Failure {
  readonly worker: string;
  /** The code of the error that the worker reported; undefined where it reported none. */
  readonly code: TesseraError['code'] | undefined;
  /** The step that the run was at. */
  readonly step: number;
}

/**
 * What follows the newest failure, which is the last: the worker is restarted, is abandoned, or the launch ends with its
 * error.
 *
 * An error that another try gives again ends the launch when two workers had it at the same step, or one worker twice
 * and there is no other. While others are at work the error is not the run's but the worker's.
 */
export function whatFollows(
  failures: readonly Failure[],
  others: { readonly alive: number; readonly atWork: number },
): 'startAgain' | 'abandon' | 'end' {
  const newest = failures.at(-1);
  if (newest?.code === undefined || !isPermanent(newest.code)) return 'startAgain';
  const same = failures.filter(({ code, step }) => code === newest.code && step === newest.step);
  const isTwiceItsOwn = same.filter(({ worker }) => worker === newest.worker).length > 1;
  if (others.atWork > 0) return isTwiceItsOwn ? 'abandon' : 'startAgain';
  const isShared = same.some(({ worker }) => worker !== newest.worker);
  if (isShared || (isTwiceItsOwn && others.alive === 0)) return 'end';
  return isTwiceItsOwn ? 'abandon' : 'startAgain';
}
