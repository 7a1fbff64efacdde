/** @file The `limits` of a run's config hold at its workers, too: the welcome brings them. */
import { afterEach, expect, it } from 'vitest';
import type { ExchangeLimits, ExchangeSettings } from '../../../../shared/exchange/exchange.ts';
import { GrpcExchange } from '../../../../shared/exchange/grpc/exchange.ts';
import { WorkerLink } from '../../../../worker/exchange/link.ts';
import {
  allOf,
  JOIN,
  LIMITS,
  NODE,
  NotingPort,
  openSession,
  startLoopback,
} from '../../../support/loopback.ts';

const KIB = 1024;
const MIB = 1024 * KIB;

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** A worker in a session with a coordinator that has these limits. */
async function joined(limits: Partial<ExchangeLimits>, port = new NotingPort()) {
  const { server, link } = await startLoopback(port, { ...LIMITS, ...limits });
  closing.push(
    () => server.stop(0),
    () => link.close(),
  );
  await openSession(link).welcome;
  return link;
}

it.each([
  ['smaller than the defaults', 512 * KIB, 256 * KIB, 2 * MIB],
  ['chunks above 16 MiB', 21 * MIB, 20 * MIB, 24 * MIB],
])('%s: pushes and pulls pass', async (_, messageBytes, chunkBytes, bytes) => {
  const port = new NotingPort();
  port.gradientLength = bytes / 4;
  port.vector = new Float32Array(port.gradientLength).fill(0.5);
  const { exchange } = await joined({ messageBytes, chunkBytes, rpcMs: 20_000 }, port);
  const payload = { gradient: port.vector, features: [] };
  expect(await exchange.pushNode(NODE, payload)).toBe('accepted');
  const target = new Float32Array(port.vector.length);
  await exchange.pull({ version: 3, first: 0 }, target);
  expect(target.every((value) => value === 0.5)).toBe(true);
});

it('a call ends when limits.rpcMs is over', async () => {
  const port = new NotingPort();
  port.sample = () => new Promise(() => {});
  const link = await joined(LIMITS, port);
  // A deadline of the coordinator's own would end it, too.
  port.limits = { ...LIMITS, rpcMs: 200 };
  await openSession(link).welcome;
  await expect(allOf(link.exchange.fetchSamples('train', [1]))).rejects.toMatchObject({
    code: 'TIMEOUT',
  });
});

/** A link that is welcomed at once to a run with this config, and what its exchange was opened with. */
function welcomedWith(configJson: string) {
  const opened: ExchangeSettings[] = [];
  const deadlines: number[] = [];
  const pullParameters = async function* ({ deadlineMs }: { readonly deadlineMs: number }) {
    deadlines.push(deadlineMs);
    yield* [] as never[];
  };
  const unused = () => {
    throw new Error('not called here');
  };
  const calls = {
    ...{ pushNode: unused, fetchSamples: unused, fetchFeatures: unused },
    ...{ fetchExecutable: unused, pushExecutable: unused },
  };
  const close = () => {};
  const welcome = new NotingPort().join(JOIN, { send: () => {}, close });
  const session = { sendReady: unused, sendHeartbeat: unused, sendLeave: unused, close };
  const link = new WorkerLink(
    {
      join: (_request, listener) => {
        listener.onWelcome({ ...welcome, configJson });
        return session;
      },
      close,
    },
    (settings) => {
      opened.push(settings);
      return new GrpcExchange({ ...calls, pullParameters, close }, settings);
    },
  );
  openSession(link);
  return { link, deadlines, limits: opened[0]?.limits };
}

it('a deadline above two minutes is kept', async () => {
  const { link, deadlines } = welcomedWith(JSON.stringify({ limits: { rpcMs: 300_000 } }));
  await link.exchange.pull({ version: 3, first: 0 }, new Float32Array(0));
  expect(deadlines).toEqual([300_000]);
});

it.each(['', 'null', '{}', '{"limits": 3}', '{"limits": {"inventedLater": 1}}'])(
  'a config of which nothing is known, %j, has the default limits until it is refused',
  (configJson) => {
    const defaults = { messageBytes: 4 * MIB, chunkBytes: MIB, rpcMs: 120_000 };
    expect(welcomedWith(configJson).limits).toMatchObject(defaults);
  },
);
