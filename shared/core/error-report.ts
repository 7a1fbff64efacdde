/** @file An error as one process reports it to another. Pure. */
import type { TesseraError } from './errors.ts';

/** An error as it is sent to another process. */
export interface ErrorReport {
  /** Empty when there is no error. */
  readonly code: string;
  readonly reason: string;
  /** What to do about it; may be empty. */
  readonly hint: string;
}

/** No error. */
export const NO_ERROR: ErrorReport = { code: '', reason: '', hint: '' };

/** The form in which an error is sent to another process. */
export function reportOf({ code, sentence, hint = '' }: TesseraError): ErrorReport {
  return { code, reason: sentence, hint };
}
