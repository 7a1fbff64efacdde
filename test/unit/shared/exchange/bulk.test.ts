/** @file The bulk calls on their connection: access, deadlines, silence, its end and its return; and what is no call. */
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, type OutgoingHttpHeaders } from 'node:http2';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { initCerts } from '../../../../cli/certs/certs.ts';
import { deferred } from '../../../../shared/core/async.ts';
import type { TesseraError } from '../../../../shared/core/errors.ts';
import { bulkCalls } from '../../../../shared/exchange/grpc/bulk/client.ts';
import { takeBulk } from '../../../../shared/exchange/grpc/bulk/server.ts';
import type { ClientSecurity } from '../../../../shared/exchange/grpc/credentials.ts';
import { GrpcExchange } from '../../../../shared/exchange/grpc/exchange.ts';
import { exchangeHandlers } from '../../../../shared/exchange/grpc/exchange-handlers.ts';
import { type ServerSettings, startServer } from '../../../../shared/exchange/grpc/server.ts';
import { CredentialFolder } from '../../../../shared/security/credentials.ts';
import { KnownToken } from '../../../../shared/security/tokens.ts';
import { CHUNK_BYTES, NotingHost, SESSION } from '../../../support/exchange-conformance.ts';
import { allOf, LIMITS, NODE } from '../../../support/loopback.ts';
import { startRelay } from '../../../support/relay.ts';

const folder = mkdtempSync(join(tmpdir(), 'tessera-bulk-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** A server over a host, and what it reports. */
async function start(some: Partial<ServerSettings> & { listen?: string; streamMs?: number } = {}) {
  const { listen = '127.0.0.1:0', streamMs = 20_000, ...settings } = some;
  const host = new NotingHost();
  const reported: TesseraError[] = [];
  const report = (error: TesseraError) => void reported.push(error);
  const { messageBytes } = LIMITS;
  const takeStream = takeBulk(exchangeHandlers(host, CHUNK_BYTES), {
    ...{ report, messageBytes, streamMs },
  });
  const server = await startServer(listen, [], { limits: LIMITS, report, takeStream, ...settings });
  closing.push(() => server.stop(0));
  return { host, server, reported };
}

function exchangeTo(
  address: string,
  {
    security,
    ...times
  }: { security?: ClientSecurity; keepaliveMs?: number; keepaliveTimeoutMs?: number } = {},
) {
  const { signal } = new AbortController();
  const calls = bulkCalls(address, { limits: LIMITS, security }, times);
  const exchange = new GrpcExchange(calls, {
    ...{ session: SESSION, limits: { ...LIMITS, chunkBytes: CHUNK_BYTES }, signal },
  });
  closing.push(() => exchange.close());
  return exchange;
}

const push = (exchange: GrpcExchange) =>
  exchange.pushNode(NODE, { gradient: new Float32Array(), features: [] });

describe('the connection', () => {
  it('is not idle while a call is under way', async () => {
    const { host, server } = await start({ idleMs: 50 });
    const finish = deferred<void>();
    host.onFinish = () => finish.promise;
    const pushing = push(exchangeTo(server.address));
    // One without calls is closed meanwhile.
    const idle = connect(`http://${server.address}`).on('error', () => {});
    await once(idle, 'close');
    finish.resolve();
    expect(await pushing).toBe('accepted');
  });

  it('that has become silent is left, and the next call makes another', async () => {
    const { host, server } = await start();
    const relay = await startRelay(server.address);
    closing.push(() => relay.close());
    const exchange = exchangeTo(relay.address, { keepaliveMs: 30, keepaliveTimeoutMs: 30 });
    const begun = deferred<void>();
    host.onFinish = () => {
      begun.resolve();
      return new Promise(() => {});
    };
    const pushing = push(exchange);
    await begun.promise;
    relay.swallow();
    await expect(pushing).rejects.toMatchObject({ code: 'COORDINATOR_UNREACHABLE' });
    host.onFinish = () => Promise.resolve();
    expect(await push(exchange)).toBe('accepted');
  });

  it('is made again after the coordinator has stopped and is back', async () => {
    const first = await start();
    const exchange = exchangeTo(first.server.address);
    expect(await push(exchange)).toBe('accepted');
    await first.server.stop(0);
    await expect(push(exchange)).rejects.toMatchObject({
      code: 'COORDINATOR_UNREACHABLE',
    });
    await start({ listen: first.server.address });
    expect(await push(exchange)).toBe('accepted');
  });

  it('to where nothing listens fails in words', async () => {
    const { server } = await start();
    await server.stop(0);
    await expect(push(exchangeTo(server.address))).rejects.toMatchObject({
      code: 'COORDINATOR_UNREACHABLE',
      sentence: expect.stringContaining('nothing listens there'),
    });
  });

  it('ends once the calls under way have, when the server stops', async () => {
    const { host, server } = await start();
    const [begun, finish] = [deferred<void>(), deferred<void>()];
    host.onFinish = () => {
      begun.resolve();
      return finish.promise;
    };
    const pushing = push(exchangeTo(server.address));
    await begun.promise;
    const stopping = server.stop(20_000);
    finish.resolve();
    expect(await pushing).toBe('accepted');
    await stopping;
  });
});

it('is for workers alone, by certificate or token, and never without', async () => {
  const certs = join(folder, 'certs');
  await initCerts({ folder: certs, days: 1, authorityDays: 2 });
  const open = (name: string, use: 'calling' | 'serving') =>
    CredentialFolder.open(join(certs, name), { use, onFault: () => {} });
  const tls = await open('coordinator', 'serving');
  const tokens = { worker: new KnownToken('right') };
  const { server, reported } = await start({ security: { tls, tokens } });
  const [worker, operator] = [await open('worker', 'calling'), await open('operator', 'calling')];
  closing.push(() => [tls, worker, operator].map((folder) => folder.close()));
  const { authority } = worker.current;
  const bare = { current: { authority, identity: undefined }, onChange: () => {} };
  const call = (security?: ClientSecurity) =>
    push(exchangeTo(server.address, security && { security }));

  expect(await call({ tls: worker })).toBe('accepted');
  expect(await call({ tls: bare, token: 'right' })).toBe('accepted');
  const refused = [{ tls: operator }, { tls: bare }, { tls: bare, token: 'wrong' }];
  for (const security of refused)
    await expect(call(security)).rejects.toMatchObject({ code: 'ACCESS_DENIED' });
  expect(reported.map(({ code }) => code)).toEqual(refused.map(() => 'ACCESS_DENIED'));
  expect(reported[0]?.sentence).toMatch(/PushNode is for the role worker/);

  const others = join(folder, 'others');
  await initCerts({ folder: others, days: 1, authorityDays: 2 });
  const stranger = await CredentialFolder.open(join(others, 'worker'), {
    ...{ use: 'calling', onFault: () => {} },
  });
  closing.push(() => stranger.close());
  await expect(call({ tls: stranger })).rejects.toMatchObject({
    code: 'ACCESS_DENIED',
    sentence: expect.stringMatching(/TLS handshake with .* failed/),
  });
  await expect(call()).rejects.toMatchObject({ code: 'COORDINATOR_UNREACHABLE' });
});

/** Bytes sent as the body of a call; the status that it gets. */
async function rawCall(address: string, body: Buffer, some: OutgoingHttpHeaders = {}) {
  const line = connect(`http://${address}`).on('error', () => {});
  closing.push(() => line.destroy());
  const stream = line.request({
    ...{ ':method': 'POST', ':path': '/tessera.v1.Exchange/PushNode' },
    ...{ 'content-type': 'application/grpc', te: 'trailers', ...some },
  });
  const about: Record<string, unknown> = {};
  const learn = (headers: object) => void Object.assign(about, headers);
  stream
    .on('response', learn)
    .on('trailers', learn)
    .on('error', () => {})
    .resume();
  stream.end(body);
  await once(stream, 'close');
  return about;
}

describe('what is sent as a call and is none', () => {
  it.each([
    ['a message of other bytes', Buffer.from([0, 0, 0, 0, 2, 0xff, 0xff]), /none of this call/],
    ['a compressed one', Buffer.from([1, 0, 0, 0, 0]), /compressed/],
    ['half of one', Buffer.from([0, 0, 0, 0, 9, 1]), /within a message/],
    ['one above the limit', Buffer.from([0, 0xff, 0, 0, 0, 1]), /at most \d+ are taken/],
  ])('%s is refused in words', async (_, body, words) => {
    const { server, reported } = await start();
    const about = await rawCall(server.address, body);
    expect(about).toMatchObject({ 'grpc-status': '3', 'error-code': 'MESSAGE_INVALID' });
    expect(decodeURI(String(about['grpc-message']))).toMatch(words);
    expect(reported).toHaveLength(1);
  });

  it.each(['soon', '10', '123456789S'])('a grpc-timeout of %s is refused', async (timeout) => {
    const { server } = await start();
    const about = await rawCall(server.address, Buffer.alloc(0), { 'grpc-timeout': timeout });
    expect(about).toMatchObject({ 'grpc-status': '3', 'error-code': 'MESSAGE_INVALID' });
  });

  it("a caller's own deadline ends its call", async () => {
    const { host, server } = await start();
    host.sample = () => new Promise(() => {});
    const { request } = (await import('../../../../shared/exchange/grpc/bulk/methods.ts')).METHODS
      .fetchSamples;
    const [message] = request.encode({ session: SESSION, split: 'SPLIT_TRAIN', indices: [0] });
    const prefix = Buffer.alloc(5);
    prefix.writeUInt32BE(message!.length, 1);
    const about = await rawCall(server.address, Buffer.concat([prefix, message!]), {
      ...{ ':path': '/tessera.v1.Exchange/FetchSamples', 'grpc-timeout': '50m' },
    });
    expect(about).toMatchObject({ 'grpc-status': '4' });
  });

  it.each([
    ['another path', { ':path': '/tessera.v1.Exchange/Invented' }, { 'grpc-status': '12' }],
    ['a page of a browser', { 'content-type': 'text/html' }, { ':status': 415 }],
  ])('%s is left to the library', async (_, headers, expected) => {
    const { server } = await start();
    expect(await rawCall(server.address, Buffer.alloc(0), headers)).toMatchObject(expected);
  });
});

it('a server that replies like a web server, or breaks off, is named', async () => {
  const { createServer } = await import('node:http2');
  let reply: (stream: import('node:http2').ServerHttp2Stream) => void = () => {};
  const server = createServer().on('stream', (stream) => {
    stream.on('error', () => {}).resume();
    reply(stream);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  closing.push(() => server.close());
  const { port } = server.address() as import('node:net').AddressInfo;
  const fetch = () => allOf(exchangeTo(`127.0.0.1:${port}`).fetchSamples('train', [0]));
  const cases: readonly [typeof reply, string][] = [
    [(stream) => stream.respond({ ':status': 404 }, { endStream: true }), 'PROTOCOL_MISMATCH'],
    [
      (stream) => stream.respond({ ':status': 503 }, { endStream: true }),
      'COORDINATOR_UNREACHABLE',
    ],
    [(stream) => stream.session?.destroy(), 'COORDINATOR_UNREACHABLE'],
    [(stream) => stream.close(7), 'COORDINATOR_UNREACHABLE'],
    [(stream) => stream.close(2), 'COORDINATOR_UNREACHABLE'],
  ];
  for (const [replying, code] of cases) {
    reply = replying;
    await expect(fetch()).rejects.toMatchObject({ code });
  }
});
