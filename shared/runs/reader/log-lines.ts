/** @file Lines of RUN/logs, of all workers in the order of time. What the files hold is foreign: it is cut and escaped. Pure. */

import { logRecord, RECORD_LEVELS, recordText } from '../../contract/log-record.ts';
import { LOG_LIMITS } from '../../contract/messages.ts';
import { foreignLine, jsonRecord } from '../../core/text.ts';

/** A line of a worker's log. */
export interface ShownLine {
  /** When it was written, in milliseconds since 1970; 0 where nothing says so. */
  readonly timeMs: number;
  readonly worker: string;
  /** '' for a worker that the run has started itself. */
  readonly host: string;
  /** As pino numbers them; 0 for what is not a record, such as the words of a library. */
  readonly level: number;
  readonly text: string;
  /** Lines of the worker that are not there, as the text says. */
  readonly leftOut: number;
}

const NAME_CHARS = 200;
/** Lines of a file of one worker may be longer than those that travel. */
const LINE_CHARS = 4000;

/** A line of workers.jsonl; undefined for a damaged one. */
export function collectedLine(json: string): ShownLine | undefined {
  const { time, worker, host, level, text, leftOut } = jsonRecord(json) ?? {};
  const timeMs = Date.parse(String(time));
  const number = RECORD_LEVELS[level as keyof typeof RECORD_LEVELS];
  if (Number.isNaN(timeMs) || typeof worker !== 'string' || typeof text !== 'string') {
    return undefined;
  }
  return {
    timeMs,
    worker: foreignLine(worker, NAME_CHARS),
    host: typeof host === 'string' ? foreignLine(host, NAME_CHARS) : '',
    level: number ?? RECORD_LEVELS.warn,
    text: foreignLine(text, LINE_CHARS),
    leftOut: typeof leftOut === 'number' ? leftOut : 0,
  };
}

/** Reads the file of one worker; a line without a time has that of the line before it. */
export class OwnLines {
  readonly worker: string;
  #timeMs = 0;

  constructor(worker: string) {
    this.worker = foreignLine(worker, NAME_CHARS);
  }

  read(line: string): ShownLine {
    const record = logRecord(line);
    if (record !== undefined && !Number.isNaN(record.timeMs)) this.#timeMs = record.timeMs;
    const text = record === undefined ? line.trimEnd() : recordText(record);
    const level = record?.level ?? 0;
    const about = { timeMs: this.#timeMs, worker: this.worker, host: '', level, leftOut: 0 };
    return { ...about, text: foreignLine(text, LINE_CHARS) };
  }
}

/** The same line arrives at the coordinator within this. */
const ARRIVAL_MS = 120_000;
/** Lines of own files that are remembered. */
const OWN_MAX = 4096;

/** Puts lines in order. A worker that the run has started itself has a file, and sends its warnings: one of both is shown. */
export class LogMerge {
  readonly #own = new Map<string, number>();
  readonly #owners = new Set<string>();

  /** Lines that are new: of the files of single workers, and those that were collected. */
  merge(own: readonly ShownLine[], collected: readonly ShownLine[]): ShownLine[] {
    for (const line of own) this.#remember(line);
    const others = collected.filter((line) => {
      // Its own file has all of them.
      if (line.leftOut > 0 && this.#owners.has(line.worker)) return false;
      const ownMs = this.#own.get(keyOf(line));
      return ownMs === undefined || Math.abs(line.timeMs - ownMs) > ARRIVAL_MS;
    });
    return [...own, ...others].sort((one, other) => one.timeMs - other.timeMs);
  }

  #remember(line: ShownLine): void {
    this.#owners.add(line.worker);
    if (line.level < RECORD_LEVELS.warn) return;
    const key = keyOf(line);
    this.#own.delete(key);
    this.#own.set(key, line.timeMs);
    const [oldest] = this.#own.keys();
    if (this.#own.size > OWN_MAX && oldest !== undefined) this.#own.delete(oldest);
  }
}

/** As it travels. */
function keyOf({ worker, text }: Pick<ShownLine, 'worker' | 'text'>): string {
  return `${worker}\n${foreignLine(text, LOG_LIMITS.lineChars)}`;
}
