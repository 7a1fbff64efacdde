/** @file How many pixels are decoded at one time, by one thread or by several that share a budget. */
import { WeighedGate } from '../../core/concurrency.ts';

/** Pixels that are under way in all threads. */
export type SharedBudget = Int32Array<SharedArrayBuffer>;

/** Shortest time between two looks at a budget to which no thread has given back. */
const LOOK_MS = 1_000;

/** Bounds work by its pixels; more than the limit runs alone. */
export class PixelBudget {
  readonly #limit: number;
  readonly #gate: WeighedGate;
  #shared: SharedBudget | undefined;

  constructor(limit: number) {
    this.#limit = limit;
    this.#gate = new WeighedGate(limit);
  }

  /** A budget for several threads. */
  static shared(): SharedBudget {
    return new Int32Array(new SharedArrayBuffer(4));
  }

  /** Makes a thread one of several: it waits for the others, blocked, so it has nothing else to do. */
  shareWith(shared: SharedBudget): void {
    this.#shared = shared;
  }

  /** Runs `work` when there is room for its pixels. */
  async run<T>(pixels: number, work: () => Promise<T>): Promise<T> {
    const shared = this.#shared;
    if (shared === undefined) return await this.#gate.run(pixels, work);
    const share = Math.min(pixels, this.#limit);
    take(shared, share, this.#limit);
    try {
      return await work();
    } finally {
      Atomics.sub(shared, 0, share);
      Atomics.notify(shared, 0);
    }
  }
}

function take(shared: SharedBudget, share: number, limit: number): void {
  for (;;) {
    const used = Atomics.load(shared, 0);
    if (used + share > limit) Atomics.wait(shared, 0, used, LOOK_MS);
    else if (Atomics.compareExchange(shared, 0, used, used + share) === used) return;
  }
}
