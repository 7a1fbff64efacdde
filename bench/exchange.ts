/**
 * @file What the exchange moves on loopback: gradients of ViT-Ti/16 up and its parameters down.
 *
 * The coordinator's service runs in a process of its own (this file, forked), as it does in a run.
 */

import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { CoordinatorPort } from '../coordinator/service/run-port.ts';
import { serveCoordinator } from '../coordinator/service/service.ts';
import { FeatureStore } from '../coordinator/step/features.ts';
import type { NodeHeader, WelcomeInfo } from '../shared/contract/messages.ts';
import { TesseraError } from '../shared/core/errors.ts';
import { forEachSplit } from '../shared/core/work.ts';
import { grpcExchanges } from '../shared/exchange/grpc/exchange.ts';
import { createLog } from '../shared/machine/log.ts';
import { median } from './median.ts';

/** What was measured. Units  megabytes (10^6) per second of payload, median over the rounds. */
export interface ExchangeFigures {
  readonly pushMBps: number;
  readonly pullMBps: number;
}

/** Parameters of ViT-Ti/16 at 224 px with 1000 classes: 23 MB. */
const NUM_PARAMETERS = 5_717_416;
const WARMUP_ROUNDS = 3;
const ROUNDS = 15;
const SESSION = 'bench';
const SERVE_ARGUMENT = 'serve-exchange-bench';
const LIMITS = {
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

const NODE: NodeHeader = {
  ...{ kind: 'train', step: 0, version: 0, first: 0, count: 1 },
  ...{ lossSum: 0, correct: 0, samples: 1, badSamples: [], gradientType: 'f32' },
  timings: { pullMs: 0, fetchMs: 0, computeMs: 0, pushMs: 0, idleMs: 0 },
};

/** Measures pushing and pulling one float32 vector of ViT-Ti/16 between two processes on loopback. */
export async function benchExchange(): Promise<ExchangeFigures> {
  const server = fork(fileURLToPath(import.meta.url), [SERVE_ARGUMENT]);
  try {
    const open = grpcExchanges(await addressOf(server), {});
    const { signal } = new AbortController();
    const exchange = open({ session: SESSION, limits: LIMITS, signal });
    const vector = new Float32Array(NUM_PARAMETERS).fill(0.5);
    const pushMBps = await measure(() =>
      exchange.pushNode(NODE, { gradient: vector, features: [] }),
    );
    const pullMBps = await measure(() => exchange.pull({ version: 0, first: 0 }, vector));
    exchange.close();
    return { pushMBps, pullMBps };
  } finally {
    server.kill();
  }
}

async function addressOf(server: ChildProcess): Promise<string> {
  const failed = once(server, 'exit').then(() => {
    throw new TesseraError('INTERNAL', 'the server of the exchange bench did not start');
  });
  const [address] = await Promise.race([once(server, 'message'), failed]);
  failed.catch(() => {});
  return String(address);
}

async function measure(move: () => Promise<unknown>): Promise<number> {
  const rounds: number[] = [];
  for (let round = 0; round < WARMUP_ROUNDS + ROUNDS; round += 1) {
    const startedMs = performance.now();
    await move();
    const seconds = (performance.now() - startedMs) / 1000;
    rounds.push((NUM_PARAMETERS * Float32Array.BYTES_PER_ELEMENT) / 1e6 / seconds);
  }
  return median(rounds.slice(WARMUP_ROUNDS));
}

/** A coordinator that wants every node and serves one vector. */
function benchPort(): CoordinatorPort {
  const vector = new Float32Array(NUM_PARAMETERS).fill(0.25);
  const notMeasured = (): never => {
    throw new TesseraError('INTERNAL', 'the exchange bench only pushes and pulls');
  };
  const read = { label: notMeasured, bytes: notMeasured, read: notMeasured };
  const source = { size: forEachSplit(() => 0), ...read };
  return {
    gradientLength: vector.length,
    gradientType: 'f32',
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
    takeGradient: () => new Float32Array(vector.length),
    giveBack: () => {},
    nodeArrived: () => 'accepted',
    parameters: () => vector,
    status: notMeasured,
    stopRun: notMeasured,
  };
}

async function serve(): Promise<void> {
  const log = createLog({ component: 'bench', level: 'off' });
  const options = { listen: '127.0.0.1:0', limits: LIMITS };
  const { address } = await serveCoordinator(benchPort(), log, options);
  process.send?.(address);
  process.once('disconnect', () => process.exit());
}

if (process.argv[2] === SERVE_ARGUMENT) await serve();
