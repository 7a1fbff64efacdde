/** @file Trust in those who are connected: told when it is not there, ended when it is taken back. */
import type { X509Certificate } from 'node:crypto';
import type { Http2Server } from 'node:http2';
import type { TLSSocket } from 'node:tls';
import { TesseraError } from '../core/errors.ts';
import { isSignedBelow } from '../host/credentials.ts';
import type { CallReporter } from './handlers.ts';
import type { ServerSecurity } from './security.ts';

/**
 * Watches the TLS connections of a server. A certificate that is not accepted counts as none, and a call does not know
 * why: here it is told. And a new authority makes the certificates of the one before worthless, also those of
 * connections that stand.
 */
export function watchTrust(
  http2Server: Http2Server,
  { tls }: ServerSecurity,
  report: CallReporter,
): void {
  const trusted = new Map<TLSSocket, readonly X509Certificate[]>();
  const tell = (socket: TLSSocket, sentence: string) => {
    const peer = `${socket.remoteAddress}:${socket.remotePort}`;
    report(new TesseraError('ACCESS_DENIED', sentence), 'connection', peer);
  };
  http2Server.on('secureConnection', (socket: TLSSocket) => {
    const chain = chainOf(socket);
    if (chain.length === 0) return;
    if (!socket.authorized) {
      return tell(
        socket,
        `a certificate was shown that is not accepted here: ${socket.authorizationError}`,
      );
    }
    trusted.set(socket, chain);
    socket.once('close', () => trusted.delete(socket));
  });
  tls.onChange(() => {
    for (const [socket, chain] of trusted) {
      if (isSignedBelow(chain, tls.current.authority)) continue;
      tell(socket, 'a connection is closed: its certificate is of an authority of the past');
      socket.destroy();
    }
  });
}

/** Links of a chain that are looked at; TLS takes no longer ones by default than 100, people make 3. */
const CHAIN_MAX = 10;

/** What a peer has shown: its own certificate, and those above it. Asked a second time, node forgets those above. */
function chainOf(socket: TLSSocket): X509Certificate[] {
  const chain: X509Certificate[] = [];
  let next = socket.getPeerX509Certificate();
  while (next !== undefined && chain.length < CHAIN_MAX) {
    chain.push(next);
    next = next.issuerCertificate;
  }
  return chain;
}
