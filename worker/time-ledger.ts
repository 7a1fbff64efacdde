/** @file Where a worker's time goes between two pushes. */
import { performance } from 'node:perf_hooks';

type Part = 'pull' | 'fetch' | 'compute' | 'push';

/** Adds up measured parts; what is left of the wall time is idle. Units  milliseconds. */
export class TimeLedger {
  #sinceMs = performance.now();
  #parts: Record<Part, number> = { pull: 0, fetch: 0, compute: 0, push: 0 };

  /** Runs `work` and books its time under `part`. */
  async measure<T>(part: Part, work: () => Promise<T>): Promise<T> {
    const startedMs = performance.now();
    try {
      return await work();
    } finally {
      this.#parts[part] += performance.now() - startedMs;
    }
  }

  /** The times since the last call. */
  take(): { pullMs: number; fetchMs: number; computeMs: number; pushMs: number; idleMs: number } {
    const nowMs = performance.now();
    const { pull, fetch, compute, push } = this.#parts;
    const idleMs = Math.max(0, nowMs - this.#sinceMs - pull - fetch - compute - push);
    this.#sinceMs = nowMs;
    this.#parts = { pull: 0, fetch: 0, compute: 0, push: 0 };
    return { pullMs: pull, fetchMs: fetch, computeMs: compute, pushMs: push, idleMs };
  }
}
