/**
 * @file What the exchange moves: vectors of ViT-B/16 up and down, beside gRPC's own library and bare TCP between the same
 * two processes, by turns; on loopback, and over links with a round trip.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { bytesOf } from '../shared/contract/chunks.ts';
import type { NodeHeader } from '../shared/contract/messages.ts';
import { TesseraError } from '../shared/core/errors.ts';
import type { ValueType } from '../shared/core/floats.ts';
import type { Exchange } from '../shared/exchange/exchange.ts';
import { bulkCalls } from '../shared/exchange/grpc/bulk/client.ts';
import { GrpcExchange } from '../shared/exchange/grpc/exchange.ts';
import { letHeapsGrow } from '../shared/machine/heap.ts';
import { naiveBulkCalls } from './exchange/naive.ts';
import {
  type Addresses,
  LIMITS,
  NUM_PARAMETERS,
  SESSION,
  UP,
  type Way,
  writeAll,
} from './exchange/serve.ts';
import { median, rangeOf, ratiosOf } from './median.ts';

/** What was measured on one link. Units  megabytes (10^6) per second of payload, median over the rounds. */
interface LinkFigures {
  readonly pushMBps: number;
  readonly pullMBps: number;
  /** The product over gRPC's library, and over bare TCP: median, least and largest of the rounds. */
  readonly pushOverLibrary: string;
  readonly pullOverLibrary: string;
  readonly pushOverTcp: string;
  readonly pullOverTcp: string;
  /** bfloat16 over float32, by the time of a vector. */
  readonly bf16PushOverF32: string;
  readonly bf16PullOverF32: string;
  /** Longest delay of the main threads at either end while the product moved vectors. Units  milliseconds. */
  readonly delaysMs: string;
}

/** The links by their names. */
export type ExchangeFigures = Readonly<Record<string, LinkFigures>>;

const ROUNDS = 7;
/** Units  milliseconds; 0 is loopback without a relay. */
const ROUND_TRIPS = [0, 1, 10];
const WAYS: readonly Way[] = ['tcp', 'bulk', 'bf16', 'library'];
const BYTES = NUM_PARAMETERS * Float32Array.BYTES_PER_ELEMENT;
const FILE = fileURLToPath(new URL('./exchange/serve.js', import.meta.url));

const NODE: NodeHeader = {
  ...{ kind: 'train', step: 0, version: 0, first: 0, count: 1 },
  ...{ lossSum: 0, correct: 0, samples: 1, badSamples: [], gradientType: 'f32' },
  timings: { pullMs: 0, fetchMs: 0, computeMs: 0, pushMs: 0, idleMs: 0 },
};

/** Measures pushing and pulling one float32 vector of ViT-B/16 between two processes. */
export async function benchExchange(): Promise<ExchangeFigures> {
  // As the processes of a run do: the library's path gains most by it.
  letHeapsGrow();
  const server = fork(FILE, ['serve-exchange-bench']);
  const addresses = (await messageOf(server)) as Addresses;
  const figures: Record<string, LinkFigures> = {};
  try {
    for (const roundTripMs of ROUND_TRIPS) {
      if (roundTripMs === 0) {
        figures['loopback'] = await measureLink(addresses, server);
        continue;
      }
      const args = ['relay-exchange-bench', JSON.stringify(addresses), String(roundTripMs)];
      const relay = fork(FILE, args);
      figures[`${roundTripMs} ms`] = await measureLink(
        (await messageOf(relay)) as Addresses,
        server,
      );
      relay.kill();
    }
  } finally {
    server.kill();
  }
  return figures;
}

async function messageOf(child: ChildProcess): Promise<unknown> {
  const failed = once(child, 'exit').then(() => {
    throw new TesseraError('INTERNAL', 'a process of the exchange bench did not start');
  });
  failed.catch(() => {});
  const [message] = await Promise.race([once(child, 'message'), failed]);
  return message;
}

/** One vector up, and one down. */
interface Mover {
  push(): Promise<unknown>;
  pull(): Promise<unknown>;
  close(): void;
}

async function measureLink(addresses: Addresses, server: ChildProcess): Promise<LinkFigures> {
  const vector = new Float32Array(NUM_PARAMETERS).fill(0.5);
  const movers = {
    bulk: exchangeMover(addresses.bulk, bulkCalls, vector),
    bf16: exchangeMover(addresses.bf16, bulkCalls, vector, 'bf16'),
    library: exchangeMover(addresses.library, naiveBulkCalls, vector),
    tcp: await tcpMover(addresses.tcp, vector),
  };
  const rates = forEachWay(() => ({ push: [] as number[], pull: [] as number[] }));
  const delays: number[] = [];
  const late = monitorEventLoopDelay({ resolution: 1 });
  for (let round = 0; round <= ROUNDS; round += 1) {
    for (const direction of ['push', 'pull'] as const) {
      for (const way of WAYS) {
        if (way === 'bulk') await startWatch(late, server);
        const rate = await rateOf(() => movers[way][direction]());
        if (way === 'bulk') delays.push(await watched(late, server));
        // The first round warms up.
        if (round > 0) rates[way][direction].push(rate);
      }
    }
  }
  for (const way of WAYS) movers[way].close();
  const over = (way: Way, direction: 'push' | 'pull', ours: Way = 'bulk') => {
    const ratios = ratiosOf(rates[ours][direction], rates[way][direction]);
    return `${median(ratios).toFixed(2)} (${rangeOf(ratios)})`;
  };
  return {
    pushMBps: median(rates.bulk.push),
    pullMBps: median(rates.bulk.pull),
    pushOverLibrary: over('library', 'push'),
    pullOverLibrary: over('library', 'pull'),
    pushOverTcp: over('tcp', 'push'),
    pullOverTcp: over('tcp', 'pull'),
    bf16PushOverF32: over('bulk', 'push', 'bf16'),
    bf16PullOverF32: over('bulk', 'pull', 'bf16'),
    delaysMs: `${median(delays).toFixed(1)} (${rangeOf(delays)})`,
  };
}

function forEachWay<T>(make: () => T): Record<Way, T> {
  return { bulk: make(), bf16: make(), library: make(), tcp: make() };
}

type Late = ReturnType<typeof monitorEventLoopDelay>;

/** Forgets the delays so far, at both ends. */
async function startWatch(late: Late, server: ChildProcess): Promise<void> {
  server.send('delay');
  await once(server, 'message');
  late.enable();
  late.reset();
}

/** The longest delay at either end since then. Units  milliseconds. */
async function watched(late: Late, server: ChildProcess): Promise<number> {
  const here = late.max / 1e6;
  late.disable();
  server.send('delay');
  const [there] = await once(server, 'message');
  return Math.max(here, Number(there));
}

async function rateOf(move: () => Promise<unknown>): Promise<number> {
  const startedMs = performance.now();
  await move();
  return BYTES / 1e3 / (performance.now() - startedMs);
}

function exchangeMover(
  address: string,
  connectTo: typeof bulkCalls | typeof naiveBulkCalls,
  vector: Float32Array,
  valueType: ValueType = 'f32',
): Mover {
  const { signal } = new AbortController();
  const settings = { session: SESSION, limits: LIMITS, signal };
  const exchange: Exchange = new GrpcExchange(connectTo(address, { limits: LIMITS }), settings);
  return {
    push: () =>
      exchange.pushNode({ ...NODE, gradientType: valueType }, { gradient: vector, features: [] }),
    pull: () => exchange.pull({ version: 0, first: 0, valueType }, vector),
    close: () => exchange.close(),
  };
}

async function tcpMover(address: string, vector: Float32Array): Promise<Mover> {
  const [host = '', port] = address.split(':');
  const socket: Socket = connect(Number(port), host);
  await once(socket, 'connect');
  const arrived = (count: number) =>
    new Promise<void>((resolve) => {
      let missing = count;
      const take = (bytes: Buffer) => {
        missing -= bytes.length;
        if (missing > 0) return;
        socket.off('data', take);
        resolve();
      };
      socket.on('data', take);
    });
  return {
    async push() {
      const replied = arrived(1);
      socket.write(Uint8Array.of(UP));
      await writeAll(socket, bytesOf(vector));
      await replied;
    },
    async pull() {
      const all = arrived(BYTES);
      socket.write(Uint8Array.of(UP + 1));
      await all;
    },
    close: () => socket.destroy(),
  };
}
