/**
 * @file Errors with which workers leave the open round: whether one is a worker's, or the run's.
 *
 * A worker's machine may compute nonsense, and the others go on. What another try gives again is the run's: then it ends
 * with that error, instead of with workers that are lost one after the other.
 */
import type { ToldError } from '../../shared/core/verdict.ts';

/** A run that nobody is left to try again waits for so long for somebody to come. */
const ALONE_MS = 6_000;

/** An error and whose it is. */
export interface Failure {
  /** The same for a worker and for the one that is started in its place. */
  readonly by: string;
  readonly error: ToldError;
}

/** A failure, and where it happened. */
interface NotedFailure extends Failure {
  /** Those who were at work then: whatever they are called, they were not started in its place. */
  readonly others: readonly string[];
}

/** The failures of one round. */
export class Failures {
  #failures: NotedFailure[] = [];
  /** The error that left nobody at work, while nobody tries again. */
  #unanswered: ToldError | undefined;
  #aloneSinceMs: number | undefined;

  /** The round is over: others have computed it all, so it was not the run's. */
  clear(): void {
    this.#failures = [];
    this.#unanswered = undefined;
  }

  /** A worker has left with an error that is about the run; answers it when it ends the run. */
  note(worker: string, failure: Failure, others: readonly string[]): ToldError | undefined {
    const same = this.#failures.filter(({ error }) => error.code === failure.error.code);
    this.#failures.push({ ...failure, others });
    // While others are at work they have its leaves, and will tell.
    const isAlone = others.length === 0;
    if (isAlone) this.#unanswered = failure.error;
    this.#aloneSinceMs = undefined;
    const isAnothersToo = same.some(
      (earlier) => earlier.by !== failure.by || earlier.others.includes(worker),
    );
    return isAnothersToo || (same.length > 0 && isAlone) ? failure.error : undefined;
  }

  /** A worker begins to try again. */
  triedAgain(): void {
    this.#unanswered = undefined;
  }

  /** Time has passed with so many workers connected; answers the error that ends the run, as nobody comes to try again. */
  waited(numConnected: number, nowMs: number): ToldError | undefined {
    if (this.#unanswered === undefined || numConnected > 0) {
      this.#aloneSinceMs = undefined;
      return undefined;
    }
    this.#aloneSinceMs ??= nowMs;
    return nowMs - this.#aloneSinceMs >= ALONE_MS ? this.#unanswered : undefined;
  }
}
