/** @file Simulated time: a queue of actions, ordered by time and then by when they were scheduled. */

interface Entry {
  readonly atMs: number;
  readonly order: number;
  readonly action: () => void;
}

/** A clock that jumps from one action to the next. */
export class Timeline {
  nowMs = 0;
  /** Actions that were run. */
  numRun = 0;
  readonly #heap: Entry[] = [];
  #order = 0;

  /** Runs an action later. */
  after(delayMs: number, action: () => void): void {
    this.#order += 1;
    this.#heap.push({ atMs: this.nowMs + delayMs, order: this.#order, action });
    for (let child = this.#heap.length - 1; child > 0; ) {
      const parent = (child - 1) >> 1;
      if (!this.#isBefore(child, parent)) break;
      this.#swap(child, parent);
      child = parent;
    }
  }

  /** Runs the next action; answers whether there was one. */
  step(): boolean {
    const next = this.#heap[0];
    const last = this.#heap.pop();
    if (next === undefined || last === undefined) return false;
    if (this.#heap.length > 0) {
      this.#heap[0] = last;
      this.#sink();
    }
    this.nowMs = next.atMs;
    this.numRun += 1;
    next.action();
    return true;
  }

  #sink(): void {
    for (let parent = 0; ; ) {
      let least = parent;
      for (const child of [2 * parent + 1, 2 * parent + 2]) {
        if (child < this.#heap.length && this.#isBefore(child, least)) least = child;
      }
      if (least === parent) return;
      this.#swap(parent, least);
      parent = least;
    }
  }

  #isBefore(a: number, b: number): boolean {
    const x = this.#heap[a]!;
    const y = this.#heap[b]!;
    return x.atMs < y.atMs || (x.atMs === y.atMs && x.order < y.order);
  }

  #swap(a: number, b: number): void {
    const kept = this.#heap[a]!;
    this.#heap[a] = this.#heap[b]!;
    this.#heap[b] = kept;
  }
}
