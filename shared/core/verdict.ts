/** @file What an error means for another try, and for another process. Pure. */
import { ERROR_CODES, type ErrorCode, isErrorCode, type TesseraError } from './errors.ts';

/** Whether another try gives the same. A code of a newer version is not known to. */
export function isPermanent(code: string): boolean {
  return isErrorCode(code) && ERROR_CODES[code].retry === 'permanent';
}

/** Errors of a worker at work that the next one would have too; the other permanent ones are about one machine. */
const ABOUT_RUN: ReadonlySet<string> = new Set<ErrorCode>([
  'NON_FINITE',
  'DATA_INVALID',
  'CONFIG_INVALID',
  'MESSAGE_INVALID',
]);

/** Whether an error with which a worker leaves its work is about the run, and not about its machine or its program. */
export function isAboutRun(code: string): boolean {
  return ABOUT_RUN.has(code);
}

/** An error as one process tells it to another. */
export interface ToldError {
  /** Empty when there is no error. */
  readonly code: string;
  readonly reason: string;
  /** What to do about it; may be empty. */
  readonly hint: string;
}

/** That nothing is wrong. */
export const NO_ERROR: ToldError = { code: '', reason: '', hint: '' };

/** What another process is told of an error. */
export function toldOf({ code, sentence, hint = '' }: TesseraError): ToldError {
  return { code, reason: sentence, hint };
}

/** What to do about a training that diverges. */
export const DIVERGED_HINT =
  'lower training.optimizer.learningRate, lengthen the warm-up, or set training.clipNorm';
