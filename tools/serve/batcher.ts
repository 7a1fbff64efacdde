/** @file Which images are computed together, and which are refused: decisions of `tessera serve`. Pure. */

/** Bounds of the queue. */
export interface BatchLimits {
  /** Images of one computation. */
  readonly batch: number;
  /** Images that wait; more are refused. */
  readonly waitingMax: number;
}

/** What happens: an image comes, its client goes, the computation that was asked for is done. */
export type BatchEvent =
  | { readonly type: 'arrive'; readonly id: number }
  | { readonly type: 'leave'; readonly id: number }
  | { readonly type: 'computed' };

/** What is to be done. */
export type BatchEffect =
  | { readonly type: 'compute'; readonly ids: readonly number[] }
  | { readonly type: 'refuse'; readonly id: number; readonly retryAfterSeconds: number };

/** The longest time that a refused client is asked to wait, and what one is asked before anything was measured. */
const RETRY_SECONDS_MAX = 60;
const FIRST_BATCH_MS = 1000;

/**
 * One computation at a time: an image that comes alone is computed at once, those that come meanwhile are computed
 * together. No timer waits for more.
 */
export class Batcher {
  readonly #limits: BatchLimits;
  #waiting: number[] = [];
  #startedMs: number | undefined;
  #batchMs = FIRST_BATCH_MS;

  constructor(limits: BatchLimits) {
    this.#limits = limits;
  }

  /** Images that wait. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** Takes an event; returns what follows from it. */
  handle(event: BatchEvent, nowMs: number): readonly BatchEffect[] {
    switch (event.type) {
      case 'arrive':
        if (this.#waiting.length >= this.#limits.waitingMax) return [this.#refusal(event.id)];
        this.#waiting.push(event.id);
        return this.#next(nowMs);
      case 'leave':
        this.#waiting = this.#waiting.filter((id) => id !== event.id);
        return [];
      case 'computed':
        if (this.#startedMs !== undefined) this.#batchMs = nowMs - this.#startedMs;
        this.#startedMs = undefined;
        return this.#next(nowMs);
    }
  }

  #next(nowMs: number): readonly BatchEffect[] {
    if (this.#startedMs !== undefined || this.#waiting.length === 0) return [];
    this.#startedMs = nowMs;
    return [{ type: 'compute', ids: this.#waiting.splice(0, this.#limits.batch) }];
  }

  /** When about half of those that wait have been computed, there is room again. */
  #refusal(id: number): BatchEffect {
    const batches = Math.ceil(this.#waiting.length / 2 / this.#limits.batch);
    const seconds = Math.ceil((batches * this.#batchMs) / 1000);
    return {
      type: 'refuse',
      id,
      retryAfterSeconds: Math.min(Math.max(seconds, 1), RETRY_SECONDS_MAX),
    };
  }
}
