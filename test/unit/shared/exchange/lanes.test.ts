/** @file Lanes beside the coordinator's port: who may call them, what they refuse, ranges that are lost, lanes that are not there. */
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, expect, it, vi } from 'vitest';
import { initCerts } from '../../../../cli/certs/certs.ts';
import { bytesOf, cutVector } from '../../../../shared/contract/chunks.ts';
import { encodeNode, encodePull } from '../../../../shared/contract/exchange-codec.ts';
import type { VectorRange } from '../../../../shared/contract/messages.ts';
import { bulkCalls } from '../../../../shared/exchange/grpc/bulk/client.ts';
import type { ClientSecurity } from '../../../../shared/exchange/grpc/credentials.ts';
import type { BulkCalls } from '../../../../shared/exchange/grpc/exchange.ts';
import { LanedExchange } from '../../../../shared/exchange/grpc/lanes/laned-exchange.ts';
import { cutRanges } from '../../../../shared/exchange/grpc/lanes/ranges.ts';
import { CredentialFolder } from '../../../../shared/security/credentials.ts';
import { KnownToken } from '../../../../shared/security/tokens.ts';
import { NotingHost, SESSION } from '../../../support/exchange-conformance.ts';
import { grpcRig, settingsOf } from '../../../support/exchange-rigs.ts';
import { lanesOf } from '../../../support/lanes.ts';
import { allOf, LIMITS, NODE } from '../../../support/loopback.ts';

const folder = mkdtempSync(join(tmpdir(), 'tessera-lanes-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const GRADIENT = Float32Array.from({ length: 5000 }, (_, index) => Math.sin(index));
const [FIRST, SECOND] = cutRanges(1, GRADIENT.length, 2) as [VectorRange, VectorRange];

/** Lanes over a host that takes and has vectors like the gradient. */
async function start(some: Parameters<typeof lanesOf>[1] = {}) {
  const host = new NotingHost();
  host.gradientLength = GRADIENT.length;
  host.vector = GRADIENT;
  const started = await lanesOf(host, some);
  closing.push(() => started.lanes.stop(0));
  return { host, ...started };
}

function callsTo(address: string, security?: ClientSecurity): BulkCalls {
  const calls = bulkCalls(address, { limits: LIMITS, security });
  closing.push(() => calls.close());
  return calls;
}

function pushRange(calls: BulkCalls, range: VectorRange, signal?: AbortSignal, harm = 0) {
  const values = GRADIENT.subarray(range.first, range.first + range.count);
  const chunks = [...cutVector(values, LIMITS.chunkBytes)];
  const messages = chunks.map((chunk) => ({ chunk: { ...chunk, crc32: chunk.crc32 ^ harm } }));
  const node = encodeNode(SESSION, NODE, range);
  return calls.pushNode({ what: 'pushing', deadlineMs: 20_000, signal }, [{ node }, ...messages]);
}

const ACCEPTED = { outcome: 'PUSH_OUTCOME_ACCEPTED' };
const CORRUPT = { code: 'CHUNK_CORRUPT' };

it('a node is accepted once its last range is there; a second attempt may follow half of one', async () => {
  const { host, addresses } = await start();
  const [one, other] = addresses.map((address) => callsTo(address)) as [BulkCalls, BulkCalls];
  const waiting = expect(pushRange(one, FIRST)).rejects.toMatchObject(CORRUPT);
  await vi.waitFor(() => expect(host.numOpen).toBe(1), 10_000);
  await expect(pushRange(other, SECOND, undefined, 1)).rejects.toMatchObject(CORRUPT);
  // The range that had come fails as the other did.
  await waiting;
  await vi.waitFor(() => expect(host.numOpen).toBe(0), 10_000);
  expect(host.nodes).toEqual([]);
  const again = [FIRST, SECOND].map((range) => ({ ...range, transfer: 2 }));
  const calls = again.map((range, index) => pushRange([one, other][index]!, range));
  expect(await Promise.all(calls)).toEqual([ACCEPTED, ACCEPTED]);
  expect(Buffer.compare(bytesOf(host.nodes[0]!.gradient!), bytesOf(GRADIENT))).toBe(0);
  await vi.waitFor(() => expect(host.numOpen).toBe(0), 10_000);
});

it('a caller that leaves while its range waits for others leaves nothing behind', async () => {
  const { host, addresses } = await start();
  const gone = new AbortController();
  const waiting = pushRange(callsTo(addresses[0]!), FIRST, gone.signal);
  await vi.waitFor(() => expect(host.numOpen).toBe(1), 10_000);
  gone.abort();
  await expect(waiting).rejects.toMatchObject({ code: 'CANCELLED' });
  await vi.waitFor(() => expect(host.numOpen).toBe(0), 10_000);
});

it('ranges that overlap, have another whole or are none are refused, and nothing changes', async () => {
  const { host, addresses } = await start();
  const [one, other] = addresses.map((address) => callsTo(address)) as [BulkCalls, BulkCalls];
  const gone = new AbortController();
  const waiting = expect(pushRange(one, FIRST, gone.signal)).rejects.toThrow();
  await vi.waitFor(() => expect(host.numOpen).toBe(1), 10_000);
  const invalid = { code: 'MESSAGE_INVALID' };
  await expect(pushRange(other, FIRST)).rejects.toMatchObject(invalid);
  const longer = { ...SECOND, total: SECOND.total + 16 };
  await expect(pushRange(other, longer)).rejects.toMatchObject(CORRUPT);
  for (const range of [
    { ...FIRST, count: 0 },
    { ...FIRST, count: 5001 },
    { ...FIRST, first: 5000 },
    { ...FIRST, total: 0 },
  ]) {
    await expect(pushRange(other, range)).rejects.toMatchObject(invalid);
  }
  gone.abort();
  await waiting;
  await vi.waitFor(() => expect(host.numOpen).toBe(0), 10_000);
  expect(host.nodes).toEqual([]);
});

it('lanes take no whole vectors and nothing but gradients, and the port of the coordinator no ranges', async () => {
  const rig = await grpcRig();
  closing.push(() => rig.close());
  const { addresses } = await lanesOf(rig.host);
  const lane = callsTo(addresses[0]!);
  const main = callsTo(rig.address);
  const call = { what: 'trying', deadlineMs: 20_000 };
  const invalid = { code: 'MESSAGE_INVALID' };
  const node = encodeNode(SESSION, NODE);
  const pull = encodePull(SESSION, { version: 3, first: 0 });
  await expect(lane.pushNode(call, [{ node }])).rejects.toMatchObject(invalid);
  await expect(allOf(lane.pullParameters(call, pull))).rejects.toMatchObject(invalid);
  await expect(pushRange(main, FIRST)).rejects.toMatchObject(invalid);
  const ranged = { ...pull, range: FIRST };
  await expect(allOf(main.pullParameters(call, ranged))).rejects.toMatchObject(invalid);
  const samples = { session: SESSION, split: 'SPLIT_TRAIN' as const, indices: [0] };
  await expect(allOf(lane.fetchSamples(call, samples))).rejects.toMatchObject({
    code: 'PROTOCOL_MISMATCH',
  });
});

it('where a lane cannot be reached, vectors travel on the port of the coordinator from then on', async () => {
  const rig = await grpcRig();
  closing.push(() => rig.close());
  rig.host.gradientLength = GRADIENT.length;
  rig.host.vector = GRADIENT;
  const nothing = createServer().listen(0, '127.0.0.1');
  await once(nothing, 'listening');
  const { port } = nothing.address() as AddressInfo;
  nothing.close();
  await once(nothing, 'close');
  const calls = callsTo(`127.0.0.1:${port}`);
  let tries = 0;
  const lane: BulkCalls = {
    ...calls,
    pushNode(...call) {
      tries += 1;
      return calls.pushNode(...call);
    },
    pullParameters(...call) {
      tries += 1;
      return calls.pullParameters(...call);
    },
  };
  const parts = { whole: rig.open(), lanes: [lane], valuesMin: 1 };
  const exchange = new LanedExchange(parts, settingsOf());
  const push = () => exchange.pushNode(NODE, { gradient: GRADIENT, features: [] });
  expect(await push()).toBe('accepted');
  expect(await push()).toBe('accepted');
  const target = new Float32Array(GRADIENT.length);
  await exchange.pull({ version: 3, first: 0 }, target);
  expect(target).toEqual(GRADIENT);
  expect(tries).toBe(1);
  expect(rig.host.nodes).toHaveLength(2);
});

it('are for workers alone, by certificate or token, and a new authority ends their connections', async () => {
  const [certs, others] = [join(folder, 'certs'), join(folder, 'others')];
  for (const made of [certs, others]) {
    await initCerts({ folder: made, days: 1, authorityDays: 2 });
  }
  const open = async (path: string, use: 'calling' | 'serving') => {
    const opened = await CredentialFolder.open(path, { use, onFault: () => {} });
    closing.push(() => opened.close());
    return opened;
  };
  const serving = await open(join(certs, 'coordinator'), 'serving');
  const [worker, operator] = [
    await open(join(certs, 'worker'), 'calling'),
    await open(join(certs, 'operator'), 'calling'),
  ];
  const next = await open(join(others, 'coordinator'), 'serving');
  const changed: (() => void)[] = [];
  const tls = { current: serving.current, onChange: (it: () => void) => void changed.push(it) };
  const tokens = { worker: new KnownToken('right') };
  const { addresses, reported, host } = await start({ count: 1, security: { tls, tokens } });
  const { authority } = worker.current;
  const bare = { current: { authority, identity: undefined }, onChange: () => {} };
  const whole = { ...FIRST, count: GRADIENT.length };
  const call = (security?: ClientSecurity) => pushRange(callsTo(addresses[0]!, security), whole);
  expect(await call({ tls: worker })).toEqual(ACCEPTED);
  expect(await call({ tls: bare, token: 'right' })).toEqual(ACCEPTED);
  for (const security of [{ tls: operator }, { tls: bare }, { tls: bare, token: 'wrong' }]) {
    await expect(call(security)).rejects.toMatchObject({ code: 'ACCESS_DENIED' });
  }
  await expect(call()).rejects.toMatchObject({ code: 'COORDINATOR_UNREACHABLE' });
  // A call that waits for another range is on its connection when the authority changes.
  host.onFinish = () => new Promise(() => {});
  const waiting = expect(call({ tls: worker })).rejects.toMatchObject({
    code: 'COORDINATOR_UNREACHABLE',
  });
  await vi.waitFor(() => expect(host.numOpen).toBe(1), 10_000);
  tls.current = next.current;
  for (const listener of changed) listener();
  await waiting;
  expect(reported.at(-1)?.sentence).toMatch(/no longer signed by a trusted CA/);
  await expect(call({ tls: worker })).rejects.toMatchObject({ code: 'ACCESS_DENIED' });
});

it('that cannot listen say so, and the others stop', async () => {
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  closing.push(() => taken.close());
  const { port } = taken.address() as AddressInfo;
  await expect(lanesOf(new NotingHost(), { count: 1, firstPort: port })).rejects.toMatchObject({
    code: 'PORT_IN_USE',
    hint: expect.stringContaining('cluster.lanePort'),
  });
});
