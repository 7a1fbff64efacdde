/**
 * @file The only place that knows both worlds: Tessera's errors and gRPC's statuses.
 *
 * An error crosses the wire as its status, its sentence as the status text, and its code and hint in
 * the trailing metadata, so the other side gets the same error back.
 */

import { Metadata, type StatusObject, status } from '@grpc/grpc-js';
import { isLoopback } from '../../core/address.ts';
import { NO_LOOPBACK_HINT } from '../../core/errno.ts';
import { ERROR_CODES, isErrorCode, TesseraError } from '../../core/errors.ts';
import { certificateFault } from '../../security/certificate-faults.ts';
import { UNCLEAR } from '../probe/unclear.ts';

const CODE_KEY = 'error-code';
const HINT_KEY = 'error-hint';
/** Headers have a budget of a few KiB (RFC 9113 leaves it to the peer); longer texts are cut. */
const TEXT_LENGTH_MAX = 1000;

/** What the caller knows of a failed call. */
export interface CallPlace {
  /** Where the call went. */
  readonly address: string;
  /** What it was for, as the start of a sentence ("pushing step 12"). */
  readonly what: string;
  /** Whether we cancelled it ourselves. */
  readonly isCancelled: boolean;
}

/** The status that is sent for `thrown`. The text of an unexpected error is not sent: it may contain secrets. */
export function toStatus(thrown: unknown): StatusObject {
  const isForeseen = thrown instanceof TesseraError && thrown.code !== 'INTERNAL';
  const error = isForeseen ? thrown : new TesseraError('INTERNAL', 'internal error of the server');
  const metadata = new Metadata();
  metadata.set(CODE_KEY, error.code);
  if (error.hint !== undefined) metadata.set(HINT_KEY, encodeText(error.hint));
  return {
    code: status[ERROR_CODES[error.code].status],
    details: wellFormed(error.sentence),
    metadata,
  };
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
  const unclear = { cause, details: UNCLEAR };
  if (failed.details.startsWith(HTTP_STATUS)) return fromHttp(failed, address);
  switch (failed.code) {
    case status.CANCELLED:
      if (isCancelled) return new TesseraError('CANCELLED', `${what} was cancelled`, { cause });
      // It was not cancelled here: the other side went away.
      return unreachable(failed, address);
    case status.UNAVAILABLE:
      return unreachable(failed, address);
    case status.DEADLINE_EXCEEDED:
      return new TesseraError('TIMEOUT', `${what} at ${address} took too long`, {
        hint: 'is the network slow, or the machine there overloaded?',
        ...unclear,
      });
    case status.RESOURCE_EXHAUSTED:
      return new TesseraError('MESSAGE_INVALID', `${what}: ${failed.details}`, {
        hint: 'use the same limits.messageBytes on both sides, above limits.chunkBytes',
        ...unclear,
      });
    case status.UNIMPLEMENTED:
      return new TesseraError(
        'PROTOCOL_MISMATCH',
        `${what}: ${address} speaks gRPC and does not know this call`,
        {
          hint: 'is it a coordinator of Tessera? then install its version here; else give the address that the coordinator said when it started',
          ...unclear,
        },
      );
    case status.UNAUTHENTICATED:
    case status.PERMISSION_DENIED:
      return new TesseraError('ACCESS_DENIED', `${what}: ${failed.details}`, {
        hint: 'this is not the answer of a coordinator: does a proxy between here and there ask for credentials?',
        cause,
      });
    default:
      if (failed.details.includes('RST_STREAM')) return unreachable(failed, address);
      if (failed.details.startsWith('Response message parsing error')) {
        return new TesseraError('MESSAGE_INVALID', `${what}: ${address} sent an invalid reply`, {
          hint: 'is it a coordinator of Tessera, of the same version?',
          ...unclear,
        });
      }
      return new TesseraError('INTERNAL', `${what} at ${address} failed: ${failed.details}`, {
        ...unclear,
      });
  }
}

/** The library's message for a reply that is valid HTTP but not gRPC. */
const HTTP_STATUS = 'Received HTTP status code ';

/** A gateway says so while what is behind it is away; any other answer is not of gRPC. */
function fromHttp(failed: StatusObject, address: string): TesseraError {
  const extras = { cause: failed, details: UNCLEAR };
  const code = failed.details.slice(HTTP_STATUS.length, HTTP_STATUS.length + 3);
  if (['502', '503', '504'].includes(code)) {
    return new TesseraError(
      'COORDINATOR_UNREACHABLE',
      `a gateway at ${address} does not reach the coordinator behind it (HTTP status ${code})`,
      { hint: 'start the coordinator, or look into the settings of the gateway', ...extras },
    );
  }
  return new TesseraError(
    'PROTOCOL_MISMATCH',
    `${address} replies like a web server (HTTP status ${code}), not like a coordinator of Tessera`,
    { hint: 'give the address that the coordinator said when it started', ...extras },
  );
}

function unreachable(failed: StatusObject, address: string): TesseraError {
  const fault = certificateFault(failed.details);
  if (fault !== undefined) {
    const sentence = `TLS handshake with ${address} failed: ${fault.reason}`;
    return new TesseraError('ACCESS_DENIED', sentence, {
      hint: fault.ofCoordinator,
      cause: failed,
    });
  }
  if (NOT_TLS.test(failed.details)) {
    return new TesseraError('ACCESS_DENIED', `${address} does not speak TLS`, {
      hint: 'leave --certs and --ca out, or start the coordinator with --certs',
      cause: failed,
      details: UNCLEAR,
    });
  }
  if (isLoopback(address) && /ENETUNREACH/.test(failed.details)) {
    return new TesseraError(
      'COORDINATOR_UNREACHABLE',
      `this machine cannot reach itself: no way leads to ${address}`,
      { hint: NO_LOOPBACK_HINT, cause: failed },
    );
  }
  const known = UNREACHABLE_REASONS.find(([pattern]) => pattern.test(failed.details));
  const [, reason, hint] = known ?? [
    undefined,
    'the connection was lost',
    'start the coordinator, or check the address and the firewall',
  ];
  return new TesseraError(
    'COORDINATOR_UNREACHABLE',
    `the coordinator at ${address} cannot be reached: ${reason}`,
    { hint, cause: failed, ...(known === undefined && { details: UNCLEAR }) },
  );
}

/** How OpenSSL names an answer that is not TLS. */
const NOT_TLS = /wrong version number|packet length too long|ERR_SSL_WRONG_VERSION/i;

const UNREACHABLE_REASONS: readonly (readonly [RegExp, string, string])[] = [
  [
    /ECONNREFUSED/,
    'nothing listens there',
    'start the coordinator, or check the address: it may have ended, or listen on another port',
  ],
  [
    /ENOTFOUND|EAI_AGAIN|[Nn]ame resolution/,
    'its name does not resolve',
    'check the name, or give an address such as 10.0.0.1:50051',
  ],
  [
    /ETIMEDOUT|EHOSTUNREACH|ENETUNREACH/,
    'no route or no answer',
    'is that machine on, and does a firewall between here and there drop what is sent to this port?',
  ],
];

/** Whether an error says that no process listens at an address; any other reply, a timeout too, means that one does. */
export function isNotListening({ code, cause }: TesseraError): boolean {
  if (code !== 'COORDINATOR_UNREACHABLE' || !isStatus(cause)) return false;
  return UNREACHABLE_REASONS.some(([pattern]) => pattern.test(cause.details));
}

/** A status as it is thrown. */
export function failureOf(status: StatusObject): Error & StatusObject {
  const { code, details, metadata } = status;
  return Object.assign(new Error(details), { code, details, metadata });
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
