/** @file What one caller can take: time, places, attempts. Each has a bound and an answer that names it. */

import { once } from 'node:events';
import { connect as connectHttp2 } from 'node:http2';
import { connect, type Socket } from 'node:net';
import { afterEach, expect, it, vi } from 'vitest';
import { serveCoordinator } from '../../../../coordinator/service/service.ts';
import { JoinGate } from '../../../../coordinator/workers/join-rate-limit.ts';
import { encodeNode } from '../../../../shared/contract/exchange-codec.ts';
import type { PushReply__Output } from '../../../../shared/contract/generated/tessera/v1/PushReply.ts';
import { deferred } from '../../../../shared/core/async.ts';
import type { TesseraError } from '../../../../shared/core/errors.ts';
import { connectExchange } from '../../../../shared/exchange/grpc/channel.ts';
import { fromStatus } from '../../../../shared/exchange/grpc/errors.ts';
import { fetchStatus } from '../../../../shared/exchange/grpc/operator.ts';
import { services } from '../../../../shared/exchange/grpc/protos.ts';
import { createLog } from '../../../../shared/machine/log.ts';
import {
  allOf,
  JOIN,
  LIMITS,
  linkTo,
  NODE,
  NotingPort,
  openSession,
} from '../../../support/loopback.ts';

const closing: (() => Promise<unknown> | unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** A coordinator with bounds of its own, a link to it, and the first line of its log about a refusal. */
async function start(some: Partial<typeof LIMITS>, port = new NotingPort()) {
  const refusal = deferred<string>();
  const write = (line: string) => {
    if (line.includes('refused ')) refusal.resolve(line);
  };
  const log = createLog({ component: 'test', level: 'debug', destination: { write } });
  const limits = { ...LIMITS, ...some };
  const server = await serveCoordinator(port, log, { listen: '127.0.0.1:0', limits });
  port.limits = limits;
  const link = linkTo(server.address);
  closing.push(
    () => server.stop(0),
    () => link.close(),
  );
  return { server, link, port, refusal: refusal.promise };
}

/** A push that sends its header and then nothing; answers how it ended. */
function stalledPush(address: string, session: string) {
  const exchange = connectExchange(address, { limits: LIMITS });
  closing.push(() => exchange.close());
  const ended = deferred<TesseraError | PushReply__Output | undefined>();
  const call = exchange.pushNode((error, reply) =>
    ended.resolve(error ? fromStatus(error, { address, what: 'push', isCancelled: false }) : reply),
  );
  call.on('error', () => {});
  call.write({ node: encodeNode(session, NODE) });
  return ended.promise;
}

/** A pull below the library, which would read ahead of its user: nobody takes what comes. */
function pullWithoutReading(address: string, session: string): void {
  const client = connectHttp2(`http://${address}`);
  closing.push(() => client.destroy());
  const { path, requestSerialize } = services.Exchange.service.PullParameters;
  const message = requestSerialize({ session, version: 3, first: 0, average: false });
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(message.length, 1);
  const headers = { 'content-type': 'application/grpc', te: 'trailers' };
  const call = client.request({ ':method': 'POST', ':path': path, ...headers });
  call.on('error', () => {});
  call.end(Buffer.concat([prefix, message]));
}

it('a push that stalls is ended, and its place is free again', async () => {
  const { server, link, port } = await start({ rpcMs: 1000, pushesMax: 1 });
  const { session } = await openSession(link).welcome;
  expect(await stalledPush(server.address, session)).toMatchObject({ code: 'TIMEOUT' });
  const payload = { gradient: port.vector, features: [] };
  expect(await link.exchange.pushNode(NODE, payload)).toBe('accepted');
});

it('a caller that pulls and does not read is let go', async () => {
  const port = new NotingPort();
  port.vector = new Float32Array(16 * 1024 * 1024);
  const { server, link, refusal } = await start({ rpcMs: 300, chunkBytes: 1024 * 1024 }, port);
  const { session } = await openSession(link).welcome;
  pullWithoutReading(server.address, session);
  expect(await refusal).toMatch(/took longer than 300 ms/);
});

it('no worker pushes more at a time than it may', async () => {
  const { server, link } = await start({ pushesMax: 2, rpcMs: 5_000 });
  const { session } = await openSession(link).welcome;
  const [first] = await Promise.all([
    Promise.race([1, 2, 3].map(() => stalledPush(server.address, session))),
  ]);
  expect(first).toMatchObject({
    code: 'TIMEOUT',
    sentence: expect.stringContaining('2 pushes under way'),
  });
});

it('connections beyond the bound are closed, and those of workers go on', async () => {
  const { server, link, refusal } = await start({ connectionsMax: 8 });
  await openSession(link).welcome;
  await allOf(link.exchange.fetchSamples('train', [1]));
  const sockets: Socket[] = Array.from({ length: 20 }, () => connect(server.port, '127.0.0.1'));
  closing.push(() => {
    for (const socket of sockets) socket.destroy();
  });
  const closed = sockets.map((socket) => once(socket.on('error', () => {}).resume(), 'close'));
  // Two are the worker's: the session's and the exchange's.
  await Promise.all(await firstSettled(closed, 14));
  expect(await allOf(link.exchange.fetchSamples('train', [2]))).toHaveLength(1);
  expect(await refusal).toMatch(/127\.0\.0\.1: all 8 connections are taken/);
});

it('no worker pulls more at a time than it may, and those that end make room', async () => {
  const port = new NotingPort();
  port.vector = new Float32Array(4 * 1024 * 1024);
  const limits = { pullsMax: 1, rpcMs: 1000, chunkBytes: 1024 * 1024 };
  const { server, link, refusal } = await start(limits, port);
  const { session } = await openSession(link).welcome;
  pullWithoutReading(server.address, session);
  pullWithoutReading(server.address, session);
  expect(await refusal).toMatch(/1 pulls under way/);
  const target = port.vector.slice();
  await vi.waitFor(() => link.exchange.pull({ version: 3, first: 0 }, target), 10_000);
});

it('an address that joins too often is told so', async () => {
  const { link } = await start({ joinsPerMinute: 3 });
  for (let time = 0; time < 3; time += 1)
    await openSession(link, { ...JOIN, instance: `i${time}` }).welcome;
  expect(await openSession(link).closed).toMatchObject({
    code: 'RATE_LIMITED',
    hint: expect.any(String),
  });
});

it('the joins of a minute are forgotten after it, and one address is not held to account for another', () => {
  let nowMs = 0;
  const never = () => Promise.reject();
  const gate = new JoinGate(2, { nowMs: () => nowMs, every: () => () => {}, sleep: never });
  const pass = (peer: string) => () => gate.pass(peer);
  pass('10.0.0.1:1')();
  pass('10.0.0.1:2')();
  expect(pass('10.0.0.1:3')).toThrow(/2 joins a minute from 10\.0\.0\.1/);
  pass('10.0.0.2:1')();
  nowMs = 60_000;
  pass('10.0.0.1:4')();
});

it('a status is answered while others hold what they may', async () => {
  const { server, link } = await start({ pushesMax: 4 });
  const { session } = await openSession(link).welcome;
  for (let push = 0; push < 4; push += 1) void stalledPush(server.address, session);
  expect(await fetchStatus({ address: server.address, timeoutMs: 5_000 })).toMatchObject({
    run: 'test',
  });
});

/** The first `count` of some promises to settle. */
async function firstSettled<T>(
  promises: readonly Promise<T>[],
  count: number,
): Promise<Promise<T>[]> {
  const enough = deferred<Promise<T>[]>();
  const settled: Promise<T>[] = [];
  for (const promise of promises) {
    void promise.then(() => {
      settled.push(promise);
      if (settled.length === count) enough.resolve(settled);
    });
  }
  return enough.promise;
}
