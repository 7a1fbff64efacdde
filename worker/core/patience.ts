/** @file How long work that fails may be tried again: a budget of time without one success. */
import type { ErrorReport } from '../../shared/core/error-report.ts';

/** After this long without an attempt, a failure starts a new series. */
const LULL_MS = 10_000;

/** The budget of one kind of work. */
export class Patience {
  readonly #limitMs: number;
  #sinceMs: number | undefined;
  #lastMs = 0;
  #error: ErrorReport | undefined;

  /** It ends when all attempts of so long have failed. */
  constructor(limitMs: number) {
    this.#limitMs = limitMs;
  }

  /** Why the last attempt failed; nothing once one has succeeded. */
  get error(): ErrorReport | undefined {
    return this.#error;
  }

  /** An attempt begins. */
  began(nowMs: number): void {
    if (nowMs - this.#lastMs > LULL_MS) this.succeeded();
  }

  succeeded(): void {
    this.#sinceMs = undefined;
    this.#error = undefined;
  }

  /** An attempt has failed; returns whether it was the last. */
  failed(error: ErrorReport, nowMs: number): boolean {
    this.#sinceMs ??= nowMs;
    this.#lastMs = nowMs;
    this.#error = error;
    return nowMs - this.#sinceMs >= this.#limitMs;
  }
}
