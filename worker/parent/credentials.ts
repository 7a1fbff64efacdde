/** @file Credentials that a worker gets from its parent as the first line of stdin, where no file may hold them. */
import type { Readable } from 'node:stream';
import { withDeadline } from '../../shared/core/async.ts';
import { systemClock } from '../../shared/core/clock.ts';
import { TesseraError } from '../../shared/core/errors.ts';
import { jsonRecord } from '../../shared/core/text.ts';
import type { ClientSecurity } from '../../shared/exchange/grpc/credentials.ts';
import { certificateOf } from '../../shared/security/credentials.ts';
import { firstLineIn } from '../../shared/security/tokens.ts';

/** What a worker needs to join over TLS. */
export interface WorkerCredentials {
  /** The certificate of the coordinator's authority. PEM. */
  readonly authority: string;
  readonly token: string;
}

/** A certificate and a token are far below it. */
const CHARS_MAX = 65_536;
const WAIT_MS = 60_000;

/** The line of some credentials, without its end. */
export function credentialsLine({ authority, token }: WorkerCredentials): string {
  return JSON.stringify({ authority, token });
}

/** Reads credentials. Throws  ACCESS_DENIED for a line that has none; TIMEOUT without one. */
export async function readCredentials(stdin: Readable): Promise<ClientSecurity> {
  const wait = firstLineIn(stdin, CHARS_MAX);
  const line = await withDeadline(systemClock, wait, WAIT_MS, 'credentials from stdin');
  const { authority, token } = jsonRecord(line) ?? {};
  if (typeof authority !== 'string' || typeof token !== 'string' || !isCertificate(authority)) {
    throw new TesseraError('ACCESS_DENIED', 'what came over stdin is not a credential');
  }
  const current = { authority: Buffer.from(authority), identity: undefined };
  return { tls: { current, onChange: () => {} }, token };
}

function isCertificate(pem: string): boolean {
  try {
    return certificateOf(pem).ca;
  } catch {
    return false;
  }
}
