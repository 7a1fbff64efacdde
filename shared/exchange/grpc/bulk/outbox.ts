/** @file What goes out over a stream: parts without a copy, and no more at a time than the line takes. */
import type { Http2Stream } from 'node:http2';
import { lengthOf } from '../../../contract/chunks.ts';
import { framed, type Pieces } from './frames.ts';

/** Bytes that may wait for the line; below, it would run dry between two messages. */
const UNSENT_BYTES_MAX = 2 * 1024 * 1024;

/** The sending half of a call. */
export class Outbox {
  readonly #stream: Http2Stream;
  readonly #messageBytesMax: number;
  #unsentBytes = 0;
  #limit = 0;
  #isStopped = false;
  #wake: () => void = () => {};

  constructor(stream: Http2Stream, messageBytesMax: number) {
    this.#stream = stream;
    this.#messageBytesMax = messageBytesMax;
    stream.once('close', () => this.stop());
  }

  /**
   * Sends a message, whose parts must not change until they have left; waits while too much has not. False when the
   * call is over.
   *
   * Throws  MESSAGE_INVALID above the limit.
   */
  async send(parts: Pieces): Promise<boolean> {
    const all = framed(parts, this.#messageBytesMax);
    const stream = this.#stream;
    if (this.#isOver) return false;
    const numBytes = lengthOf(all);
    this.#unsentBytes += numBytes;
    stream.cork();
    for (const part of all.slice(0, -1)) stream.write(part);
    stream.write(all.at(-1), () => this.#sent(numBytes));
    stream.uncork();
    return await this.#unsentBelow(UNSENT_BYTES_MAX);
  }

  /** No more will be sent. */
  end(): void {
    if (!this.#isOver) this.#stream.end();
  }

  /** Waits until all of it has left; false when the call is over before. */
  flushed(): Promise<boolean> {
    return this.#unsentBelow(0);
  }

  /** Waits for nothing any more: the call is over, whatever its stream still does. */
  stop(): void {
    this.#isStopped = true;
    this.#wake();
  }

  get #isOver(): boolean {
    return this.#isStopped || this.#stream.destroyed || this.#stream.closed;
  }

  async #unsentBelow(limit: number): Promise<boolean> {
    this.#limit = limit;
    while (this.#unsentBytes > limit && !this.#isOver) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return !this.#isOver;
  }

  #sent(numBytes: number): void {
    this.#unsentBytes -= numBytes;
    if (this.#unsentBytes <= this.#limit) this.#wake();
  }
}
