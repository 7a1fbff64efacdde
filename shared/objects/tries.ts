/** @file How often a request to an object store is tried, and after which pauses. */
import type { Clock } from '../core/clock.ts';
import { type ErrorCode, TesseraError } from '../core/errors.ts';
import { randomUnit } from '../core/random.ts';

/** What the tries of one request may cost. */
export interface TriesBudget {
  readonly tries: number;
  /** First pause; each further one is twice as long, up to the longest. */
  readonly pauseMs: number;
  readonly pauseMaxMs: number;
}

/** Pauses of a quarter to half a minute. */
export const TRIES: TriesBudget = { tries: 7, pauseMs: 500, pauseMaxMs: 15_000 };

/** What another try may not fail by. */
const PASSING: ReadonlySet<ErrorCode> = new Set(['TIMEOUT', 'SYSTEM', 'CHUNK_CORRUPT']);

/** Whether another try may bring something else. */
export function mayPass(error: TesseraError): boolean {
  return PASSING.has(error.code);
}

/** What tries are made with. */
interface TriesOptions {
  readonly clock: Clock;
  readonly budget: TriesBudget;
  readonly signal?: AbortSignal | undefined;
  /** Gets why another try is needed. */
  readonly onRetry?: ((sentence: string) => void) | undefined;
}

/** Does `work` until it is done, its budget is used up, or what it fails by stays. Throws  its last error; the signal's reason. */
export async function withTries<T>(
  work: () => Promise<T>,
  { clock, budget, signal, onRetry }: TriesOptions,
): Promise<T> {
  for (let number = 1; ; number += 1) {
    signal?.throwIfAborted();
    try {
      return await work();
    } catch (thrown) {
      signal?.throwIfAborted();
      const error = TesseraError.from(thrown);
      if (number >= budget.tries || !mayPass(error)) throw error;
      onRetry?.(error.sentence);
      const longest = Math.min(budget.pauseMaxMs, budget.pauseMs * 2 ** (number - 1));
      // Machines that lost a store at one time do not come back at one time.
      const part = randomUnit(process.pid, 'jitter', number);
      await clock.sleep(longest * (0.5 + part / 2), signal);
    }
  }
}
