/**
 * @file Errors with which workers leave the open round: whether one is a worker's, or the run's.
 *
 * One worker's machine may be faulty, and the others continue. An error that a retry repeats is the run's: then it ends
 * with that error, instead of with workers that are lost one after the other.
 */
import type { ErrorReport } from '../../shared/core/error-report.ts';

/** How long a run without workers waits for a worker that retries. */
const ALONE_MS = 6_000;

/** An error and whose it is. */
export interface Failure {
  /** The same for a worker and for the one that is started in its place. */
  readonly by: string;
  readonly error: ErrorReport;
}

/** A failure, and where it happened. */
interface NotedFailure extends Failure {
  /** The workers present at that time: whatever their names, they are not its replacement. */
  readonly others: readonly string[];
}

/** The failures of one round. */
export class Failures {
  #failures: NotedFailure[] = [];
  /** The error after which no worker was left, until a worker retries. */
  #unanswered: ErrorReport | undefined;
  #aloneSinceMs: number | undefined;

  /** The round is over: others have computed it all, so it was not the run's. */
  clear(): void {
    this.#failures = [];
    this.#unanswered = undefined;
  }

  /** A worker has left with an error that is about the run; returns the error if it ends the run. */
  note(worker: string, failure: Failure, others: readonly string[]): ErrorReport | undefined {
    const same = this.#failures.filter(({ error }) => error.code === failure.error.code);
    this.#failures.push({ ...failure, others });
    // Other workers have its leaves, and will show whether the error repeats.
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

  /** Time has passed with `numConnected` workers; returns the error that ends the run if no worker comes to retry. */
  waited(numConnected: number, nowMs: number): ErrorReport | undefined {
    if (this.#unanswered === undefined || numConnected > 0) {
      this.#aloneSinceMs = undefined;
      return undefined;
    }
    this.#aloneSinceMs ??= nowMs;
    return nowMs - this.#aloneSinceMs >= ALONE_MS ? this.#unanswered : undefined;
  }
}
