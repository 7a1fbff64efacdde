/** @file What a worker process sends to its parent over a pipe, a JSON line each: the engine that it chose, its last error. */
import { fstatSync, writeSync } from 'node:fs';
import { isErrorCode, TesseraError } from '../../shared/core/errors.ts';
import { jsonRecord } from '../../shared/core/text.ts';

/** The descriptor of a worker that its parent reads. */
export const LAST_ERROR_FD = 3;
/** Set by a parent that reads: without it, descriptor 3 of a process may be anything, Node's own too. */
const VARIABLE = 'TESSERA_LAST_ERROR_FD';
/** What such a parent adds to the environment of a worker. */
export const LAST_ERROR_ENVIRONMENT = { [VARIABLE]: String(LAST_ERROR_FD) };

/** A worker's lines are shorter; a parent reads no more of them. Units  bytes. */
export const TOLD_BYTES_MAX = 16_384;
const SENTENCE_CHARS_MAX = 2_000;
const HINT_CHARS_MAX = 1_000;

/** Sends the error that ends this process to the parent, if one reads it. */
export function sendToParent({ code, sentence, hint }: TesseraError): void {
  sendLine({
    code,
    sentence: sentence.slice(0, SENTENCE_CHARS_MAX),
    ...(hint !== undefined && { hint: hint.slice(0, HINT_CHARS_MAX) }),
  });
}

/** Sends the engine that this process computes with from now on: a process that it takes down says nothing more. */
export function sendEngine(engine: ChosenEngine): void {
  sendLine(engine);
}

/** The engine of a worker. */
export interface ChosenEngine {
  /** Its id. */
  readonly engine: string;
  /** What of `tessera engines` it runs. */
  readonly plugin?: string | undefined;
}

function sendLine(record: object, env: Readonly<NodeJS.ProcessEnv> = process.env): void {
  if (env[VARIABLE] !== String(LAST_ERROR_FD)) return;
  try {
    const place = fstatSync(LAST_ERROR_FD);
    if (place.isFIFO() || place.isSocket()) writeSync(LAST_ERROR_FD, `${JSON.stringify(record)}\n`);
  } catch {
    // The parent has gone, or never was: stderr has it too.
  }
}

/** The error that a worker sent; undefined without a complete line of that form. */
export function readLastError(text: string): TesseraError | undefined {
  return lastOf(recordsIn(text).map(errorIn));
}

/** The engine that a worker chose last; undefined without a complete line of that form. */
export function readEngine(text: string): ChosenEngine | undefined {
  return lastOf(
    recordsIn(text).map(({ engine, plugin }) => {
      if (!isEngineId(engine)) return undefined;
      return isEngineId(plugin) ? { engine, plugin } : { engine };
    }),
  );
}

function isEngineId(text: unknown): text is string {
  return typeof text === 'string' && /^[a-z0-9-]{1,64}$/.test(text);
}

function lastOf<T>(values: readonly (T | undefined)[]): T | undefined {
  return values.findLast((value) => value !== undefined);
}

/** What follows the last line feed was never finished. */
function recordsIn(text: string): Record<string, unknown>[] {
  return text
    .split('\n')
    .slice(0, -1)
    .map(jsonRecord)
    .filter((record) => record !== undefined);
}

function errorIn({ code, sentence, hint }: Record<string, unknown>): TesseraError | undefined {
  if (typeof code !== 'string' || !isErrorCode(code)) return undefined;
  if (typeof sentence !== 'string' || sentence === '') return undefined;
  const [first = '', ...lines] = sentence.slice(0, SENTENCE_CHARS_MAX).split('\n');
  const isHinted = typeof hint === 'string' && hint !== '';
  return new TesseraError(code, first, {
    lines,
    ...(isHinted && { hint: hint.slice(0, HINT_CHARS_MAX) }),
  });
}
