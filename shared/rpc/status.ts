/**
 * @file The only place that knows both worlds: Tessera's errors and gRPC's statuses.
 *
 * An error crosses the wire as its status, its sentence as the status text, and its code and hint in
 * the trailing metadata, so the other side gets the same error back.
 */
import { Metadata, type StatusObject, status } from '@grpc/grpc-js';
import { type ErrorCode, isErrorCode, TesseraError } from '../core/errors.ts';

const CODE_KEY = 'error-code';
const HINT_KEY = 'error-hint';
/** Headers have a budget of a few KiB (RFC 9113 leaves it to the peer); longer texts are cut. */
const TEXT_LENGTH_MAX = 1000;

/** UNAVAILABLE: retry this call. ABORTED: start again higher up. FAILED_PRECONDITION: mend something first. */
const STATUS_OF_CODE: Readonly<Record<ErrorCode, status>> = {
  USAGE: status.INVALID_ARGUMENT,
  DATA_INVALID: status.OUT_OF_RANGE,
  CHUNK_CORRUPT: status.DATA_LOSS,
  NON_FINITE: status.INVALID_ARGUMENT,
  CHECKPOINT_CORRUPT: status.DATA_LOSS,
  COORDINATOR_UNREACHABLE: status.UNAVAILABLE,
  RATE_LIMITED: status.RESOURCE_EXHAUSTED,
  WORKERS_LOST: status.FAILED_PRECONDITION,
  ENGINE_UNAVAILABLE: status.FAILED_PRECONDITION,
  INTERNAL: status.INTERNAL,
  SYSTEM: status.FAILED_PRECONDITION,
  CANNOT_WRITE: status.FAILED_PRECONDITION,
  PORT_IN_USE: status.FAILED_PRECONDITION,
  RUN_IN_USE: status.FAILED_PRECONDITION,
  RUN_FULL: status.RESOURCE_EXHAUSTED,
  TIMEOUT: status.DEADLINE_EXCEEDED,
  LEASE_EXPIRED: status.ABORTED,
  SESSION_UNKNOWN: status.ABORTED,
  STEP_STALE: status.ABORTED,
  STEP_NOT_OPEN: status.FAILED_PRECONDITION,
  DRAINING: status.UNAVAILABLE,
  PROTOCOL_MISMATCH: status.FAILED_PRECONDITION,
  MESSAGE_INVALID: status.INVALID_ARGUMENT,
  ACCESS_DENIED: status.PERMISSION_DENIED,
  CONFIG_INVALID: status.INVALID_ARGUMENT,
  CHECKPOINT_MISMATCH: status.FAILED_PRECONDITION,
  CANCELLED: status.CANCELLED,
};

/** What the caller knows of a failed call. */
export interface CallPlace {
  /** Where the call went. */
  readonly address: string;
  /** What it was for, as the start of a sentence ("pushing step 12"). */
  readonly what: string;
  /** Whether we cancelled it ourselves. */
  readonly isCancelled: boolean;
}

/** The status that tells the other side of `thrown`. The text of an unforeseen error stays here: it may hold secrets. */
export function toStatus(thrown: unknown): StatusObject {
  const isForeseen = thrown instanceof TesseraError && thrown.code !== 'INTERNAL';
  const error = isForeseen ? thrown : new TesseraError('INTERNAL', 'internal error of the server');
  const metadata = new Metadata();
  metadata.set(CODE_KEY, error.code);
  if (error.hint !== undefined) metadata.set(HINT_KEY, encodeText(error.hint));
  return { code: STATUS_OF_CODE[error.code], details: wellFormed(error.sentence), metadata };
}

/** The error behind a failed call: the other side's own, or the transport's in our words. */
export function fromStatus(thrown: unknown, place: CallPlace): TesseraError {
  if (thrown instanceof TesseraError) return thrown;
  if (!isStatus(thrown)) return TesseraError.from(thrown);
  const [code] = thrown.metadata?.get(CODE_KEY) ?? [];
  if (typeof code === 'string' && isErrorCode(code)) {
    const [hint] = thrown.metadata.get(HINT_KEY);
    const extras = typeof hint === 'string' ? { hint: decodeText(hint) } : {};
    return new TesseraError(code, thrown.details, { ...extras, cause: thrown });
  }
  return fromTransport(thrown, place);
}

function fromTransport(failed: StatusObject, place: CallPlace): TesseraError {
  const { address, what, isCancelled } = place;
  const cause = failed;
  switch (failed.code) {
    case status.CANCELLED:
      if (isCancelled) return new TesseraError('CANCELLED', `${what} was cancelled`, { cause });
      // Nobody here asked for it: the other side went away.
      return unreachable(failed, address);
    case status.UNAVAILABLE:
      return unreachable(failed, address);
    case status.DEADLINE_EXCEEDED:
      return new TesseraError('TIMEOUT', `${what} at ${address} took too long`, {
        hint: 'is the network slow, or the machine there overloaded?',
        cause,
      });
    case status.RESOURCE_EXHAUSTED:
      return new TesseraError('MESSAGE_INVALID', `${what}: ${failed.details}`, {
        hint: 'use the same limits.messageBytes on both sides, above limits.chunkBytes',
        cause,
      });
    case status.UNIMPLEMENTED:
      return new TesseraError('PROTOCOL_MISMATCH', `${what}: ${address} does not know this call`, {
        hint: 'is it a Tessera coordinator, of the same version?',
        cause,
      });
    case status.UNAUTHENTICATED:
    case status.PERMISSION_DENIED:
      return new TesseraError('ACCESS_DENIED', `${what}: ${failed.details}`, { cause });
    default:
      if (failed.details.includes('RST_STREAM')) return unreachable(failed, address);
      if (failed.details.startsWith('Response message parsing error')) {
        return new TesseraError('MESSAGE_INVALID', `${what}: ${address} answered nonsense`, {
          hint: 'is it a Tessera coordinator, of the same version?',
          cause,
        });
      }
      return new TesseraError('INTERNAL', `${what} at ${address} failed: ${failed.details}`, {
        cause,
      });
  }
}

function unreachable(failed: StatusObject, address: string): TesseraError {
  const distrust = TLS_REASONS.find(([pattern]) => pattern.test(failed.details));
  if (distrust !== undefined) {
    const [, reason, hint] = distrust;
    const sentence = `no trust between here and ${address}: ${reason}`;
    return new TesseraError('ACCESS_DENIED', sentence, { hint, cause: failed });
  }
  const reason =
    UNREACHABLE_REASONS.find(([pattern]) => pattern.test(failed.details))?.[1] ??
    'the connection was lost';
  return new TesseraError(
    'COORDINATOR_UNREACHABLE',
    `the coordinator at ${address} cannot be reached: ${reason}`,
    { hint: 'start the coordinator, or check the address and the firewall', cause: failed },
  );
}

/** How TLS fails, as OpenSSL and node say it, and what to do. */
const TLS_REASONS: readonly (readonly [RegExp, string, string])[] = [
  [
    /wrong version number|packet length too long|ERR_SSL_WRONG_VERSION/i,
    'one side speaks TLS, the other plaintext',
    'give both sides --certs, or neither',
  ],
  [
    /self.signed certificate|unable to verify|unable to get (?:local )?issuer|signature failure/i,
    'its certificate is not of the authority that is trusted here',
    'use the ca.crt of the cluster that this coordinator belongs to',
  ],
  [
    /certificate has expired|CERT_HAS_EXPIRED/i,
    'its certificate has expired',
    'issue a new one there: tessera certs issue; the coordinator takes it without a restart',
  ],
  [
    /not yet valid|CERT_NOT_YET_VALID/i,
    'its certificate is not valid yet',
    'are the clocks of both machines right?',
  ],
  [
    /altnames|ERR_TLS_CERT_ALTNAME/i,
    'its certificate is for other hosts',
    'issue one for this address: tessera certs issue --role coordinator --host ADDRESS',
  ],
  [
    /(?:unsupported|unsuitable) certificate purpose|INVALID_PURPOSE/i,
    "its certificate is no coordinator's",
    'is it the right address?',
  ],
];

const UNREACHABLE_REASONS: readonly (readonly [RegExp, string])[] = [
  [/ECONNREFUSED/, 'nothing listens there'],
  [/ENOTFOUND|EAI_AGAIN|[Nn]ame resolution/, 'its name does not resolve'],
  [/ETIMEDOUT|EHOSTUNREACH|ENETUNREACH/, 'no route or no answer'],
];

/** Whether an error says that nobody is at an address; any other answer, silence too, is of somebody. */
export function isNobodyThere({ code, cause }: TesseraError): boolean {
  if (code !== 'COORDINATOR_UNREACHABLE' || !isStatus(cause)) return false;
  return UNREACHABLE_REASONS.some(([pattern]) => pattern.test(cause.details));
}

function isStatus(thrown: unknown): thrown is StatusObject {
  return (
    thrown instanceof Error &&
    'code' in thrown &&
    typeof thrown.code === 'number' &&
    'details' in thrown &&
    typeof thrown.details === 'string'
  );
}

/** Half a surrogate pair would make the header's percent-encoding throw. */
function wellFormed(text: string): string {
  return Buffer.from(text.slice(0, TEXT_LENGTH_MAX)).toString();
}

/** Metadata values are printable ASCII: the rest, and the percent sign, travel percent-encoded. */
function encodeText(text: string): string {
  return wellFormed(text).replace(/[^\x20-\x24\x26-\x7e]/gu, encodeURIComponent);
}

function decodeText(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
