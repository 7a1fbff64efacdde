/** @file A coordinator's service on loopback over a port that remembers what it was told. */

import { setTimeout as sleep } from 'node:timers/promises';
import { ExecutableKeeper } from '../../coordinator/executables/keeper.ts';
import type { CoordinatorPort } from '../../coordinator/service/run-port.ts';
import { serveCoordinator } from '../../coordinator/service/service.ts';
import { FeatureStore } from '../../coordinator/step/features.ts';
import type { SessionHandle } from '../../coordinator/workers/sessions.ts';
import {
  type ArrivedNode,
  type JoinRequest,
  type NodeHeader,
  PROTOCOL_VERSION,
  type PushOutcome,
  type WelcomeInfo,
} from '../../shared/contract/messages.ts';
import type { RunStatus } from '../../shared/contract/status.ts';
import { systemClock } from '../../shared/core/clock.ts';
import { TesseraError } from '../../shared/core/errors.ts';
import type { ValueType } from '../../shared/core/floats.ts';
import { forEachSplit } from '../../shared/core/work.ts';
import type { EncodedSample, Split } from '../../shared/data/source.ts';
import type { SessionListener, WorkerSession } from '../../shared/exchange/control-line.ts';
import type { Exchange, ExchangeLimits } from '../../shared/exchange/exchange.ts';
import { GrpcControlLine, grpcSessionCalls } from '../../shared/exchange/grpc/control-line.ts';
import { grpcExchanges } from '../../shared/exchange/grpc/lanes/open.ts';
import type { RpcServer } from '../../shared/exchange/grpc/server.ts';
import { toBfloat16 } from '../../shared/kernels/values.ts';
import { createLog } from '../../shared/machine/log.ts';
import { WorkerLink } from '../../worker/exchange/link.ts';
import { memoryDisk } from './memory-disk.ts';

export const LIMITS = {
  messageBytes: 4 * 1024 * 1024,
  chunkBytes: 1000,
  rpcMs: 20_000,
  connectionsMax: 100,
  streamsMax: 64,
  pushesMax: 4,
  pullsMax: 4,
  sampleBytes: 64 * 1024,
  executableBytes: 256 * 1024,
  executablesBytes: 512 * 1024,
  joinsPerMinute: 600,
};
const SAMPLES = 10;

export const JOIN: JoinRequest = {
  protocolVersion: PROTOCOL_VERSION,
  name: 'anna',
  instance: 'i-1',
  engine: 'tfjs-cpu',
  host: 'here',
  pid: 7,
  modelFingerprint: '',
};

export const NODE: NodeHeader = {
  kind: 'train',
  step: 12,
  version: 12,
  first: 4,
  count: 4,
  lossSum: 1.5,
  correct: 3,
  samples: 32,
  badSamples: [{ index: 2, reason: 'truncated' }],
  timings: { pullMs: 1, fetchMs: 2, computeMs: 3, pushMs: 4, idleMs: 5 },
  gradientType: 'f32',
};

/** A coordinator's port that keeps notes; its answers are fields to be set. */
export class NotingPort implements CoordinatorPort {
  gradientLength = 5000;
  gradientType: ValueType = 'f32';
  /** What its welcomes say of the config's limits. */
  limits: ExchangeLimits = LIMITS;
  readonly data = {
    source: {
      size: forEachSplit(() => SAMPLES),
      label: (_split: Split, index: number) => index + 1,
      bytes: (_split: Split, index: number) => Promise.resolve(index * 700),
      read: (split: Split, index: number) => this.sample(split, index),
    },
    features: new FeatureStore(3, 1024 ** 2),
  };
  /** Files of its run folder. */
  readonly files = new Map<string, Uint8Array<ArrayBuffer>>();
  executables = this.keeper();
  answer: PushOutcome = 'accepted';
  refusal: Error | undefined;
  version = 3;
  vector = Float32Array.from({ length: 5000 }, (_, index) => Math.sin(index));
  readonly calls: unknown[][] = [];
  /** Processes that are not connected any more. */
  readonly gone = new Set<string>();
  readonly nodes: { node: NodeHeader; gradient: Float32Array | undefined }[] = [];
  readonly handles = new Map<string, SessionHandle>();

  /** Keeps executables over the files that there are, as a coordinator does that starts. */
  keeper(): ExecutableKeeper {
    return new ExecutableKeeper({
      runFolder: '/run',
      limits: LIMITS,
      clock: systemClock,
      log: createLog({ component: 'test', level: 'off' }),
      disk: memoryDisk(this.files),
      processOf: (worker) => `process of ${worker}`,
      isHere: (process) => !this.gone.has(process),
    });
  }

  join(request: JoinRequest, handle: SessionHandle): WelcomeInfo {
    if (this.refusal !== undefined) throw this.refusal;
    this.calls.push(['join', request]);
    const session = `s-${this.handles.size + 1}`;
    this.handles.set(session, handle);
    return {
      worker: request.name,
      run: 'test',
      session,
      configJson: JSON.stringify({ limits: limitsIn(this.limits) }),
      modelFingerprint: 'f',
      classes: ['cat', 'dög'],
      trainSamples: SAMPLES,
      validationSamples: SAMPLES,
      testSamples: SAMPLES,
      heartbeatMs: 1000,
      silenceMs: 10_000,
      runId: 'r',
      dataJson: '',
    };
  }
  ready(...call: unknown[]): void {
    if (this.refusal !== undefined) throw this.refusal;
    this.calls.push(['ready', ...call]);
  }
  heartbeat(...call: unknown[]): void {
    this.calls.push(['heartbeat', ...call]);
  }
  leave(...call: unknown[]): void {
    this.calls.push(['leave', ...call]);
  }
  sessionClosed(session: string): void {
    this.calls.push(['sessionClosed', session]);
  }
  workerOf(session: string): string {
    if (this.handles.has(session)) return 'anna';
    throw new TesseraError('SESSION_UNKNOWN', 'no such session');
  }
  judge(_node: ArrivedNode): PushOutcome {
    return this.answer;
  }
  takeGradient(): Float32Array {
    return new Float32Array(this.gradientLength);
  }
  giveBack(): void {}
  nodeArrived(_worker: string, node: NodeHeader, gradient: Float32Array | undefined): PushOutcome {
    this.nodes.push({ node, gradient });
    return 'accepted';
  }
  transferring(): void {}
  async versionToCome(): Promise<void> {}
  parameters(version: number): Float32Array {
    if (version === this.version) return this.vector;
    throw new TesseraError('STEP_STALE', `version ${version} is gone`);
  }
  async rounded(version: number): Promise<Uint16Array | undefined> {
    if (version !== this.version) return undefined;
    const halves = new Uint16Array(this.vector.length);
    toBfloat16(halves, this.vector);
    return halves;
  }
  async sample(_split: Split, index: number): Promise<EncodedSample> {
    if (index === 7) throw new TesseraError('DATA_INVALID', 'train/ö.jpg is truncated');
    const raw = index % 2 === 0 ? { height: 1, width: index, channels: 1 } : undefined;
    return {
      index,
      label: index + 1,
      name: `s${index}`,
      raw,
      bytes: new Uint8Array(index * 700).fill(index),
    };
  }
  stopRun(reason: string) {
    this.calls.push(['stopRun', reason]);
    return { run: 'test', runFolder: '/runs/x', step: 5 };
  }
  status(): RunStatus {
    if (this.refusal !== undefined) throw this.refusal;
    const worker = { worker: 'anna', state: 'idle', engine: 'e', host: 'h', pid: 7 };
    const numbers = { step: 1, leavesDone: 2, imagesPerSecond: 3, ageSeconds: 4, silentSeconds: 5 };
    const devices = {
      deviceKind: 'H200',
      deviceCount: 8,
      deviceBytes: 2 ** 40,
      deviceBytesPeak: 2 ** 41,
    };
    const watched = {
      shares: { pull: 0.1, fetch: 0, compute: 0.8, push: 0.1, idle: 0 },
      ...{ paceRatio: 1, memoryBytes: 2 ** 40, held: [{ first: 2, count: 2 }], slow: '' },
    };
    return {
      ...{ run: 'test', phase: 'training', reason: '', step: 5, stepsTotal: 2 ** 40 },
      ...{ epoch: 1, epochsTotal: 2, loss: 0.5, trainAccuracy: 0.25, testAccuracy: Number.NaN },
      ...{ validationAccuracy: Number.NaN, validationLoss: Number.NaN },
      ...{ testLoss: Number.NaN, learningRate: 1e-3, gradientNorm: 1, imagesPerSecond: 10 },
      ...{ seconds: 1, etaSeconds: 2, parametersSha256: 'ab', parametersVersion: 4 },
      ...{
        runFolder: '/runs/x',
        workers: [{ ...worker, ...numbers, lastError: '', ...devices, ...watched }],
        tesseraVersion: '0',
      },
      ...{ waitingFor: '', disturbances: '', alarms: ['lossHigh: it is high'] },
      ...{ badSamples: 0, stall: '', code: '', delayMaxMs: 4.5, delayUsualMs: 0.5, reducers: 2 },
    };
  }

  /** Waits until `name` has been called `times` times. */
  async called(name: string, times = 1): Promise<unknown[][]> {
    const signal = AbortSignal.timeout(10_000);
    for (;;) {
      const calls = this.calls.filter(([called]) => called === name);
      if (calls.length >= times) return calls;
      await sleep(2, undefined, { signal });
    }
  }
}

/** The part of some limits that a worker takes from a config. */
function limitsIn(limits: ExchangeLimits): ExchangeLimits {
  const { messageBytes, chunkBytes, rpcMs, executableBytes } = limits;
  return { messageBytes, chunkBytes, rpcMs, executableBytes };
}

/** Starts a server and a link to it. */
export async function startLoopback(port: NotingPort, limits = LIMITS) {
  const log = createLog({ component: 'test', level: 'off' });
  port.limits = limits;
  const server: RpcServer = await serveCoordinator(port, log, { listen: '127.0.0.1:0', limits });
  return { server, link: linkTo(server.address) };
}

/** A worker's link in plaintext, or with credentials. */
export function linkTo(
  address: string,
  connection: Parameters<typeof grpcExchanges>[1] = {},
): WorkerLink {
  const control = new GrpcControlLine(grpcSessionCalls(address, connection));
  return new WorkerLink(control, grpcExchanges(address, connection));
}

/** A worker's end of an exchange with any session, in plaintext or with credentials. */
export function exchangeTo(
  address: string,
  session: string,
  connection: Parameters<typeof grpcExchanges>[1] = {},
): Exchange {
  const { signal } = new AbortController();
  return grpcExchanges(address, connection)({ session, limits: LIMITS, signal });
}

/** A session opened through a link, and everything it heard. */
export interface HeardSession {
  readonly stream: WorkerSession;
  readonly welcome: Promise<WelcomeInfo>;
  readonly closed: Promise<TesseraError | undefined>;
  readonly heard: unknown[];
}

/** Opens a session that writes down what it hears. */
export function openSession(link: WorkerLink, join: JoinRequest = JOIN): HeardSession {
  const heard: unknown[] = [];
  let onWelcome!: SessionListener['onWelcome'];
  let onClosed!: SessionListener['onClosed'];
  const welcome = new Promise<WelcomeInfo>((resolve) => {
    onWelcome = resolve;
  });
  const closed = new Promise<TesseraError | undefined>((resolve) => {
    onClosed = resolve;
  });
  const stream = link.openSession(join, {
    onWelcome,
    onClosed,
    onAssignment: (assignment) => heard.push(assignment),
    onAlive: (log) => heard.push(log === 0 ? 'alive' : `alive, log ${log}`),
    onFinish: (finish) => heard.push(finish),
  });
  return { stream, welcome, closed, heard };
}

/** Everything that comes, in its order. */
export async function allOf<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}
