/** @file What comes over a stream, for one reader that takes it at its own pace: the stream pauses while enough waits. */

/** The stream behind an inbox. */
interface Flow {
  pause(): unknown;
  resume(): unknown;
}

/** Messages that may wait. */
const WAITING_MAX = 2;

/** Items in order, until the end or a failure, which overtakes what waits. */
export class Inbox<Item> implements AsyncIterableIterator<Item> {
  readonly #flow: Flow;
  #waiting: Item[] = [];
  #failure: { readonly error: unknown } | undefined;
  #isEnded = false;
  #isPaused = false;
  #wake: () => void = () => {};

  constructor(flow: Flow) {
    this.#flow = flow;
  }

  push(item: Item): void {
    if (this.#isEnded) return;
    this.#waiting.push(item);
    this.#isPaused = this.#waiting.length >= WAITING_MAX;
    if (this.#isPaused) this.#flow.pause();
    this.#wake();
  }

  /** No more will come. */
  end(): void {
    this.#isEnded = true;
    this.#wake();
  }

  /** The reader gets `error` next, unless the end has come. */
  fail(error: unknown): void {
    if (this.#isEnded) return;
    this.#failure = { error };
    this.#waiting = [];
    this.end();
  }

  async next(): Promise<IteratorResult<Item, undefined>> {
    while (this.#waiting.length === 0 && !this.#isEnded) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    if (this.#failure !== undefined) throw this.#failure.error;
    const [item] = this.#waiting.splice(0, 1);
    if (this.#isPaused && this.#waiting.length === 0) this.#unpause();
    return item === undefined ? { done: true, value: undefined } : { done: false, value: item };
  }

  /** The reader wants no more: the rest flows by. */
  return(): Promise<IteratorResult<Item, undefined>> {
    this.#waiting = [];
    this.#isEnded = true;
    this.#unpause();
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #unpause(): void {
    this.#isPaused = false;
    this.#flow.resume();
  }
}
