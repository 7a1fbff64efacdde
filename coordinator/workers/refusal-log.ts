/** @file Rate-limits log lines about refused calls, per address. */
import { hostOf } from '../../shared/core/address.ts';
import type { Clock } from '../../shared/core/clock.ts';
import { ERROR_CODES, type TesseraError } from '../../shared/core/errors.ts';
import type { CallReporter } from '../../shared/exchange/grpc/handlers.ts';
import type { Logger } from '../../shared/machine/log.ts';
import { AddressCounts, MINUTE_MS } from './address-counts.ts';

/** Different refusals of one address that are logged per minute. */
const LINES_MAX = 20;
/** Refusals that are remembered at a time, to count those like them. */
const CAUSES_MAX = 4096;
/** A repeated refusal is logged again after a minute, four minutes, and so on, an hour at most. */
const PAUSE_GROWTH = 4;
const PAUSE_MAX_MS = 60 * MINUTE_MS;

const SENTENCE_LENGTH_MAX = 1000;

const JOIN = '/tessera.v1.Control/Session';
/** What is refused, by method; all else is a call. */
const REFUSED: Partial<Record<string, string>> = {
  [JOIN]: 'a worker',
  connection: 'a connection',
  '/tessera.v1.Control/GetStatus': 'a question for the status',
  '/tessera.v1.Control/StopRun': 'a request to stop',
};

/** Refused workers, and connections that failed before a join. */
export interface RefusedJoins {
  readonly refusedJoins: number;
  /** The last of them, in a sentence; '' before the first. */
  readonly lastRefusal: string;
}

/** No refused joins. */
export const NONE_REFUSED: RefusedJoins = { refusedJoins: 0, lastRefusal: '' };

/** A cause that has been logged. */
interface Logged {
  /** How often it has come since. */
  unlogged: number;
  sinceMs: number;
  pauseMs: number;
}

/** Logs refused calls: each cause of an address at once, those like it later with their number. */
export class RefusalLog {
  readonly #log: Logger;
  readonly #clock: Clock;
  readonly #lines: AddressCounts;
  readonly #logged = new Map<string, Logged>();
  #joins = NONE_REFUSED;

  constructor(log: Logger, clock: Clock) {
    this.#log = log;
    this.#clock = clock;
    this.#lines = new AddressCounts(MINUTE_MS, clock);
  }

  /** How many joins were refused so far. */
  get joins(): RefusedJoins {
    return this.#joins;
  }

  readonly report: CallReporter = (error, method, peer) => {
    const record = { peer, method, code: error.code };
    // Our own failures and refused joins are always logged; other errors concern the caller only.
    const level = ERROR_CODES[error.code].log;
    if (level === 'debug') {
      this.#log.debug({ ...record, err: error }, 'call refused');
      return;
    }
    const sentence = sentenceOf(error, method, peer);
    if (method === JOIN || method === 'connection') {
      this.#joins = { refusedJoins: this.#joins.refusedJoins + 1, lastRefusal: sentence };
    }
    const times = this.#timesToLog(`${hostOf(peer)} ${method} ${error.sentence}`, peer);
    const more = times > 1 ? ` (${times} times since this was said last)` : '';
    if (times === 0) this.#log.debug(record, sentence);
    else this.#log[level]({ ...record, ...(level === 'error' && { err: error }) }, sentence + more);
  };

  /** The number of refusals of this cause to log now; 0 if it is too early, or there are too many others. */
  #timesToLog(cause: string, peer: string): number {
    const nowMs = this.#clock.nowMs();
    const known = this.#logged.get(cause);
    if (known === undefined) {
      if (this.#lines.add(peer).count > LINES_MAX) return 0;
      const [oldest] = this.#logged.keys();
      if (this.#logged.size >= CAUSES_MAX && oldest !== undefined) this.#logged.delete(oldest);
      this.#logged.set(cause, { unlogged: 0, sinceMs: nowMs, pauseMs: MINUTE_MS });
      return 1;
    }
    known.unlogged += 1;
    if (nowMs - known.sinceMs < known.pauseMs) return 0;
    const times = known.unlogged;
    this.#logged.set(cause, {
      unlogged: 0,
      sinceMs: nowMs,
      pauseMs: Math.min(PAUSE_MAX_MS, known.pauseMs * PAUSE_GROWTH),
    });
    return times;
  }
}

function sentenceOf({ code, sentence, hint }: TesseraError, method: string, peer: string): string {
  const what = REFUSED[method] ?? `a call (${method.slice(method.lastIndexOf('/') + 1)})`;
  // An IPv4 address that came in over IPv6 is the one that people know.
  const address = hostOf(peer).replace(/^::ffff:/, '');
  const text =
    code === 'INTERNAL' ? `${what} of ${address} failed` : `refused ${what} of ${address}`;
  return `${text}: ${sentence}${hint === undefined ? '' : `; ${hint}`}`.slice(
    0,
    SENTENCE_LENGTH_MAX,
  );
}
