/** @file What comes often is kept, and worked on together, so that it comes between fewer steps. */

/** Items that are kept; more are worked on before they are wanted. */
const KEPT_MAX = 4096;

/** Keeps items in their order until they are wanted. */
export class Gathered<T> {
  readonly #take: (item: T) => void;
  #kept: T[] = [];

  constructor(take: (item: T) => void) {
    this.#take = take;
  }

  add(item: T): void {
    this.#kept.push(item);
    if (this.#kept.length >= KEPT_MAX) this.takeAll();
  }

  /** Works on all that is kept. Throws  what that throws; the items behind are lost. */
  takeAll(): void {
    const kept = this.#kept;
    if (kept.length === 0) return;
    this.#kept = [];
    for (const item of kept) this.#take(item);
  }
}
