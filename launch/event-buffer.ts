/** @file Events on their way to a reader that takes them one after the other: bounded, so that nothing waits for it. */
import { deferred } from '../shared/core/async.ts';

/** In the place of events that were not read in time. */
export interface Dropped {
  readonly type: 'dropped';
  readonly count: number;
}

/** Holds the newest `limit` items that were not read yet; the oldest ones make room. One reader at a time. */
export class EventBuffer<T> implements AsyncIterable<T | Dropped> {
  readonly #limit: number;
  readonly #waiting: T[] = [];
  #numDropped = 0;
  #isEnded = false;
  #news = deferred<void>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  push(item: T): void {
    this.#waiting.push(item);
    if (this.#waiting.length > this.#limit) {
      this.#waiting.shift();
      this.#numDropped += 1;
    }
    this.#news.resolve();
  }

  /** No further item comes. */
  end(): void {
    this.#isEnded = true;
    this.#news.resolve();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T | Dropped, void, void> {
    for (;;) {
      if (this.#numDropped > 0) {
        const count = this.#numDropped;
        this.#numDropped = 0;
        yield { type: 'dropped', count };
      }
      const item = this.#waiting.shift();
      if (item !== undefined) yield item;
      else if (this.#isEnded) return;
      else {
        this.#news = deferred();
        await this.#news.promise;
      }
    }
  }
}
