/** @file The coordinator's side of the exchange bench, a process of its own: the product, gRPC's library, and bare TCP. */
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { openReducers, type Reducers } from '../../coordinator/reducers/reducers.ts';
import { RunExchange } from '../../coordinator/service/exchange-host.ts';
import type { CoordinatorPort } from '../../coordinator/service/run-port.ts';
import { serveCoordinator } from '../../coordinator/service/service.ts';
import { FeatureStore } from '../../coordinator/step/features.ts';
import { RoundedParameters } from '../../coordinator/step/rounded.ts';
import { bytesOf } from '../../shared/contract/chunks.ts';
import type { SharedMemory, WelcomeInfo } from '../../shared/contract/messages.ts';
import { assert, TesseraError } from '../../shared/core/errors.ts';
import type { ValueType } from '../../shared/core/floats.ts';
import { forEachSplit } from '../../shared/core/work.ts';
import { takeBulk } from '../../shared/exchange/grpc/bulk/server.ts';
import { exchangeHandlers } from '../../shared/exchange/grpc/exchange-handlers.ts';
import { startLanes } from '../../shared/exchange/grpc/lanes/lane-host.ts';
import { startServer } from '../../shared/exchange/grpc/server.ts';
import { MemoryHost } from '../../shared/exchange/memory/memory-host.ts';
import { letHeapsGrow } from '../../shared/machine/heap.ts';
import { createLog } from '../../shared/machine/log.ts';
import { startLink } from './link.ts';
import { naiveService } from './naive.ts';

/** ViT-B/16 at 224 px with 1000 classes: 346 MB of float32. */
export const NUM_PARAMETERS = 86_567_656;
export const SESSION = 'bench';
export const LIMITS = {
  messageBytes: 4 * 1024 * 1024,
  chunkBytes: 1024 * 1024,
  rpcMs: 60_000,
  connectionsMax: 64,
  streamsMax: 64,
  pushesMax: 4,
  pullsMax: 4,
  joinsPerMinute: 600,
  sampleBytes: 0,
  executableBytes: 1,
  executablesBytes: 1,
};

/**
 * How a vector is moved: by the product on one connection, on lanes, through memory, or in a run that exchanges bfloat16;
 * by gRPC's library in processes whose heaps may grow, and in plain ones; by bare TCP.
 */
export type Way = 'single' | 'lanes' | 'memory' | 'bf16' | 'library' | 'plain' | 'tcp';
/** Where they are served. */
export interface Addresses {
  readonly ways: Readonly<Record<Exclude<Way, 'lanes' | 'plain'>, string>>;
  readonly lanes: readonly string[];
  /** Not over a link. */
  readonly memory: SharedMemory | undefined;
}

/** Bytes of one write to bare TCP. */
const WRITE_BYTES = 1024 * 1024;
/** The first byte on a bare connection. */
export const UP = 1;
const numBytes = NUM_PARAMETERS * Float32Array.BYTES_PER_ELEMENT;

/** Writes a vector, a window at a time. */
export async function writeAll(socket: Socket, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.byteLength; at += WRITE_BYTES) {
    if (!socket.write(bytes.subarray(at, at + WRITE_BYTES))) await once(socket, 'drain');
  }
}

/** A coordinator that wants every node and serves one vector. */
function benchPort(
  vector: Float32Array,
  gradientType: ValueType,
  reducers: Reducers,
): CoordinatorPort {
  const { vectors } = reducers;
  const rounded = new RoundedParameters(reducers);
  const notMeasured = (): never => {
    throw new TesseraError('INTERNAL', 'the exchange bench only pushes and pulls');
  };
  const read = { label: notMeasured, bytes: notMeasured, read: notMeasured };
  const source = { size: forEachSplit(() => 0), ...read };
  return {
    gradientLength: vector.length,
    gradientType,
    data: { source, features: new FeatureStore(1, 0) },
    executables: { find: notMeasured, begin: notMeasured, release: notMeasured },
    transferring: () => {},
    join: (): WelcomeInfo => notMeasured(),
    ready: notMeasured,
    heartbeat: notMeasured,
    leave: notMeasured,
    sessionClosed: notMeasured,
    workerOf: () => SESSION,
    judge: () => 'accepted',
    takeGradient: () => vectors.float32(vector.length),
    giveBack: (gradient) => vectors.release(gradient),
    nodeArrived: (_worker, _node, gradient) => {
      if (gradient !== undefined) vectors.release(gradient);
      return 'accepted';
    },
    versionToCome: async () => {},
    parameters: () => vector,
    rounded: (version) => rounded.of(version, vector),
    status: notMeasured,
    stopRun: notMeasured,
  };
}

/** Bare TCP: a vector up and a byte back, or a vector down. */
async function serveTcp(vector: Float32Array): Promise<string> {
  const server = createServer((socket) => {
    let [missing, isUp] = [0, false];
    socket.on('error', () => {});
    socket.on('data', (bytes) => {
      if (missing === 0) {
        isUp = bytes[0] === UP;
        missing = isUp ? numBytes + 1 : 0;
        if (!isUp) void writeAll(socket, bytesOf(vector));
      }
      if (!isUp) return;
      missing -= bytes.length;
      if (missing === 0) socket.write('.');
    });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function serve(): Promise<void> {
  letHeapsGrow();
  const reducers = openReducers('auto', NUM_PARAMETERS);
  const vector = reducers.vectors.float32(NUM_PARAMETERS).fill(0.25);
  const port = benchPort(vector, 'f32', reducers);
  const bf16Port = benchPort(vector, 'bf16', reducers);
  const log = createLog({ component: 'bench', level: 'off' });
  const listen = '127.0.0.1:0';
  const report = () => {};
  const host = new RunExchange(port, LIMITS);
  assert(reducers.lanes !== undefined, 'a vector of this size has threads');
  const lanes = await startLanes(reducers.lanes, host, {
    ...{ count: reducers.threads, firstPort: 0, security: undefined },
    ...{ listen, limits: LIMITS, report },
  });
  const single = await serveCoordinator(port, log, { listen, limits: LIMITS });
  const bf16 = await serveCoordinator(bf16Port, log, { listen, limits: LIMITS });
  const memory = new MemoryHost(numBytes, () => true);
  const shared = exchangeHandlers(host, LIMITS.chunkBytes, memory);
  const takeStream = takeBulk(shared, { ...LIMITS, report, streamMs: LIMITS.rpcMs });
  const throughMemory = await startServer(listen, [], { limits: LIMITS, report, takeStream });
  const handlers = exchangeHandlers(host, LIMITS.chunkBytes);
  const library = await startServer(listen, [naiveService(handlers)], { limits: LIMITS, report });
  const addresses: Addresses = {
    ways: {
      single: single.address,
      bf16: bf16.address,
      memory: throughMemory.address,
      library: library.address,
      tcp: await serveTcp(vector),
    },
    lanes: lanes.ports.map((lane) => `127.0.0.1:${lane}`),
    memory: memory.offer(SESSION, 'here'),
  };
  const late = monitorEventLoopDelay({ resolution: 1 });
  late.enable();
  process.on('message', (text) => {
    if (text !== 'delay') letHeapsGrow(text === 'plain' ? 0 : undefined);
    process.send?.(late.max / 1e6);
    late.reset();
  });
  process.once('disconnect', () => process.exit());
  process.send?.(addresses);
}

/** Relays to each address with a round trip. */
async function relay({ ways, lanes }: Addresses, roundTripMs: number): Promise<void> {
  const links = Object.entries(ways).map(async ([way, to]) => [
    way,
    await startLink(to, roundTripMs),
  ]);
  const relayed: Addresses = {
    ways: Object.fromEntries(await Promise.all(links)),
    lanes: await Promise.all(lanes.map((to) => startLink(to, roundTripMs))),
    memory: undefined,
  };
  process.once('disconnect', () => process.exit());
  process.send?.(relayed);
}

const [, , role, text, roundTrip] = process.argv;
if (role === 'serve-exchange-bench') await serve();
if (role === 'relay-exchange-bench') await relay(JSON.parse(text ?? ''), Number(roundTrip));
