/** @file A stream of messages between two simulated processes: an async iterable on one end, calls on the other. */

type Waiting<T> = { resolve(result: IteratorResult<T>): void; reject(error: unknown): void };

/** What arrives, in order, until an end or a failure. */
export class Pipe<T> implements AsyncIterable<T> {
  readonly #items: T[] = [];
  #waiting: Waiting<T> | undefined;
  #end: { readonly error?: unknown } | undefined;

  push(item: T): void {
    if (this.#end !== undefined) return;
    if (this.#waiting === undefined) this.#items.push(item);
    else this.#take()?.resolve({ value: item, done: false });
  }

  end(): void {
    this.#close({});
  }

  fail(error: unknown): void {
    this.#close({ error });
  }

  [Symbol.asyncIterator](): AsyncIterator<T> {
    return {
      next: () => this.#next(),
      return: () => {
        this.end();
        return Promise.resolve({ value: undefined, done: true });
      },
    };
  }

  #next(): Promise<IteratorResult<T>> {
    const item = this.#items.shift();
    if (item !== undefined) return Promise.resolve({ value: item, done: false });
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      if (this.#end !== undefined) this.#settle(this.#end);
    });
  }

  #close(end: { readonly error?: unknown }): void {
    if (this.#end !== undefined) return;
    this.#end = end;
    if (this.#waiting !== undefined) this.#settle(end);
  }

  #settle(end: { readonly error?: unknown }): void {
    if ('error' in end) this.#take()?.reject(end.error);
    else this.#take()?.resolve({ value: undefined, done: true });
  }

  #take(): Waiting<T> | undefined {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    return waiting;
  }
}
