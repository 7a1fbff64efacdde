/** @file Writes that are put together: a while after the first reason for one, and one after the other. */

/** Begins writes. What one throws is lost, and the next one is made all the same. */
export class SoonWriter {
  readonly #waitMs: number;
  readonly #write: () => Promise<void>;
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> = Promise.resolve();

  constructor(waitMs: number, write: () => Promise<void>) {
    this.#waitMs = waitMs;
    this.#write = write;
  }

  /** There is something to write. */
  soon(): void {
    this.#timer ??= setTimeout(() => this.now(), this.#waitMs).unref();
  }

  /** Writes without a wait; resolves when that is done, or cannot be. */
  now(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#writing = this.#writing.then(this.#write).catch(() => {});
    return this.#writing;
  }
}
