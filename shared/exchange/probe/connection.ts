/** @file The first steps of a connection, one by one: the name, TCP, TLS, and the certificate there. Each fails in its own words. */
import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import { connect, isIP } from 'node:net';
import { checkServerIdentity, connect as connectTls, type PeerCertificate } from 'node:tls';
import { hostOf } from '../../core/address.ts';
import { TesseraError } from '../../core/errors.ts';
import { certificateFault } from '../../security/certificate-faults.ts';
import type { TlsMaterial } from '../../security/credentials.ts';
import { placeOf } from './probe.ts';

/** Longest time of a step. */
const STEP_MS = 5000;

/** The addresses of a host. Throws  COORDINATOR_UNREACHABLE when its name does not resolve. */
export async function resolveHost(host: string, stepMs = STEP_MS): Promise<readonly string[]> {
  if (isIP(host) !== 0) return [host];
  const late = new Promise<never>((_, reject) => {
    setTimeout(() => reject(new Error('no name server replies')), stepMs).unref();
  });
  try {
    const found = await Promise.race([lookup(host, { all: true }), late]);
    return found.map(({ address }) => address);
  } catch (cause) {
    const reason = codeOf(cause) === 'ENOTFOUND' ? 'no such name' : 'no name server replies';
    throw new TesseraError(
      'COORDINATOR_UNREACHABLE',
      `the name ${host} does not resolve: ${reason}`,
      {
        hint: `check the name; \`getent hosts ${host}\` asks as Tessera does; or give an address such as 10.0.0.1:50051`,
        cause,
      },
    );
  }
}

/** Connects by TCP, and returns the time that it took. Throws  COORDINATOR_UNREACHABLE. Units  milliseconds. */
export async function connectByTcp(address: string, stepMs = STEP_MS): Promise<number> {
  const sinceMs = performance.now();
  const socket = connect(placeOf(address));
  try {
    await once(socket, 'connect', { signal: AbortSignal.timeout(stepMs) });
    return performance.now() - sinceMs;
  } catch (cause) {
    throw tcpError(address, codeOf(cause), cause);
  } finally {
    socket.destroy();
  }
}

function tcpError(address: string, code: string, cause: unknown): TesseraError {
  const [reason, hint] =
    code === 'ECONNREFUSED'
      ? [
          'nothing listens on this port',
          'is the coordinator running, and is this its port? it says its address when it starts, and `tessera status` on its machine shows it; one that listens on 127.0.0.1 is not reached from elsewhere',
        ]
      : /^E(?:HOST|NET)UNREACH$/.test(code)
        ? [
            'no route leads there',
            'is that machine on, and in a network that this one reaches? `ip route get HOST` shows the way',
          ]
        : [
            'no reply: connections are neither accepted nor refused',
            'a firewall drops what is sent to this port, or the machine is off: let TCP to this port through on that machine and on the way',
          ];
  return new TesseraError('COORDINATOR_UNREACHABLE', `${address} cannot be reached: ${reason}`, {
    hint,
    cause,
  });
}

/** A handshake that was completed, regardless of who signed the certificate there. */
export interface Handshake {
  /** `TLSv1.3`. */
  readonly protocol: string;
  /** Why the certificate there is not trusted; undefined when it is. */
  readonly fault: TesseraError | undefined;
  readonly certificate: { readonly name: string; readonly issuer: string; readonly until: string };
}

/** Time for an orderly close: a peer that is cut off during it would log a broken handshake. */
const LINGER_MS = 200;

/** Shakes hands by TLS, and compares the certificate there with the authority. Throws  what ends the handshake. */
export async function shakeHands(
  address: string,
  { authority }: Pick<TlsMaterial, 'authority'>,
  stepMs = STEP_MS,
): Promise<Handshake> {
  const host = hostOf(address);
  const socket = connectTls({
    ...placeOf(address),
    ...(isIP(host) !== 0 && { servername: 'coordinator.tessera' }),
    ca: authority,
    // The certificate is looked at below: what is wrong with it is the finding.
    rejectUnauthorized: false,
    ALPNProtocols: ['h2'],
    checkServerIdentity: (_name, certificate) => checkServerIdentity(host, certificate),
  });
  try {
    await once(socket, 'secureConnect', { signal: AbortSignal.timeout(stepMs) });
    const certificate = socket.getPeerCertificate();
    const error: Error | string | null = socket.authorizationError;
    return {
      protocol: socket.getProtocol() ?? 'TLS',
      fault: socket.authorized ? undefined : faultOf(error, address, certificate),
      certificate: {
        name: nameIn(certificate.subject),
        issuer: nameIn(certificate.issuer),
        until: certificate.valid_to ?? '',
      },
    };
  } finally {
    socket.end();
    setTimeout(() => socket.destroy(), LINGER_MS).unref();
  }
}

function faultOf(
  error: Error | string | null,
  address: string,
  certificate: PeerCertificate,
): TesseraError {
  const code = String(error instanceof Error ? codeOf(error) || error.message : error);
  const fault = certificateFault(code.replaceAll('_', ' '));
  const reason = fault?.reason ?? `its certificate is not accepted (${code})`;
  const hosts = /altname/i.test(code) ? ` (${certificate.subjectaltname ?? 'none'})` : '';
  return new TesseraError('ACCESS_DENIED', `${address} is not trusted: ${reason}${hosts}`, {
    hint: fault?.ofCoordinator ?? 'use the ca.crt of the cluster that this coordinator belongs to',
  });
}

function nameIn(name: PeerCertificate['subject'] | undefined): string {
  const common: unknown = name?.CN;
  return Array.isArray(common) ? common.join(', ') : String(common ?? 'no name');
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}
