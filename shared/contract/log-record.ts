/** @file Records of a log, as JSON lines, for people: the message, then what varies. Pure. */
import { jsonRecord, oneLine, unbroken } from '../core/text.ts';

/** Levels of records, as pino numbers them. */
export const RECORD_LEVELS = { warn: 40, error: 50, fatal: 60 } as const;

/** How bad a line of a log is; `fatal` is the end of a process. */
export type LogMood = keyof typeof RECORD_LEVELS;

/** How bad a record of a level is: one between two levels is as bad as the lower, and none is below a warning. */
export function logMood(level: number): LogMood {
  if (level >= RECORD_LEVELS.fatal) return 'fatal';
  return level >= RECORD_LEVELS.error ? 'error' : 'warn';
}

/** Fields that are the same in every line of a process. */
const CONSTANT_FIELDS = new Set(['level', 'time', 'pid', 'component', 'msg']);

/** A record of a log. */
export interface LogRecord {
  readonly level: number;
  /** When it was written, in milliseconds since 1970; NaN if it does not say. */
  readonly timeMs: number;
  readonly message: string;
  /** `name=value` for each thing that varies. */
  readonly fields: readonly string[];
}

/** Reads a line of a log; undefined for one that is not a record. */
export function logRecord(line: string): LogRecord | undefined {
  const record = line.startsWith('{') ? jsonRecord(line) : undefined;
  if (record === undefined) return undefined;
  const { level, time, msg } = record;
  return {
    level: Number(level),
    timeMs: typeof time === 'number' ? time : Number.NaN,
    message: String(msg ?? ''),
    fields: Object.entries(record)
      .filter(([name]) => !CONSTANT_FIELDS.has(name))
      .map(([name, value]) => `${oneLine(name)}=${valueText(value)}`),
  };
}

/** A record in words. */
export function recordText({ message, fields }: LogRecord): string {
  return [message, ...fields].filter((part) => part !== '').join('  ');
}

/** An error is its message; its stack stays in the JSON log. */
function valueText(value: unknown): string {
  if (typeof value === 'string') return oneLine(value);
  const isError = typeof value === 'object' && value !== null && 'message' in value;
  return isError ? oneLine(unbroken(String(value.message))) : oneLine(JSON.stringify(value));
}
