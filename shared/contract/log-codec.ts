/** @file Lines of a worker's log as proto/ has them, and back. What is wrong with one is repaired, never refused. */

import { foreignLine } from '../core/text.ts';
import type { LogLine__Output } from './generated/tessera/v1/LogLine.ts';
import { logMood, RECORD_LEVELS } from './log-record.ts';
import { LOG_LIMITS, type LogLine } from './messages.ts';

const UINT32_MAX = 2 ** 32 - 1;
/** Older lines are said to be a day old. */
const AGE_MS_MAX = 86_400_000;

/** Lines as a message. */
export function encodeLog(lines: readonly LogLine[] = []) {
  return lines.map(({ level, leftOut, ageMs, ...line }) => ({
    ...line,
    level: RECORD_LEVELS[level],
    leftOut: Math.min(leftOut, UINT32_MAX),
    ageMs: Math.min(ageMs, AGE_MS_MAX),
  }));
}

/** The first lines of a message, one line of text each in which nothing is obeyed; undefined where there is none. */
export function decodeLog(lines: readonly LogLine__Output[]): readonly LogLine[] | undefined {
  const found = lines
    .slice(0, LOG_LIMITS.lines)
    .flatMap(({ number, leftOut, ageMs, level, text }) => {
      // Without a number it may be one that came before.
      if (!Number.isSafeInteger(number) || number < 1) return [];
      const line = foreignLine(text, LOG_LIMITS.lineChars);
      const ago = Math.min(ageMs, AGE_MS_MAX);
      return [{ number, leftOut, ageMs: ago, level: logMood(level), text: line }];
    });
  return found.length === 0 ? undefined : found;
}
