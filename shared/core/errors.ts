/**
 * @file The one error type of Tessera, and the table of its codes.
 *
 * Every refusal names what is wrong, where, and what to do (promise P6). The code decides the gRPC
 * status (`shared/exchange/grpc/errors.ts`) and the exit code (`exitCodeOf`), so both sides and the shell agree.
 */

import { systemTrouble } from './errno.ts';
import { oneLine, unbroken } from './text.ts';

/** Exit code of the process for each error code; the numbers follow sysexits.h where it has one. */
export const ERROR_EXIT_CODES = {
  USAGE: 2,
  DATA_INVALID: 65,
  CHUNK_CORRUPT: 65,
  NON_FINITE: 65,
  CHECKPOINT_CORRUPT: 65,
  COORDINATOR_UNREACHABLE: 69,
  WORKERS_LOST: 69,
  ENGINE_UNAVAILABLE: 69,
  INTERNAL: 70,
  SYSTEM: 71,
  CANNOT_WRITE: 73,
  PORT_IN_USE: 73,
  RUN_IN_USE: 73,
  RUN_FULL: 75,
  RATE_LIMITED: 75,
  TIMEOUT: 75,
  LEASE_EXPIRED: 75,
  SESSION_UNKNOWN: 75,
  STEP_STALE: 75,
  STEP_NOT_OPEN: 75,
  DRAINING: 75,
  PROTOCOL_MISMATCH: 76,
  MESSAGE_INVALID: 76,
  ACCESS_DENIED: 77,
  CONFIG_INVALID: 78,
  CHECKPOINT_MISMATCH: 78,
  CANCELLED: 130,
} as const;

/** Name of one kind of failure; stable, so that scripts and tests may match on it. */
export type ErrorCode = keyof typeof ERROR_EXIT_CODES;

/** What an error carries beside its code and sentence. */
export interface ErrorExtras {
  /** What the reader can type or change to mend it. */
  readonly hint?: string;
  /** What follows the sentence, a line each. */
  readonly lines?: readonly string[];
  /** Values worth logging: ids, paths, expected and received. */
  readonly details?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
}

/**
 * A failure with a stable code, a sentence that names what is wrong and where, and a hint.
 *
 * Sentences have names of strangers in them, which must neither make lines of their own nor command a terminal.
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
   * Turns anything thrown into a TesseraError: a failed call of the system into what it comes to, in words, any other
   * failure into INTERNAL; both have the code `fallback` where one is given.
   */
  static from(thrown: unknown, fallback?: ErrorCode): TesseraError {
    if (thrown instanceof TesseraError) return thrown;
    const trouble = systemTrouble(thrown);
    if (trouble !== undefined) {
      const { code, sentence, hint } = trouble;
      return new TesseraError(fallback ?? code, unbroken(sentence), { hint, cause: thrown });
    }
    const sentence = thrown instanceof Error ? thrown.message : String(thrown);
    return new TesseraError(fallback ?? 'INTERNAL', unbroken(sentence), { cause: thrown });
  }
}

/** Whether `code` is one of the table's; for codes that arrive from outside. */
export function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(ERROR_EXIT_CODES, code);
}

/** Exit code of a process that ends with `error`. */
export function exitCodeOf(error: TesseraError): number {
  return ERROR_EXIT_CODES[error.code];
}

/**
 * States an invariant of our own code.
 *
 * Throws  INTERNAL when it does not hold: a bug, never a user's mistake.
 */
export function assert(condition: unknown, sentence: string): asserts condition {
  if (!condition) throw new TesseraError('INTERNAL', `invariant broken: ${sentence}`);
}
