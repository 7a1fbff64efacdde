/** @file Lines of workers' logs on stdout. */
import { RECORD_LEVELS } from '../../shared/contract/log-record.ts';
import type { ShownLine } from '../../shared/runs/reader/log-lines.ts';
import { symbolOf } from '../terminal/log-lines.ts';
import { jsonText, paint, print } from '../terminal/output.ts';

const NAMES = [
  [RECORD_LEVELS.fatal, 'fatal'],
  [RECORD_LEVELS.error, 'error'],
  [RECORD_LEVELS.warn, 'warn'],
  [30, 'info'],
  [1, 'debug'],
] as const;

/** Prints lines, a JSON line each where that is asked for; whether there was one. */
export function showLines(lines: readonly ShownLine[], json: true | undefined): boolean {
  if (json) {
    const documents = lines.map(
      (line) => `${jsonText({ schema: 'logs/1', ...asDocument(line) })}\n`,
    );
    process.stdout.write(documents.join(''));
  } else print(lines.map(lineText));
  return lines.length > 0;
}

/** `2026-01-01 10:00:03Z  w3 on b  ⚠ pull failed  err=gone` */
function lineText({ timeMs, worker, host, level, text }: ShownLine): string {
  const time = timeMs === 0 ? '' : `${isoTime(timeMs).slice(0, 19).replace('T', ' ')}Z`;
  const who = host === '' ? worker : `${worker} on ${host}`;
  const { stdout } = process;
  const about = paint('dim', `${time.padEnd(20)}  ${who}`, stdout);
  return `${about}  ${symbolOf(level, stdout)} ${text}`;
}

function asDocument({ timeMs, worker, host, level, text, leftOut }: ShownLine) {
  const name = NAMES.find(([least]) => level >= least)?.[1] ?? null;
  return { time: timeMs === 0 ? null : isoTime(timeMs), worker, host, level: name, text, leftOut };
}

/** Times of foreign files may be none. */
function isoTime(timeMs: number): string {
  const time = new Date(timeMs);
  return Number.isNaN(time.getTime()) ? new Date(0).toISOString() : time.toISOString();
}
