/** @file Which callers a server serves: all on loopback, those with a credential over TLS. */
import type { IncomingMessage } from 'node:http';
import { TLSSocket } from 'node:tls';
import type { CredentialFolder } from '../../shared/security/credentials.ts';
import type { KnownToken } from '../../shared/security/tokens.ts';
import { type Refusal, refused } from './refusal.ts';

/** What a server shows, and what it asks of its callers beside certificates. */
export interface HttpSecurity {
  readonly tls: CredentialFolder;
  readonly token: KnownToken | undefined;
}

/** The refusal of a caller without a credential: a certificate of one of the roles that the CA has signed, or the token. */
export function refuseUnlessKnown(
  request: IncomingMessage,
  security: HttpSecurity | undefined,
  roles: readonly string[] = ['worker', 'operator'],
): Refusal | undefined {
  if (security === undefined) return undefined;
  const { socket } = request;
  if (socket instanceof TLSSocket && hasShownCertificate(socket, roles)) return undefined;
  const shown = /^Bearer (\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
  if (shown !== undefined && security.token?.is(shown)) return undefined;
  const how =
    security.token === undefined
      ? "show a client certificate of this server's CA"
      : 'send the token: Authorization: Bearer TOKEN';
  const reason = shown === undefined ? 'no credential was shown' : 'the token is not known here';
  return refused(401, 'ACCESS_DENIED', `${reason}; ${how}`, { 'www-authenticate': 'Bearer' });
}

/**
 * Whether the caller has a certificate that the CA has signed, and that is for calling. `authorized` is not enough: Node
 * says so of a resumed session of TLS 1.3 that never had a certificate.
 */
function hasShownCertificate(socket: TLSSocket, roles: readonly string[]): boolean {
  const { subject } = socket.getPeerCertificate();
  return socket.authorized && roles.includes(String(subject?.OU));
}
