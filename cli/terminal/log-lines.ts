/** @file Log records as people read them: the message first, then what varies. */
import { jsonRecord, oneLine, unbroken } from '../../shared/core/text.ts';
import { paint } from './output.ts';

const WARN_LEVEL = 40;
const ERROR_LEVEL = 50;
/** Fields that are the same in every line of a process. */
const CONSTANT_FIELDS = new Set(['level', 'time', 'pid', 'component', 'msg']);

/** A JSON log record as one readable line; anything else as it is. */
export function readableLogLine(line: string): string {
  const record = jsonRecord(line);
  if (record === undefined) return line.trimEnd();
  const fields = Object.entries(record)
    .filter(([name]) => !CONSTANT_FIELDS.has(name))
    .map(([name, value]) => `${name}=${valueText(value)}`);
  const message = [symbolOf(Number(record['level'])), String(record['msg'] ?? '')].join(' ');
  return fields.length === 0 ? message : `${message}  ${paint('dim', fields.join(' '))}`;
}

/** An error is its message; its stack stays in the JSON log. */
function valueText(value: unknown): string {
  if (typeof value === 'string') return oneLine(value);
  const isError = typeof value === 'object' && value !== null && 'message' in value;
  return isError ? oneLine(unbroken(String(value.message))) : oneLine(JSON.stringify(value));
}

function symbolOf(level: number): string {
  if (level >= ERROR_LEVEL) return paint('red', '✖');
  return level >= WARN_LEVEL ? paint('yellow', '⚠') : paint('dim', '·');
}
