/** @file What a call's failure comes to once it is known what sits at its address: another program, TLS, plaintext, nothing. */
import { type ErrorExtras, TesseraError } from '../../core/errors.ts';
import { type Found, probeAddress } from './probe.ts';

/** Marks a transport failure without a clear cause: a probe of the address may find it. */
export const UNCLEAR: NonNullable<ErrorExtras['details']> = { unclear: true };

const RIGHT_ADDRESS = 'give the address that the coordinator said when it started';

/** Programs known by the first words that they say, or that they answer HTTP/2 with. */
const PROGRAMS: readonly (readonly [RegExp, string])[] = [
  [/^SSH-/, 'an SSH server'],
  [/^-(?:ERR|NOAUTH|DENIED)/, 'Redis, or a program that speaks as it does'],
  [/^220[ -]/, 'a mail or FTP server'],
  [/mysql|mariadb|^. \d+\.\d+\.\d+|^\d+\.\d+\.\d+-?/i, 'a MySQL server'],
];

/**
 * The error itself, or for a transport failure without a clear cause, one that names what is at the address.
 *
 * At most about 3 s, and no credential is shown.
 */
export async function clearerError(
  error: TesseraError,
  { address, isSecure }: { readonly address: string; readonly isSecure: boolean },
): Promise<TesseraError> {
  if (!isUnclear(error)) return error;
  const found = await probeAddress(address, { tlsFirst: isSecure }).catch(() => undefined);
  return found === undefined ? error : (errorFor(found, { address, isSecure, error }) ?? error);
}

/** Whether a probe of the address may say more than the error. */
export function isUnclear({ details }: TesseraError): boolean {
  return details['unclear'] === true;
}

/** Undefined where what was found explains nothing. */
export function errorFor(
  found: Found,
  {
    address,
    isSecure,
    error: cause,
  }: { readonly address: string; readonly isSecure: boolean; readonly error: TesseraError },
): TesseraError | undefined {
  const otherProgram = (what: string) =>
    new TesseraError(
      'PROTOCOL_MISMATCH',
      `at ${address} is ${what}, not a coordinator of Tessera`,
      {
        hint: RIGHT_ADDRESS,
        cause,
      },
    );
  const away = (sentence: string, hint: string) =>
    new TesseraError('COORDINATOR_UNREACHABLE', sentence, { hint, cause });
  switch (found.what) {
    case 'nothing':
      return undefined;
    case 'noAnswer':
      return away(
        `${address} does not respond: connections are neither accepted nor refused`,
        'is that machine on, and does a firewall between here and there drop what is sent to this port?',
      );
    case 'silent':
      return away(
        `${address} takes connections and says nothing`,
        `is the coordinator there stopped or overloaded? else it is another program, or a tunnel without its other end: ${RIGHT_ADDRESS}`,
      );
    case 'closes':
      return away(
        `${address} accepts connections and closes them without sending anything`,
        `is it a tunnel or a proxy whose coordinator is away, or a coordinator all of whose limits.connectionsMax are taken? else ${RIGHT_ADDRESS}`,
      );
    case 'tls':
      if (!found.isGrpc) return otherProgram(programOf(found));
      return isSecure ? undefined : plaintextToTls(address, cause);
    case 'http2':
      if (!found.isGrpc) return otherProgram(programOf(found));
      return isSecure ? tlsToPlaintext(address, cause) : undefined;
    default:
      return otherProgram(programOf(found));
  }
}

/** One of which nothing is known. */
export const ANOTHER_PROGRAM = 'another program';

/** The kind of program that was found, as far as its first bytes show. */
export function programOf(found: Found): string {
  switch (found.what) {
    case 'tls':
      if (found.isGrpc) return 'a gRPC server (with TLS)';
      return found.isHttp2 ? 'a web server (HTTP/2 with TLS)' : 'a TLS server without HTTP/2';
    case 'http2':
      return found.isGrpc ? 'a gRPC server' : 'a web server (HTTP/2)';
    case 'http1':
      return 'a web server (HTTP/1)';
    case 'other': {
      const known = PROGRAMS.find(([pattern]) => pattern.test(found.words))?.[1];
      return (
        known ?? (found.words === '' ? 'another program' : `a program that says "${found.words}"`)
      );
    }
    default:
      return ANOTHER_PROGRAM;
  }
}

function plaintextToTls(address: string, cause: TesseraError): TesseraError {
  return new TesseraError(
    'ACCESS_DENIED',
    `${address} speaks TLS, and this side came in plaintext`,
    {
      hint: 'give --certs FOLDER with a credential of the cluster there, or --ca and --token-file',
      cause,
    },
  );
}

function tlsToPlaintext(address: string, cause: TesseraError): TesseraError {
  return new TesseraError(
    'ACCESS_DENIED',
    `${address} speaks plaintext, and this side came with TLS (--certs or --ca)`,
    {
      hint: 'start the coordinator with --certs FOLDER; or leave --certs and --ca out here, with --insecure where it is on another machine',
      cause,
    },
  );
}
