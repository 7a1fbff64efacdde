import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { callClientStream, callServerStream } from '../../../../bench/exchange/naive.ts';
import { bytesOf, cutChunks } from '../../../../shared/contract/chunks.ts';
import { encodeNode } from '../../../../shared/contract/exchange-codec.ts';
import type { Node } from '../../../../shared/contract/generated/tessera/v1/Node.ts';
import type { NodeChunk } from '../../../../shared/contract/generated/tessera/v1/NodeChunk.ts';
import { connectExchange } from '../../../../shared/exchange/grpc/channel.ts';
import type { RpcServer } from '../../../../shared/exchange/grpc/server.ts';
import type { WorkerLink } from '../../../../worker/exchange/link.ts';
import {
  allOf,
  exchangeTo,
  LIMITS,
  NODE,
  NotingPort,
  openSession,
  startLoopback,
} from '../../../support/loopback.ts';

let port: NotingPort;
let server: RpcServer;
let link: WorkerLink;
let session: string;

beforeEach(async () => {
  port = new NotingPort();
  ({ server, link } = await startLoopback(port));
  ({ session } = await openSession(link).welcome);
});

afterEach(async () => {
  link.close();
  await server.stop(50);
});

const settings = () => ({ address: server.address, what: 'raw', deadlineMs: 10_000 });

/** Pushes hand-made messages. */
async function pushRaw(messages: Iterable<NodeChunk>) {
  const exchange = connectExchange(server.address, { limits: LIMITS });
  try {
    return await callClientStream(settings(), (o, done) => exchange.pushNode(o, done), messages);
  } finally {
    exchange.close();
  }
}

/** A push of a gradient alone. */
const payload = (gradient: Float32Array | undefined) => ({ gradient, features: [] });
/** All parameters of a version. */
const all = (version: number) => ({ version, first: 0 });

describe('pushing a node', () => {
  it('refuses a gradient of other values than those of the run', async () => {
    const pushed = link.exchange.pushNode({ ...NODE, gradientType: 'bf16' }, payload(port.vector));
    await expect(pushed).rejects.toMatchObject({
      code: 'MESSAGE_INVALID',
      sentence: expect.stringMatching(/a gradient of bf16, this run exchanges f32/),
    });
    expect(port.nodes).toEqual([]);
  });

  it('brings its header and its gradient, bit for bit', async () => {
    const gradient = port.vector.slice();
    expect(await link.exchange.pushNode(NODE, payload(gradient))).toBe('accepted');
    expect(port.nodes).toHaveLength(1);
    expect(port.nodes[0]?.node).toEqual(NODE);
    expect(bytesOf(port.nodes[0]!.gradient!)).toEqual(bytesOf(gradient));
  });

  it('brings an evaluation without a gradient', async () => {
    const node = { ...NODE, kind: 'test' as const };
    expect(await link.exchange.pushNode(node, payload(undefined))).toBe('accepted');
    expect(port.nodes).toEqual([{ node, gradient: undefined }]);
  });

  it.each(['stale', 'acceptedBefore'] as const)(
    'is answered %s before the bulk travels',
    async (answer) => {
      // Goal: an early answer. Method: far more than flow control lets through unread.
      port.answer = answer;
      const huge = new Float32Array(16 * 1024 * 1024);
      expect(await link.exchange.pushNode(NODE, payload(huge))).toBe(answer);
      expect(port.nodes).toEqual([]);
      port.answer = 'accepted';
      expect(await link.exchange.pushNode(NODE, payload(port.vector))).toBe('accepted');
    },
  );

  it('is refused without a session', async () => {
    await expect(
      exchangeTo(server.address, 's-99').pushNode(NODE, payload(port.vector)),
    ).rejects.toMatchObject({
      code: 'SESSION_UNKNOWN',
    });
  });

  it('is refused when the gradient has another length', async () => {
    for (const length of [4999, 5001]) {
      const push = link.exchange.pushNode(NODE, payload(new Float32Array(length)));
      await expect(push).rejects.toMatchObject({ code: 'CHUNK_CORRUPT' });
    }
    expect(port.nodes).toEqual([]);
  });

  it('is refused when a value is not finite, naming it', async () => {
    const gradient = port.vector.slice();
    gradient[4321] = Number.NaN;
    await expect(link.exchange.pushNode(NODE, payload(gradient))).rejects.toMatchObject({
      code: 'NON_FINITE',
      sentence: expect.stringContaining('value 4321'),
    });
    expect(port.nodes).toEqual([]);
  });

  it('leaves no trace when it is cancelled half-way', async () => {
    const stop = new AbortController();
    function* stopping(): Generator<NodeChunk> {
      yield { node: encodeNode(session, NODE) };
      for (const chunk of cutChunks(bytesOf(port.vector), 1000)) {
        if (chunk.offset === 10_000) stop.abort();
        yield { chunk };
      }
    }
    const exchange = connectExchange(server.address, { limits: LIMITS });
    const push = callClientStream(
      { ...settings(), signal: stop.signal },
      (o, done) => exchange.pushNode(o, done),
      stopping(),
    );
    await expect(push).rejects.toMatchObject({ code: 'CANCELLED' });
    exchange.close();
    expect(await link.exchange.pushNode(NODE, payload(port.vector))).toBe('accepted');
    expect(port.nodes).toHaveLength(1);
  });

  it('bounds the pushes of one worker', async () => {
    const exchange = connectExchange(server.address, { limits: LIMITS });
    const open = Array.from({ length: 4 }, () => {
      const call = exchange.pushNode(() => {});
      call.write({ node: encodeNode(session, NODE) });
      return call;
    });
    // A push that is refused shows that the others have begun; until then it is accepted.
    for (let code = ''; code !== 'TIMEOUT'; ) {
      code = await link.exchange.pushNode(NODE, payload(port.vector)).catch((error) => error.code);
    }
    for (const call of open) call.cancel();
    for (let outcome = ''; outcome !== 'accepted'; ) {
      outcome = await link.exchange.pushNode(NODE, payload(port.vector)).catch(() => 'refused');
    }
    exchange.close();
  });
});

describe('a malformed push', () => {
  const chunk = () => ({ chunk: [...cutChunks(bytesOf(port.vector), 30_000)][0]! });
  const header = (changes: Partial<Node> = {}): NodeChunk => ({
    node: { ...encodeNode(session, NODE), ...changes },
  });
  const cases: readonly [string, () => NodeChunk[], string][] = [
    ['no message at all', () => [], 'MESSAGE_INVALID'],
    ['a chunk before the node', () => [chunk()], 'MESSAGE_INVALID'],
    ['two nodes', () => [header(), header()], 'MESSAGE_INVALID'],
    ['no gradient', () => [header()], 'CHUNK_CORRUPT'],
    ['a chunk too many', () => [header(), chunk(), chunk()], 'CHUNK_CORRUPT'],
    ['no kind', () => [header({ kind: 0 }), chunk()], 'MESSAGE_INVALID'],
    ['a kind of the future', () => [header({ kind: 9 as 0 }), chunk()], 'MESSAGE_INVALID'],
    ['no leaves', () => [header({ count: 0 }), chunk()], 'MESSAGE_INVALID'],
    ['more right than samples', () => [header({ correct: 33 }), chunk()], 'MESSAGE_INVALID'],
    ['a loss that is NaN', () => [header({ lossSum: Number.NaN }), chunk()], 'NON_FINITE'],
    ['a step beyond 2^53', () => [header({ step: 2 ** 60 }), chunk()], 'MESSAGE_INVALID'],
    ['no timings', () => [header({ timings: null }), chunk()], 'MESSAGE_INVALID'],
    ['negative timings', () => [header({ timings: { pullMs: -1 } }), chunk()], 'MESSAGE_INVALID'],
    ['a bad sample out of range', () => [header({ badSamples: [10] }), chunk()], 'MESSAGE_INVALID'],
    ['a bad sample without reason', () => [header({ badReasons: [] }), chunk()], 'MESSAGE_INVALID'],
    [
      'a gradient for an evaluation',
      () => [header({ kind: 'WORK_KIND_TEST' }), chunk()],
      'MESSAGE_INVALID',
    ],
  ];
  it.each(cases)('with %s is refused and changes nothing', async (_, messages, code) => {
    await expect(pushRaw(messages())).rejects.toMatchObject({ code });
    expect(port.nodes).toEqual([]);
  });

  it('larger than a message may be is refused', async () => {
    const exchange = connectExchange(server.address, {
      limits: { messageBytes: 64 * 1024 * 1024 },
    });
    const messages = [header(), { chunk: { data: new Uint8Array(5 * 1024 * 1024) } }];
    const push = callClientStream(settings(), (o, done) => exchange.pushNode(o, done), messages);
    await expect(push).rejects.toMatchObject({ code: 'MESSAGE_INVALID' });
    exchange.close();
  });
});

describe('pulling parameters', () => {
  it('brings them bit for bit', async () => {
    const target = new Float32Array(5000);
    await link.exchange.pull(all(3), target);
    expect(bytesOf(target)).toEqual(bytesOf(port.vector));
  });

  it('brings the end of a version alone, for who has the frozen beginning', async () => {
    const target = new Float32Array(1000);
    await link.exchange.pull({ version: 3, first: 4000 }, target);
    expect(target).toEqual(port.vector.subarray(4000));
  });

  it('is refused for a version that is not there', async () => {
    await expect(link.exchange.pull(all(2), new Float32Array(5000))).rejects.toMatchObject({
      code: 'STEP_STALE',
      sentence: 'version 2 is gone',
    });
  });

  it('fails when the version goes while it is under way', async () => {
    port.vector = new Float32Array(8 * 1024 * 1024);
    const exchange = connectExchange(server.address, { limits: LIMITS });
    const pull = async () => {
      const start = (options: object) => exchange.pullParameters({ session, version: 3 }, options);
      for await (const _ of callServerStream(settings(), start)) port.version = 4;
    };
    await expect(pull()).rejects.toMatchObject({ code: 'STEP_STALE' });
    exchange.close();
  });

  it('fails when the target has another size', async () => {
    await expect(link.exchange.pull(all(3), new Float32Array(5001))).rejects.toMatchObject({
      code: 'CHUNK_CORRUPT',
    });
  });

  it('ends with its session: the next one opens connections of its own', async () => {
    port.vector = new Float32Array(8 * 1024 * 1024);
    const { exchange } = link;
    const pull = exchange.pull(all(3), new Float32Array(port.vector.length));
    const next = openSession(link);
    await expect(pull).rejects.toMatchObject({ code: 'CANCELLED' });
    await next.welcome;
    await link.exchange.pull(all(3), port.vector.slice());
    await expect(exchange.pull(all(3), port.vector)).rejects.toMatchObject({ code: 'CANCELLED' });
  });
});

describe('fetching samples', () => {
  it('brings them in the order asked, large and empty ones alike', async () => {
    const indices = [9, 0, 3, 3, 8, 1, 2, 4, 5];
    const samples = await allOf(link.exchange.fetchSamples('test', indices));
    expect(samples.map(({ bytes, ...about }) => ({ ...about, bytes: [...bytes] }))).toEqual(
      await Promise.all(
        indices.map(async (index) => {
          const { bytes, ...about } = await port.sample('test', index);
          return { ...about, bytes: [...bytes] };
        }),
      ),
    );
  });

  it('passes on that one cannot be read', async () => {
    await expect(allOf(link.exchange.fetchSamples('train', [1, 7]))).rejects.toMatchObject({
      code: 'DATA_INVALID',
      sentence: 'train/ö.jpg is truncated',
    });
  });

  it.each([[[10]], [Array.from({ length: 1025 }, () => 0)]])(
    'refuses indices out of range, and too many',
    async (indices) => {
      await expect(allOf(link.exchange.fetchSamples('train', indices))).rejects.toMatchObject({
        code: 'MESSAGE_INVALID',
      });
    },
  );

  it('is refused without a session', async () => {
    await expect(
      allOf(exchangeTo(server.address, '').fetchSamples('train', [1])),
    ).rejects.toMatchObject({
      code: 'SESSION_UNKNOWN',
    });
  });
});
