/** @file Carries out what the batcher decides: requests wait here for the logits of their images. */
import { type Deferred, deferred } from '../../shared/core/async.ts';
import type { Clock } from '../../shared/core/clock.ts';
import { type BatchEvent, Batcher, type BatchLimits } from './batcher.ts';
import type { ImageOutcome } from './model-messages.ts';
import type { ServedModel } from './served-model.ts';

/** What becomes of an image: it is computed, or there is no room for it. */
export type QueueOutcome =
  | { readonly outcome: ImageOutcome; readonly retryAfterSeconds?: undefined }
  | { readonly retryAfterSeconds: number };

/** What a queue needs. */
export interface QueueOptions extends BatchLimits {
  readonly model: Pick<ServedModel, 'compute'>;
  readonly clock: Clock;
  /** Called for each computation, with its images and seconds. */
  readonly onBatch: (images: number, seconds: number) => void;
  /** Called when the model can compute nothing more. */
  readonly onFailure: (error: unknown) => void;
}

interface Waiting {
  readonly image: Uint8Array;
  readonly done: Deferred<QueueOutcome>;
}

/** Images that wait for the model. */
export class ImageQueue {
  readonly #options: QueueOptions;
  readonly #batcher: Batcher;
  readonly #waiting = new Map<number, Waiting>();
  #lastId = 0;

  constructor(options: QueueOptions) {
    this.#options = options;
    this.#batcher = new Batcher(options);
  }

  /** Images that wait for their turn. */
  get waiting(): number {
    return this.#batcher.waiting;
  }

  /** Computes an image in its turn; when `signal` aborts, it has none. Throws  the signal's reason; what the model throws. */
  async compute(image: Uint8Array, signal: AbortSignal): Promise<QueueOutcome> {
    signal.throwIfAborted();
    this.#lastId += 1;
    const id = this.#lastId;
    const done = deferred<QueueOutcome>();
    this.#waiting.set(id, { image, done });
    const leave = () => {
      this.#handle({ type: 'leave', id });
      done.reject(signal.reason);
    };
    signal.addEventListener('abort', leave, { once: true });
    this.#handle({ type: 'arrive', id });
    try {
      return await done.promise;
    } finally {
      signal.removeEventListener('abort', leave);
      this.#waiting.delete(id);
    }
  }

  #handle(event: BatchEvent): void {
    for (const effect of this.#batcher.handle(event, this.#options.clock.nowMs())) {
      if (effect.type === 'compute') void this.#compute(effect.ids);
      else this.#waiting.get(effect.id)?.done.resolve(effect);
    }
  }

  async #compute(ids: readonly number[]): Promise<void> {
    const { model, clock, onBatch, onFailure } = this.#options;
    const batch = ids.map((id) => this.#waiting.get(id) as Waiting);
    const startedMs = clock.nowMs();
    try {
      const outcomes = await model.compute(batch.map(({ image }) => image));
      onBatch(ids.length, (clock.nowMs() - startedMs) / 1000);
      for (const [at, { done }] of batch.entries()) {
        done.resolve({ outcome: outcomes[at] as ImageOutcome });
      }
    } catch (error) {
      for (const { done } of batch) done.reject(error);
      onFailure(error);
    }
    this.#handle({ type: 'computed' });
  }
}
