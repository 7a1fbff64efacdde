/** @file Figures of a server in the text format of Prometheus. Pure. Source  its "Exposition formats", version 0.0.4. */

/** Upper bounds of a histogram's buckets, in its own unit. */
const SECONDS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10] as const;
const IMAGES = [1, 2, 4, 8, 16, 32, 64] as const;

class Histogram {
  readonly #bounds: readonly number[];
  readonly #counts: number[];
  #sum = 0;
  #count = 0;

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.#counts = bounds.map(() => 0);
  }

  add(value: number): void {
    this.#sum += value;
    this.#count += 1;
    for (const [at, bound] of this.#bounds.entries()) {
      if (value <= bound) this.#counts[at] = (this.#counts[at] as number) + 1;
    }
  }

  lines(name: string): string[] {
    return [
      ...this.#bounds.map((bound, at) => `${name}_bucket{le="${bound}"} ${this.#counts[at]}`),
      `${name}_bucket{le="+Inf"} ${this.#count}`,
      `${name}_sum ${this.#sum}`,
      `${name}_count ${this.#count}`,
    ];
  }
}

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
    const family = (name: string, type: string, help: string, lines: readonly string[]) => [
      `# HELP ${name} ${help}`,
      `# TYPE ${name} ${type}`,
      ...lines,
    ];
    const gauge = (name: string, help: string, value: number) =>
      family(name, 'gauge', help, [`${name} ${value}`]);
    const histogram = (name: string, help: string, of: Histogram) =>
      family(name, 'histogram', help, of.lines(name));
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
