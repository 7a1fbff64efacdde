/** @file The last error of a worker of `tessera train`, sent to its parent: one JSON line over a pipe. */
import { fstatSync, writeSync } from 'node:fs';
import { isErrorCode, TesseraError } from '../shared/core/errors.ts';

/** The descriptor of a worker that its parent reads. */
export const LAST_ERROR_FD = 3;
/** Set by a parent that reads: without it, descriptor 3 of a process may be anything, Node's own too. */
const VARIABLE = 'TESSERA_LAST_ERROR_FD';
/** What such a parent adds to the environment of a worker. */
export const LAST_ERROR_ENVIRONMENT = { [VARIABLE]: String(LAST_ERROR_FD) };

/** A worker's line is shorter; a parent reads no more of it. Units  bytes. */
export const TOLD_BYTES_MAX = 16_384;
const SENTENCE_CHARS_MAX = 2_000;
const HINT_CHARS_MAX = 1_000;

/** Sends the error that ends this process to the parent, if one reads it. */
export function sendToParent(
  { code, sentence, hint }: TesseraError,
  env: Readonly<NodeJS.ProcessEnv> = process.env,
): void {
  if (env[VARIABLE] !== String(LAST_ERROR_FD)) return;
  const record = {
    code,
    sentence: sentence.slice(0, SENTENCE_CHARS_MAX),
    ...(hint !== undefined && { hint: hint.slice(0, HINT_CHARS_MAX) }),
  };
  try {
    const place = fstatSync(LAST_ERROR_FD);
    if (place.isFIFO() || place.isSocket()) writeSync(LAST_ERROR_FD, `${JSON.stringify(record)}\n`);
  } catch {
    // The parent has gone, or never was: stderr has it too.
  }
}

/** The error that a worker sent; undefined for anything but a complete line of that form. */
export function readLastError(text: string): TesseraError | undefined {
  const end = text.indexOf('\n');
  if (end === -1) return undefined;
  try {
    const { code, sentence, hint } = JSON.parse(text.slice(0, end)) as Record<string, unknown>;
    if (typeof code !== 'string' || !isErrorCode(code)) return undefined;
    if (typeof sentence !== 'string' || sentence === '') return undefined;
    const [first = '', ...lines] = sentence.slice(0, SENTENCE_CHARS_MAX).split('\n');
    const isHinted = typeof hint === 'string' && hint !== '';
    return new TesseraError(code, first, {
      lines,
      ...(isHinted && { hint: hint.slice(0, HINT_CHARS_MAX) }),
    });
  } catch {
    return undefined;
  }
}
