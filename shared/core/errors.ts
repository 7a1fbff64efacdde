/**
 * @file The one error type of Tessera, and the table of its codes.
 *
 * Every error says what is wrong, where, and what to do (promise P6). The code decides the exit code, the gRPC
 * status, whether a retry makes sense and the log level, so both sides and the shell agree.
 */

import { systemFailure } from './errno.ts';
import { oneLine, unbroken } from './text.ts';

/** The properties of an error code. */
interface ErrorKind {
  /** Exit code of a process that ends with it; the numbers follow sysexits.h where it has one. */
  readonly exit: number;
  /** Name of its gRPC status. UNAVAILABLE: retry this call. ABORTED: start again higher up. FAILED_PRECONDITION: fix something first. */
  readonly status: string;
  /**
   * The result of a retry.
   *
   * permanent  the same error: the process ends, with the error's own code and hint.
   * passing    it may succeed later: retried, within a budget.
   * full       it may succeed once a worker leaves or a minute has passed.
   * session    this session, version or assignment is over, and the next message has the new one.
   */
  readonly retry: 'permanent' | 'passing' | 'full' | 'session';
  /** Level at which a coordinator logs a call that it refused with it. */
  readonly log: 'error' | 'warn' | 'debug';
}

/** The one table of error codes. */
export const ERROR_CODES = {
  USAGE: { exit: 2, status: 'INVALID_ARGUMENT', retry: 'permanent', log: 'debug' },
  DATA_INVALID: { exit: 65, status: 'OUT_OF_RANGE', retry: 'permanent', log: 'debug' },
  CHUNK_CORRUPT: { exit: 65, status: 'DATA_LOSS', retry: 'passing', log: 'debug' },
  NON_FINITE: { exit: 65, status: 'INVALID_ARGUMENT', retry: 'permanent', log: 'debug' },
  CHECKPOINT_CORRUPT: { exit: 65, status: 'DATA_LOSS', retry: 'permanent', log: 'debug' },
  COORDINATOR_UNREACHABLE: { exit: 69, status: 'UNAVAILABLE', retry: 'passing', log: 'debug' },
  WORKERS_LOST: { exit: 69, status: 'FAILED_PRECONDITION', retry: 'permanent', log: 'debug' },
  ENGINE_UNAVAILABLE: { exit: 69, status: 'FAILED_PRECONDITION', retry: 'permanent', log: 'debug' },
  INTERNAL: { exit: 70, status: 'INTERNAL', retry: 'passing', log: 'error' },
  // A machine without file descriptors or memory has some again once another program ends.
  SYSTEM: { exit: 71, status: 'FAILED_PRECONDITION', retry: 'passing', log: 'debug' },
  CANNOT_WRITE: { exit: 73, status: 'FAILED_PRECONDITION', retry: 'permanent', log: 'debug' },
  PORT_IN_USE: { exit: 73, status: 'FAILED_PRECONDITION', retry: 'permanent', log: 'debug' },
  RUN_IN_USE: { exit: 73, status: 'FAILED_PRECONDITION', retry: 'permanent', log: 'debug' },
  RUN_FULL: { exit: 75, status: 'RESOURCE_EXHAUSTED', retry: 'full', log: 'warn' },
  RATE_LIMITED: { exit: 75, status: 'RESOURCE_EXHAUSTED', retry: 'full', log: 'warn' },
  TIMEOUT: { exit: 75, status: 'DEADLINE_EXCEEDED', retry: 'passing', log: 'warn' },
  SESSION_UNKNOWN: { exit: 75, status: 'ABORTED', retry: 'session', log: 'debug' },
  STEP_STALE: { exit: 75, status: 'ABORTED', retry: 'session', log: 'debug' },
  // The coordinator was asked to end by its machine, has saved, and is to be started again.
  INTERRUPTED: { exit: 75, status: 'UNAVAILABLE', retry: 'session', log: 'debug' },
  DRAINING: { exit: 75, status: 'UNAVAILABLE', retry: 'session', log: 'debug' },
  PROTOCOL_MISMATCH: { exit: 76, status: 'FAILED_PRECONDITION', retry: 'permanent', log: 'warn' },
  MESSAGE_INVALID: { exit: 76, status: 'INVALID_ARGUMENT', retry: 'permanent', log: 'warn' },
  ACCESS_DENIED: { exit: 77, status: 'PERMISSION_DENIED', retry: 'permanent', log: 'warn' },
  CONFIG_INVALID: { exit: 78, status: 'INVALID_ARGUMENT', retry: 'permanent', log: 'debug' },
  CHECKPOINT_MISMATCH: {
    exit: 78,
    status: 'FAILED_PRECONDITION',
    retry: 'permanent',
    log: 'debug',
  },
  CANCELLED: { exit: 130, status: 'CANCELLED', retry: 'session', log: 'debug' },
} as const satisfies Readonly<Record<string, ErrorKind>>;

/** Name of one kind of failure; stable, so that scripts and tests may match on it. */
export type ErrorCode = keyof typeof ERROR_CODES;

/** The parts of an error beside its code and message. */
export interface ErrorExtras {
  /** What the user can type or change to fix it. */
  readonly hint?: string;
  /** Lines after the message. */
  readonly lines?: readonly string[];
  /** Values worth logging: ids, paths, expected and received. */
  readonly details?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
}

/**
 * A failure with a stable code, a message that says what is wrong and where, and a hint.
 *
 * Messages contain untrusted names, so control characters are escaped: a name cannot start a line or control a terminal.
 */
export class TesseraError extends Error {
  override readonly name = 'TesseraError';
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, sentence: string, extras: ErrorExtras = {}) {
    const text = [sentence, ...(extras.lines ?? [])].map(oneLine).join('\n');
    super(`[${code}] ${text}`, extras.cause === undefined ? {} : { cause: extras.cause });
    this.code = code;
    this.hint = extras.hint === undefined ? undefined : oneLine(extras.hint);
    this.details = extras.details ?? {};
  }

  /** The message without its code prefix. */
  get sentence(): string {
    return this.message.slice(this.code.length + 3);
  }

  /**
   * Turns any thrown value into a TesseraError: a failed system call by the table of errno codes, any other failure into
   * INTERNAL; both get the code `fallback` if it is given.
   */
  static from(thrown: unknown, fallback?: ErrorCode): TesseraError {
    if (thrown instanceof TesseraError) return thrown;
    const failure = systemFailure(thrown);
    if (failure !== undefined) {
      const { code, sentence, hint } = failure;
      return new TesseraError(fallback ?? code, unbroken(sentence), { hint, cause: thrown });
    }
    const sentence = thrown instanceof Error ? thrown.message : String(thrown);
    return new TesseraError(fallback ?? 'INTERNAL', unbroken(sentence), { cause: thrown });
  }
}

/** Whether `code` is in the table; for codes that arrive from outside. */
export function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(ERROR_CODES, code);
}

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

/** Exit code of a process that ends with `error`. */
export function exitCodeOf(error: TesseraError): number {
  return ERROR_CODES[error.code].exit;
}

/**
 * States an invariant of our own code.
 *
 * Throws  INTERNAL when it does not hold: a bug, never a mistake of the user.
 */
export function assert(condition: unknown, sentence: string): asserts condition {
  if (!condition) throw new TesseraError('INTERNAL', `invariant broken: ${sentence}`);
}
