/** @file Whether an error may be retried, and its form for another process. Pure. */
import { ERROR_CODES, type ErrorCode, isErrorCode, type TesseraError } from './errors.ts';

/** Whether a retry gives the same error. False for an unknown code of a newer version. */
export function isPermanent(code: string): boolean {
  return isErrorCode(code) && ERROR_CODES[code].retry === 'permanent';
}

/** Permanent errors of a working worker that other workers would have too; the others are about one machine. */
const ABOUT_RUN: ReadonlySet<string> = new Set<ErrorCode>([
  'NON_FINITE',
  'DATA_INVALID',
  'CONFIG_INVALID',
  'MESSAGE_INVALID',
]);

/** Whether the error with which a worker leaves is about the run, not about its machine or its program. */
export function isAboutRun(code: string): boolean {
  return ABOUT_RUN.has(code);
}

/** An error as it is sent to another process. */
export interface ToldError {
  /** Empty when there is no error. */
  readonly code: string;
  readonly reason: string;
  /** What to do about it; may be empty. */
  readonly hint: string;
}

/** No error. */
export const NO_ERROR: ToldError = { code: '', reason: '', hint: '' };

/** The form in which an error is sent to another process. */
export function toldOf({ code, sentence, hint = '' }: TesseraError): ToldError {
  return { code, reason: sentence, hint };
}

/** What to do when training diverges. */
export const DIVERGED_HINT =
  'lower training.optimizer.learningRate, lengthen the warm-up, or set training.clipNorm';
