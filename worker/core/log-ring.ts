/**
 * @file The newest lines of a worker's log that the coordinator is not known to have, with bounded memory. Pure.
 *
 * Lines are a level, as assignments are: a heartbeat carries the oldest that have not been acknowledged, again and again.
 * So a message may be lost, and a new coordinator gets what the old one has not acknowledged.
 */

import {
  type LogMood,
  logMood,
  logRecord,
  RECORD_LEVELS,
  recordText,
} from '../../shared/contract/log-record.ts';
import { LOG_LIMITS, type LogLine } from '../../shared/contract/messages.ts';
import { foreignLine } from '../../shared/core/text.ts';

/** Lines that wait; the oldest of more are left out, and counted. */
const LINES_KEPT = 64;

type Kept = Pick<LogLine, 'number' | 'level' | 'text'> & { readonly atMs: number };

/** Holds lines until they are acknowledged. */
export class LogRing {
  readonly #lines: Kept[] = [];
  #number = 0;
  /** Directly before the oldest line. */
  #leftOut = 0;

  /** Takes a record of the log, as JSON; one below a warning is passed over. */
  record(json: string, nowMs: number): void {
    // Most lines are below a warning: those need not be parsed.
    if (Number(/^\{"level":(\d+)/.exec(json)?.[1]) < RECORD_LEVELS.warn) return;
    const record = logRecord(json);
    if (record === undefined || !(record.level >= RECORD_LEVELS.warn)) return;
    this.add(logMood(record.level), recordText(record), nowMs);
  }

  add(level: LogMood, words: string, nowMs: number): void {
    this.#number += 1;
    const text = foreignLine(words, LOG_LIMITS.lineChars);
    this.#lines.push({ number: this.#number, level, text, atMs: nowMs });
    if (this.#lines.length <= LINES_KEPT) return;
    this.#lines.shift();
    this.#leftOut += 1;
  }

  /** All up to this number have arrived. */
  acknowledge(number: number): void {
    const first = this.#lines[0]?.number ?? Number.POSITIVE_INFINITY;
    if (number < first) return;
    this.#lines.splice(0, Math.min(number, this.#number) - first + 1);
    this.#leftOut = 0;
  }

  /** What the next message carries: the oldest lines. */
  oldest(nowMs: number): readonly LogLine[] {
    const room = fitting(this.#lines);
    return this.#aged(this.#lines.slice(0, room), this.#leftOut, nowMs);
  }

  /** What the last message carries: the newest lines. */
  newest(nowMs: number): readonly LogLine[] {
    const room = fitting(this.#lines.toReversed());
    const first = this.#lines.length - room;
    return this.#aged(this.#lines.slice(first), this.#leftOut + first, nowMs);
  }

  #aged(lines: readonly Kept[], leftOut: number, nowMs: number): readonly LogLine[] {
    return lines.map(({ atMs, ...line }, at) => ({
      ...line,
      leftOut: at === 0 ? leftOut : 0,
      ageMs: Math.max(0, Math.round(nowMs - atMs)),
    }));
  }
}

/** How many of the first lines one message has room for. */
function fitting(lines: readonly Kept[]): number {
  let chars = 0;
  const tooMany = lines.findIndex(({ text }, at) => {
    chars += text.length;
    return at >= LOG_LIMITS.lines || chars > LOG_LIMITS.chars;
  });
  return tooMany < 0 ? lines.length : tooMany;
}
