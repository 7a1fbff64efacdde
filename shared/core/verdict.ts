/** @file What an error means for another try: the one table, by code. Pure. */
import { type ErrorCode, isErrorCode, type TesseraError } from './errors.ts';

/**
 * What comes of trying again.
 *
 * permanent  another try gives the same: whoever tries ends, with the error's own code and hint.
 * passing    it may succeed later: tried again, within a budget.
 * session    this session, version or assignment is over, and the next message says what is asked now.
 */
export type Verdict = 'permanent' | 'passing' | 'session';

/** The verdict on each code. */
export const VERDICT_OF_CODE: Readonly<Record<ErrorCode, Verdict>> = {
  USAGE: 'permanent',
  DATA_INVALID: 'permanent',
  CHUNK_CORRUPT: 'passing',
  NON_FINITE: 'permanent',
  CHECKPOINT_CORRUPT: 'permanent',
  COORDINATOR_UNREACHABLE: 'passing',
  WORKERS_LOST: 'permanent',
  ENGINE_UNAVAILABLE: 'permanent',
  INTERNAL: 'passing',
  // A machine without descriptors or memory has some again once another program ends.
  SYSTEM: 'passing',
  CANNOT_WRITE: 'permanent',
  PORT_IN_USE: 'permanent',
  RUN_IN_USE: 'permanent',
  RUN_FULL: 'passing',
  RATE_LIMITED: 'passing',
  TIMEOUT: 'passing',
  LEASE_EXPIRED: 'session',
  SESSION_UNKNOWN: 'session',
  STEP_STALE: 'session',
  STEP_NOT_OPEN: 'session',
  DRAINING: 'session',
  PROTOCOL_MISMATCH: 'permanent',
  MESSAGE_INVALID: 'permanent',
  ACCESS_DENIED: 'permanent',
  CONFIG_INVALID: 'permanent',
  CHECKPOINT_MISMATCH: 'permanent',
  CANCELLED: 'session',
};

/** Whether another try gives the same. A code of a newer version is not known to. */
export function isPermanent(code: string): boolean {
  return isErrorCode(code) && VERDICT_OF_CODE[code] === 'permanent';
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
