/** @file Log records as people read them: the message first, then what varies. */
import { logRecord, RECORD_LEVELS } from '../../shared/contract/log-record.ts';
import type { MaybeTerminal } from './manners.ts';
import { paint } from './output.ts';

/** A JSON log record as one readable line; anything else as it is. */
export function readableLogLine(line: string): string {
  const record = logRecord(line);
  if (record === undefined) return line.trimEnd();
  const message = `${symbolOf(record.level)} ${record.message}`;
  return record.fields.length === 0
    ? message
    : `${message}  ${paint('dim', record.fields.join(' '))}`;
}

/** The sign of a level, for the beginning of a line. */
export function symbolOf(level: number, stream?: MaybeTerminal): string {
  if (level >= RECORD_LEVELS.error) return paint('red', '✖', stream);
  return level >= RECORD_LEVELS.warn ? paint('yellow', '⚠', stream) : paint('dim', '·', stream);
}
