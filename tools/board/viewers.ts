/** @file The pages that follow: server-sent events, resumed after a break, with bounds for many and for slow readers. */
import type { ServerResponse } from 'node:http';
import { newToken } from '../../shared/security/tokens.ts';
import type { BoardLine, BoardRun } from './run-view.ts';

/** Bytes that a page has not read yet; a slower one is dropped, and comes back by itself. */
const UNREAD_BYTES_MAX = 1024 ** 2;
/** A page comes back after a break. Units  milliseconds. */
const RETRY_MS = 2000;

/** Follows the lines of a run, and the beat at which its figures change. */
export class Viewers {
  readonly #max: number;
  readonly #open = new Set<ServerResponse>();
  /** Lines are numbered by each process again. */
  readonly #life = newToken().slice(0, 8);
  readonly #state: () => object;
  readonly #beat: NodeJS.Timeout;
  #followed: BoardRun | undefined;
  #unfollow: () => void = () => {};

  constructor(max: number, beatMs: number, state: () => object) {
    this.#max = max;
    this.#state = state;
    this.#beat = setInterval(() => this.#sendState(), beatMs).unref();
  }

  get count(): number {
    return this.#open.size;
  }

  get isFull(): boolean {
    return this.#open.size >= this.#max;
  }

  /** Sends what is new of a run from now on. */
  follow(run: BoardRun | undefined): void {
    if (run === this.#followed) return;
    this.#unfollow();
    this.#followed = run;
    this.#unfollow = run?.view.onLine((line) => this.#toAll(this.#lineText(line))) ?? (() => {});
  }

  /** Begins to send; `lastId` is that of the last line which the page has. */
  add(response: ServerResponse, lastId: string): void {
    response.write(`retry: ${RETRY_MS}\n\n`);
    this.#open.add(response);
    response.once('close', () => this.#open.delete(response));
    const [life, number] = lastId.split('-');
    const isResumed = life === this.#life;
    const after = isResumed ? Number(number) || 0 : 0;
    if (!isResumed) response.write('event: fresh\ndata: {}\n\n');
    const lines = this.#followed?.view.lines ?? [];
    const missed = lines.filter(({ id }) => id > after);
    this.#send(response, missed.map((line) => this.#lineText(line)).join(''));
    this.#send(response, this.#stateText());
  }

  close(): void {
    clearInterval(this.#beat);
    // The pages see how the run has ended.
    this.#sendState();
    this.#unfollow();
    for (const response of this.#open) response.end();
  }

  #sendState(): void {
    if (this.#open.size > 0) this.#toAll(this.#stateText());
  }

  #stateText(): string {
    return `event: state\ndata: ${JSON.stringify(this.#state())}\n\n`;
  }

  #lineText(line: BoardLine): string {
    return `event: line\nid: ${this.#life}-${line.id}\ndata: ${JSON.stringify(line)}\n\n`;
  }

  #toAll(text: string): void {
    for (const response of this.#open) this.#send(response, text);
  }

  #send(response: ServerResponse, text: string): void {
    if (response.writableLength > UNREAD_BYTES_MAX) {
      this.#open.delete(response);
      response.destroy();
    } else if (text !== '') response.write(text);
  }
}
