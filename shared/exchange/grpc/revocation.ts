/** @file Trust in connected callers: reports certificates that are not trusted, and closes connections after a revocation. */
import type { X509Certificate } from 'node:crypto';
import type { Http2Server } from 'node:http2';
import type { TLSSocket } from 'node:tls';
import { TesseraError } from '../../core/errors.ts';
import { type CertificateFault, certificateFault } from '../../security/certificate-faults.ts';
import { isSignedBelow } from '../../security/credentials.ts';
import type { ServerSecurity } from './credentials.ts';
import type { CallReporter } from './handlers.ts';
import { peerOf } from './newcomers.ts';

/** Peers (`HOST:PORT`) whose certificates are not accepted, and why; while they are connected. */
export type Distrusted = Map<string, CertificateFault>;

/** Called for certificates that are not accepted. */
export interface TrustNews {
  readonly report: CallReporter;
  readonly distrusted: Distrusted;
}

/**
 * Watches the TLS connections of a server. A certificate that is not accepted counts as none, and a call does not know
 * why; here the reason is reported. And a new CA invalidates the certificates of the previous one, also those of
 * connections that stand.
 */
export function watchTrust(
  http2Server: Http2Server,
  { tls }: ServerSecurity,
  { report, distrusted }: TrustNews,
): void {
  const trusted = new Map<TLSSocket, readonly X509Certificate[]>();
  const notify = (socket: TLSSocket, sentence: string, hint: string) => {
    report(new TesseraError('ACCESS_DENIED', sentence, { hint }), 'connection', peerOf(socket));
  };
  http2Server.on('secureConnection', (socket: TLSSocket) => {
    const chain = chainOf(socket);
    if (chain.length === 0) return;
    if (!socket.authorized) {
      const peer = peerOf(socket);
      const fault = faultOf(socket.authorizationError);
      distrusted.set(peer, fault);
      socket.once('close', () => distrusted.delete(peer));
      return notify(socket, fault.reason, fault.ofCaller);
    }
    trusted.set(socket, chain);
    socket.once('close', () => trusted.delete(socket));
  });
  tls.onChange(() => {
    for (const [socket, chain] of trusted) {
      if (isSignedBelow(chain, tls.current.authority)) continue;
      notify(
        socket,
        'a connection is closed: connection closed: its certificate is no longer signed by a trusted CA',
        'give that machine a certificate of the authority of today',
      );
      socket.destroy();
    }
  });
}

/** Node gives a name of OpenSSL's for most faults, words for the others. */
function faultOf(thrown: unknown): CertificateFault {
  const text = thrown instanceof Error ? thrown.message : String(thrown);
  return (
    certificateFault(text) ?? {
      reason: `its certificate is not accepted here: ${text}`,
      ofCoordinator: '',
      ofCaller: 'issue a new one: tessera certs issue CERTS NAME --role worker',
    }
  );
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
