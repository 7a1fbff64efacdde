/** @file What the errors of a coordinator, or of the line to it, come to at a worker. */

import { type ErrorReport, reportOf } from '../../shared/core/error-report.ts';
import {
  ERROR_CODES,
  type ErrorCode,
  isErrorCode,
  TesseraError,
} from '../../shared/core/errors.ts';
import type { LostLine } from '../core/messages.ts';

/** What to do about an end whose cause came without a hint, as from an older coordinator: what its code allows to say. */
const LAST_HINTS: Partial<Record<ErrorCode, string>> = {
  COORDINATOR_UNREACHABLE:
    'start the coordinator, or check the address, the firewall, and whether it asks for --certs',
  ACCESS_DENIED:
    'give --certs FOLDER with a worker certificate of this cluster, or --ca and --token-file',
  RUN_FULL: 'raise limits.workersMax of the run, or start this worker when another has left',
  RATE_LIMITED:
    'look into the logs for why workers of this address come and go, or raise limits.joinsPerMinute of the run',
};

/** Why there is no line to the coordinator, when a session was closed by it or was lost. */
export function lostBy(error: TesseraError | undefined): LostLine {
  if (error === undefined) return { reason: 'the coordinator closed the session' };
  const { code, sentence, hint } = error;
  return {
    reason: sentence,
    ...(ERROR_CODES[code].retry === 'full' && { code }),
    ...(hint !== undefined && { hint }),
  };
}

/**
 * What a transfer that failed comes to: an error that may pass, or none where its session, version or assignment is over.
 *
 * Throws  what failed, when another try gives the same.
 */
export function passingError(thrown: unknown): { readonly error?: ErrorReport } {
  if (!(thrown instanceof TesseraError)) throw thrown;
  // Both sides look at their values before they send them: those that arrive like that were made on the way.
  const retry = thrown.code === 'NON_FINITE' ? 'passing' : ERROR_CODES[thrown.code].retry;
  if (retry === 'permanent') throw thrown;
  return retry === 'session' ? {} : { error: reportOf(thrown) };
}

/** The error that a worker ends with. The cause's own hint goes before what its code allows to say. */
export function errorOf({ code, reason, hint }: ErrorReport): TesseraError {
  const known = isErrorCode(code) ? code : 'INTERNAL';
  const last = LAST_HINTS[known] ?? 'see the log of the coordinator';
  return new TesseraError(known, reason, { hint: hint === '' ? last : hint });
}
