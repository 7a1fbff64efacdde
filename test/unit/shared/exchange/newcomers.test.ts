/** @file Who speaks another protocol than a port is named, on both kinds of ports; who speaks it gets in, in whatever pieces. */
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as tlsConnect } from 'node:tls';
import { afterAll, describe, expect, it } from 'vitest';
import { initCerts } from '../../../../cli/certs/certs.ts';
import { deferred } from '../../../../shared/core/async.ts';
import { type RpcServer, startServer } from '../../../../shared/exchange/grpc/server.ts';
import {
  EMPTY_SETTINGS,
  HTTP2_PREFACE,
  speechOfServer,
} from '../../../../shared/exchange/probe/first-bytes.ts';
import { CredentialFolder } from '../../../../shared/security/credentials.ts';
import { LIMITS } from '../../../support/loopback.ts';

const folder = mkdtempSync(join(tmpdir(), 'tessera-newcomers-'));
const certs = join(folder, 'certs');
const made = initCerts({ folder: certs, days: 1, authorityDays: 2 });
const running: RpcServer[] = [];

afterAll(async () => {
  await Promise.all(running.map((server) => server.stop(0)));
  rmSync(folder, { recursive: true });
});

/** A server with or without TLS, and what it says first of a refused connection. */
async function start(isSecure: boolean) {
  await made;
  const told = deferred<string>();
  const tls =
    isSecure &&
    (await CredentialFolder.open(join(certs, 'coordinator'), {
      use: 'serving',
      onFault: () => {},
    }));
  const server = await startServer('127.0.0.1:0', [], {
    limits: LIMITS,
    ...(tls && { security: { tls, tokens: {} } }),
    report: ({ sentence, hint }, what, peer) =>
      told.resolve(`${what} ${peer.replace(/:\d+$/, '')} ${sentence}; ${hint}`),
  });
  running.push(server);
  return { port: server.port, told: told.promise };
}

async function answerTo(socket: Socket): Promise<Buffer> {
  const pieces: Buffer[] = [];
  socket.on('data', (piece: Buffer) => pieces.push(piece)).on('error', () => {});
  await once(socket, 'close');
  return Buffer.concat(pieces);
}

describe('a plaintext port', () => {
  it.each([
    ['HTTP/1', 'GET / HTTP/1.1\r\nHost: x\r\n\r\n', /it spoke HTTP\/1.*tessera status/, 'http1'],
    ['SSH', 'SSH-2.0-x\r\n', /neither HTTP\/2 nor TLS/, 'http2'],
    ['HTTP/2 with a fault', 'PRI * HTTP/3', /neither HTTP\/2 nor TLS/, 'http2'],
  ])('names who speaks %s, and lets it go', async (_what, words, sentence, speech) => {
    const { port, told } = await start(false);
    const socket = connect(port, '127.0.0.1');
    socket.write(words);
    const answer = await answerTo(socket);
    expect(await told).toMatch(/^connection 127\.0\.0\.1 /);
    expect(await told).toMatch(sentence);
    expect(speechOfServer(answer)).toBe(speech);
  });

  it('names who speaks TLS, who finds it named as plaintext', async () => {
    const { port, told } = await start(false);
    const socket = tlsConnect({ port, rejectUnauthorized: false });
    const [error] = await once(socket, 'error');
    expect(error.code).toBe('ERR_SSL_WRONG_VERSION_NUMBER');
    expect(await told).toMatch(/it spoke TLS to this plaintext port; leave --certs/);
  });

  it('takes in who says the beginning of HTTP/2 letter by letter', async () => {
    const { port } = await start(false);
    const socket = connect({ port, noDelay: true });
    socket.write(HTTP2_PREFACE.slice(0, 1));
    // The server's settings come once it listens as HTTP/2; the rest is read by Node's own server.
    const [settings] = await once(socket, 'data');
    expect(speechOfServer(settings)).toBe('http2');
    socket.write(HTTP2_PREFACE.slice(1));
    socket.write(EMPTY_SETTINGS);
    let seen = Buffer.from(settings);
    const ack = Buffer.from([0, 0, 0, 4, 1, 0, 0, 0, 0]);
    while (!seen.includes(ack)) seen = Buffer.concat([seen, (await once(socket, 'data'))[0]]);
    socket.destroy();
  });
});

describe('a TLS port', () => {
  it.each([
    ['HTTP/2', HTTP2_PREFACE],
    ['HTTP/1', 'GET / HTTP/1.1\r\n\r\n'],
    ['anything else', 'hello, is anybody there?\n'],
  ])('names who speaks plaintext %s', async (_what, words) => {
    const { port, told } = await start(true);
    const socket = connect(port, '127.0.0.1');
    socket.write(words);
    await answerTo(socket);
    expect(await told).toMatch(
      /^connection 127\.0\.0\.1 it spoke plaintext to this TLS port; give/,
    );
  });

  it('names who does not trust its certificate', async () => {
    const { port, told } = await start(true);
    const socket = tlsConnect({ port, ALPNProtocols: ['h2'] });
    await once(socket, 'error');
    expect(await told).toMatch(/broke the TLS handshake off.*ca\.crt/);
  });
});
