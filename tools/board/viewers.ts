/** @file The pages that follow: server-sent events, resumed after a break, with bounds for many and for slow readers. */
import type { ServerResponse } from 'node:http';
import { newToken } from '../../shared/security/tokens.ts';
import type { BoardLine } from './run-view.ts';

/** Bytes that a page has not read yet; a slower one is dropped, and comes back by itself. */
const UNREAD_BYTES_MAX = 1024 ** 2;
/** A page comes back after a break. Units  milliseconds. */
const RETRY_MS = 2000;

/** What pages are sent. */
export interface ViewersOptions {
  readonly max: number;
  /** Between two states. Units  milliseconds. */
  readonly beatMs: number;
  /** The lines that are kept of the run; their numbers grow. */
  lines(): readonly BoardLine[];
  state(): object;
  /** Brings what is on a disk up to date. */
  refresh?(): Promise<void>;
}

/** The number of a line by its id; undefined for one of another process, which numbers lines from 1 again. Pure. */
export function numberOf(id: string, life: string): number | undefined {
  const number = id.startsWith(`${life}-`) ? id.slice(life.length + 1) : '';
  return /^\d{1,15}$/.test(number) ? Number(number) : undefined;
}

/** Follows a run for many pages: at each beat, its new lines and its figures. */
export class Viewers {
  readonly #options: ViewersOptions;
  /** Each with the number of the last line that it was sent. */
  readonly #open = new Map<ServerResponse, number>();
  /** Lines are numbered by each process again. */
  readonly #life = newToken().slice(0, 8);
  readonly #beat: NodeJS.Timeout;
  #isRefreshing = false;

  constructor(options: ViewersOptions) {
    this.#options = options;
    this.#beat = setInterval(() => void this.#next(), options.beatMs).unref();
  }

  get count(): number {
    return this.#open.size;
  }

  get isFull(): boolean {
    return this.#open.size >= this.#options.max;
  }

  /** Begins to send; `lastId` is that of the last line which the page has. */
  add(response: ServerResponse, lastId: string): void {
    response.write(`retry: ${RETRY_MS}\n\n`);
    const last = numberOf(lastId, this.#life);
    if (last === undefined) response.write('event: fresh\ndata: {}\n\n');
    this.#open.set(response, last ?? 0);
    response.once('close', () => this.#open.delete(response));
    this.#sendNews(response, this.#stateText());
  }

  close(): void {
    clearInterval(this.#beat);
    // The pages see how the run has ended.
    this.#toAll();
    for (const response of this.#open.keys()) response.end();
  }

  async #next(): Promise<void> {
    if (this.#open.size === 0 || this.#isRefreshing) return;
    this.#isRefreshing = true;
    try {
      await this.#options.refresh?.();
    } finally {
      this.#isRefreshing = false;
    }
    this.#toAll();
  }

  #toAll(): void {
    if (this.#open.size === 0) return;
    const state = this.#stateText();
    for (const response of this.#open.keys()) this.#sendNews(response, state);
  }

  #sendNews(response: ServerResponse, state: string): void {
    if (response.writableLength > UNREAD_BYTES_MAX) {
      this.#open.delete(response);
      response.destroy();
      return;
    }
    const after = this.#open.get(response) ?? 0;
    const lines = this.#options.lines().filter(({ id }) => id > after);
    this.#open.set(response, lines.at(-1)?.id ?? after);
    response.write(lines.map((line) => this.#lineText(line)).join('') + state);
  }

  #stateText(): string {
    return `event: state\ndata: ${JSON.stringify(this.#options.state())}\n\n`;
  }

  #lineText(line: BoardLine): string {
    return `event: line\nid: ${this.#life}-${line.id}\ndata: ${JSON.stringify(line)}\n\n`;
  }
}
