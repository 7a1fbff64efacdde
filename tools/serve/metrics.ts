/** @file Figures of `tessera serve`, for Prometheus. Pure. */
import { family, gauge, Histogram, histogram } from '../http/exposition.ts';

/** Upper bounds of a histogram's buckets, in its own unit. */
const SECONDS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10] as const;
const IMAGES = [1, 2, 4, 8, 16, 32, 64] as const;

/** Values that are read when they are asked for. */
export interface Gauges {
  readonly waiting: number;
  readonly connections: number;
  /** Bytes of images that are held: being received, waiting, being computed. */
  readonly heldBytes: number;
  /** Memory of the process. */
  readonly residentBytes: number;
}

/** Counts what a server does. */
export class ServerMetrics {
  readonly #replies = new Map<number, number>();
  readonly #requestSeconds = new Histogram(SECONDS);
  readonly #batchSeconds = new Histogram(SECONDS);
  readonly #batchImages = new Histogram(IMAGES);

  /** A reply to a prediction that was asked for; `seconds` from the first byte of the request. */
  replied(status: number, seconds: number): void {
    this.#replies.set(status, (this.#replies.get(status) ?? 0) + 1);
    if (status === 200) this.#requestSeconds.add(seconds);
  }

  computed(images: number, seconds: number): void {
    this.#batchImages.add(images);
    this.#batchSeconds.add(seconds);
  }

  text(gauges: Gauges): string {
    const replies = [...this.#replies].map(
      ([status, count]) => `tessera_predict_replies_total{status="${status}"} ${count}`,
    );
    return [
      ...family('tessera_predict_replies_total', 'counter', 'Replies to POST /predict.', replies),
      ...histogram('tessera_predict_seconds', 'Time of predictions.', this.#requestSeconds),
      ...histogram('tessera_batch_seconds', 'Time of computations.', this.#batchSeconds),
      ...histogram('tessera_batch_images', 'Images of computations.', this.#batchImages),
      ...gauge('tessera_images_waiting', 'Images that wait for the model.', gauges.waiting),
      ...gauge('tessera_connections', 'Open connections.', gauges.connections),
      ...gauge('tessera_held_bytes', 'Bytes of images that are held.', gauges.heldBytes),
      ...gauge('process_resident_memory_bytes', 'Memory of the process.', gauges.residentBytes),
      '',
    ].join('\n');
  }
}
