/**
 * @file Connections until their first words: who says nothing is let go, and who speaks another protocol than this port
 * is named.
 */
import type { Http2Server } from 'node:http2';
import type { Socket } from 'node:net';
import { TesseraError } from '../../core/errors.ts';
import { EMPTY_SETTINGS, type Speech, speechOfCaller } from '../probe/first-bytes.ts';
import type { CallReporter } from './handlers.ts';

/** The protocol that a port expects. */
export interface NewcomerRules {
  readonly isSecure: boolean;
  /** Time for a connection's first bytes, or for its TLS handshake. */
  readonly firstWordsMs: number;
  readonly report: CallReporter;
}

/** Watches the newcomers of a server, before it listens to what they ask. */
export function watchNewcomers(http2Server: Http2Server, rules: NewcomerRules): void {
  const shaking = new Set<string>();
  if (rules.isSecure) nameThoseWithoutTls(http2Server, rules, shaking);
  else nameThoseWithoutHttp2(http2Server, rules);
  dropSilent(http2Server, rules, (peer) => shaking.delete(peer));
}

/** `HOST:PORT` of the other end. */
export function peerOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress}:${remotePort}`;
}

function notify(report: CallReporter, peer: string, sentence: string, hint: string): void {
  report(new TesseraError('PROTOCOL_MISMATCH', sentence, { hint }), 'connection', peer);
}

/** What a caller of a plaintext port speaks instead of HTTP/2, and what to do about it. */
const INSTEAD: Readonly<Record<'tls' | 'http1' | 'other', readonly [string, string]>> = {
  tls: [
    'it spoke TLS to this plaintext port',
    'leave --certs and --ca out there, or start this coordinator with --certs FOLDER',
  ],
  http1: [
    'it spoke HTTP/1, as a browser does, and this port speaks gRPC',
    'tessera status HOST:PORT asks a coordinator',
  ],
  other: ['it spoke neither HTTP/2 nor TLS', 'is it meant for another port?'],
};

/** The reply to a caller that speaks HTTP/1. */
const HTTP1_ANSWER =
  'HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\nThis port speaks gRPC: ask it with tessera status HOST:PORT.\n';

/**
 * Looks at the first bytes of each connection; who begins as HTTP/2 does is handed on with them. Node's own server says
 * of all others the same: a wrong magic.
 */
function nameThoseWithoutHttp2(http2Server: Http2Server, { report }: NewcomerRules): void {
  const listeners = http2Server.listeners('connection');
  http2Server.removeAllListeners('connection');
  http2Server.on('connection', (socket: Socket) => {
    const leave = () => socket.destroy();
    socket.on('error', leave);
    socket.once('readable', () => {
      const words = socket.read() as Buffer | null;
      if (words === null) {
        leave();
        return;
      }
      const speech = speechOfCaller(words);
      if (speech !== 'http2') {
        const [sentence, hint] = INSTEAD[speech ?? 'other'];
        notify(report, peerOf(socket), sentence, hint);
        socket.end(farewellTo(speech), leave);
        return;
      }
      socket.off('error', leave);
      socket.unshift(words);
      for (const listener of listeners) listener.call(http2Server, socket);
    });
  });
}

/** TLS reads the beginning of HTTP/2 as a wrong version, which its users find named as plaintext. */
function farewellTo(speech: Speech): string | Uint8Array {
  return speech === 'http1' ? HTTP1_ANSWER : EMPTY_SETTINGS;
}

/** How OpenSSL names a first record that is not TLS. */
const NOT_TLS = /ERR_SSL_(?:WRONG_VERSION_NUMBER|HTTP_REQUEST|PACKET_LENGTH_TOO_LONG)/;

/** `shaking` has the peers that have neither shaken hands yet, nor been named or let go. */
function nameThoseWithoutTls(
  http2Server: Http2Server,
  { report }: NewcomerRules,
  shaking: Set<string>,
): void {
  http2Server.on('connection', (socket: Socket) => {
    const peer = peerOf(socket);
    shaking.add(peer);
    socket.once('close', () => {
      if (!shaking.delete(peer) || socket.bytesRead === 0) return;
      notify(
        report,
        peer,
        'it broke the TLS handshake off: it does not trust the certificate here, or dials a host that is not in it',
        'it needs the ca.crt of this cluster; tessera certs show FOLDER shows the hosts of a certificate',
      );
    });
  });
  http2Server.on('secureConnection', (socket: Socket) => shaking.delete(peerOf(socket)));
  http2Server.on('tlsClientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    if (!NOT_TLS.test(error.code ?? '')) return;
    const peer = peerOf(socket);
    shaking.delete(peer);
    notify(
      report,
      peer,
      'it spoke plaintext to this TLS port',
      'give --certs FOLDER there, or --ca and --token-file',
    );
  });
}

/** Closes connections that send nothing, or half a handshake, to free their slots. */
function dropSilent(
  http2Server: Http2Server,
  { isSecure, firstWordsMs }: NewcomerRules,
  onDrop: (peer: string) => void,
): void {
  const timers = new Map<string, NodeJS.Timeout>();
  const forget = (peer: string) => {
    clearTimeout(timers.get(peer));
    timers.delete(peer);
  };
  http2Server.on('connection', (socket: Socket) => {
    const peer = peerOf(socket);
    const look = () => {
      if (!isSecure && socket.bytesRead > 0) return;
      onDrop(peer);
      socket.destroy();
    };
    timers.set(peer, setTimeout(look, firstWordsMs));
    socket.once('close', () => forget(peer));
  });
  http2Server.on('secureConnection', (socket: Socket) => forget(peerOf(socket)));
}
