/** @file Decides what follows the end of the one process that works for `tessera worker`. Pure. */
import { ERROR_CODES, TesseraError } from '../shared/core/errors.ts';
import { deathText, type WorkerDeath } from './worker-exit.ts';

/** What follows an end. */
export type Sequel =
  /** The worker is over, with this exit code. */
  | { readonly type: 'over'; readonly code: number }
  /** The worker is over, with this error. */
  | { readonly type: 'failed'; readonly error: TesseraError }
  /** It starts again. */
  | { readonly type: 'again'; readonly pauseMs: number; readonly left: number };

const BACK_OFF_FIRST_MS = 500;
const BACK_OFF_MAX_MS = 10_000;
/** A process that has lived for so long does not crash whenever it computes: the budget is whole again. */
const LASTING_MS = 600_000;

/** Signals by which another process asks this one to end: that is obeyed. */
const SIGNAL_NUMBERS: Readonly<Record<string, number>> = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 };
const SIGNAL_EXIT = 128;

/** Exit codes that say by themselves why a worker ended; it has written the words. */
const KNOWN_EXITS: ReadonlySet<number> = new Set(
  Object.values(ERROR_CODES).map(({ exit }) => exit),
);

/** The lives of one worker. Bound: `restarts` crashes of lives that did not last. */
export class Keeper {
  readonly #restarts: number;
  #used = 0;

  constructor(restarts: number) {
    this.#restarts = restarts;
  }

  /**
   * What follows the end of a life. An error that the worker reported, and an end that it was asked for, are the
   * worker's; a process that was taken down from within or killed is started again.
   */
  ended(death: WorkerDeath, { lifeMs, isLeaving }: LifeFacts): Sequel {
    const { cause, code = null, signal } = death;
    if (cause instanceof TesseraError) return { type: 'failed', error: cause };
    if (code !== null && (code === 0 || KNOWN_EXITS.has(code))) return { type: 'over', code };
    if (isLeaving) return { type: 'over', code: 0 };
    const number = SIGNAL_NUMBERS[signal ?? ''];
    if (number !== undefined) return { type: 'over', code: SIGNAL_EXIT + number };
    if (lifeMs >= LASTING_MS) this.#used = 0;
    if (this.#used >= this.#restarts) return { type: 'failed', error: this.#lost(death) };
    const pauseMs = Math.min(BACK_OFF_MAX_MS, BACK_OFF_FIRST_MS * 2 ** this.#used);
    this.#used += 1;
    return { type: 'again', pauseMs, left: this.#restarts - this.#used };
  }

  #lost(death: WorkerDeath): TesseraError {
    const times = this.#used + 1;
    const often = times === 1 ? '' : ` ${times} times in a row, last`;
    return new TesseraError('WORKERS_LOST', `the worker ended${often}: ${deathText(death)}`, {
      ...(death.cause?.hint !== undefined && { hint: death.cause.hint }),
    });
  }
}

/** What is known of a life that has ended. */
export interface LifeFacts {
  readonly lifeMs: number;
  /** It was asked to leave. */
  readonly isLeaving: boolean;
}
