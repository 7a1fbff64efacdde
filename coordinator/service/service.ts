/**
 * @file The coordinator's gRPC services over its port: decode, ask, encode. Decides nothing.
 *
 * Bulk that nobody wants is refused after its header, before it travels.
 */

import { resolve } from 'node:path';
import { bytesOf, ChunkAssembler, cutChunks } from '../../shared/contract/chunks.ts';
import { decodeReason, decodeWatcher, encodeStatus } from '../../shared/contract/control-codec.ts';
import {
  decodeFetch,
  decodeNode,
  decodeSession,
  encodeOutcome,
  encodeSample,
} from '../../shared/contract/exchange-codec.ts';
import { decodeFeatures, encodeFeatures } from '../../shared/contract/feature-rows.ts';
import type { Chunk, Chunk__Output } from '../../shared/contract/generated/tessera/v1/Chunk.ts';
import type { ControlHandlers } from '../../shared/contract/generated/tessera/v1/Control.ts';
import type { CoordinatorMessage } from '../../shared/contract/generated/tessera/v1/CoordinatorMessage.ts';
import type { ExchangeHandlers } from '../../shared/contract/generated/tessera/v1/Exchange.ts';
import type {
  FeatureRows,
  FeatureRows__Output,
} from '../../shared/contract/generated/tessera/v1/FeatureRows.ts';
import type { FetchRequest__Output } from '../../shared/contract/generated/tessera/v1/FetchRequest.ts';
import type { NodeChunk__Output } from '../../shared/contract/generated/tessera/v1/NodeChunk.ts';
import type { PullRequest__Output } from '../../shared/contract/generated/tessera/v1/PullRequest.ts';
import type { PushReply } from '../../shared/contract/generated/tessera/v1/PushReply.ts';
import type { SampleChunk } from '../../shared/contract/generated/tessera/v1/SampleChunk.ts';
import type { StatusRequest__Output } from '../../shared/contract/generated/tessera/v1/StatusRequest.ts';
import type { StopRequest__Output } from '../../shared/contract/generated/tessera/v1/StopRequest.ts';
import type { NodeHeader, WelcomeInfo } from '../../shared/contract/messages.ts';
import { wireInteger, wirePresent } from '../../shared/contract/validate.ts';
import { type Clock, systemClock } from '../../shared/core/clock.ts';
import { TesseraError } from '../../shared/core/errors.ts';
import { forEachSplit, type Split, splitOf } from '../../shared/core/work.ts';
import type { ServerSecurity } from '../../shared/exchange/grpc/credentials.ts';
import { type DuplexPeer, HandlerFactory } from '../../shared/exchange/grpc/handlers.ts';
import { services } from '../../shared/exchange/grpc/protos.ts';
import {
  type RpcServer,
  type ServerLimits,
  startServer,
} from '../../shared/exchange/grpc/server.ts';
import type { Logger } from '../../shared/machine/log.ts';
import { JoinGate } from '../workers/join-rate-limit.ts';
import { NONE_REFUSED, RefusalLog, type RefusedJoins } from '../workers/refusal-log.ts';
import type { CoordinatorPort } from './run-port.ts';
import { SampleReads } from './sample-reads.ts';
import { listenToWorker } from './session-stream.ts';
import { Transfers } from './transfer-limit.ts';

/** What the calls of one coordinator may use. */
export interface CallLimits {
  /** Payload of one chunk. */
  readonly chunkBytes: number;
  /** Nodes that one worker may be pushing at a time, each with a gradient's memory. */
  readonly pushesMax: number;
  /** Pulls of parameters that one worker may have under way. */
  readonly pullsMax: number;
  /** Of samples on their way to one worker. */
  readonly sampleBytes: number;
  /** Joins from one address. */
  readonly joinsPerMinute: number;
}

/** What a coordinator's server is started with. */
export interface ServiceSettings {
  /** HOST:PORT, port 0 for any. */
  readonly listen: string;
  readonly limits: CallLimits & ServerLimits & { readonly rpcMs: number };
  /** Undefined for plaintext, open to whoever reaches the port. */
  readonly security?: ServerSecurity | undefined;
}

/** The calls of both services as plain functions over a coordinator's port. */
export function coordinatorCalls(
  port: CoordinatorPort,
  limits: CallLimits,
  clock: Clock,
  refusedJoins: () => RefusedJoins = () => NONE_REFUSED,
) {
  const bulk = new BulkService(port, limits);
  const gate = new JoinGate(limits.joinsPerMinute, clock);
  return {
    session: (peer: DuplexPeer<CoordinatorMessage>) =>
      listenToWorker({ port, peer, clock, gate, onWelcome: (info) => bulk.learnSizes(info) }),
    status: ({ watcher }: StatusRequest__Output) => ({
      ...encodeStatus(fromAnywhere(port.status(decodeWatcher(watcher)))),
      ...refusedJoins(),
    }),
    stopRun: ({ reason }: StopRequest__Output, { peer }: { readonly peer: string }) =>
      fromAnywhere(port.stopRun(decodeReason(reason), peer)),
    pushNode: (messages: AsyncIterable<NodeChunk__Output>) => bulk.pushNode(messages),
    pullParameters: (request: PullRequest__Output) => bulk.pullParameters(request),
    fetchSamples: (request: FetchRequest__Output) => bulk.fetchSamples(request),
    fetchFeatures: (request: FetchRequest__Output) => bulk.fetchFeatures(request),
  };
}

/** Who asks may be in another folder, and compare with one of its own. */
function fromAnywhere<T extends { readonly runFolder: string }>(answer: T): T {
  return { ...answer, runFolder: resolve(answer.runFolder) };
}

/**
 * Serves a coordinator.
 *
 * Throws  PORT_IN_USE, CONFIG_INVALID or USAGE when it cannot listen there.
 */
export async function serveCoordinator(
  port: CoordinatorPort,
  log: Logger,
  { listen, limits, security }: ServiceSettings,
): Promise<RpcServer> {
  const refusals = new RefusalLog(log, systemClock);
  const { report } = refusals;
  const factory = new HandlerFactory(report, limits.rpcMs);
  const calls = coordinatorCalls(port, limits, systemClock, () => refusals.joins);
  const control: ControlHandlers = {
    Session: factory.duplex(calls.session),
    GetStatus: factory.unary(calls.status),
    StopRun: factory.unary(calls.stopRun),
  };
  const exchange: ExchangeHandlers = {
    PushNode: factory.clientStream(calls.pushNode),
    PullParameters: factory.serverStream(calls.pullParameters),
    FetchSamples: factory.serverStream(calls.fetchSamples),
    FetchFeatures: factory.serverStream(calls.fetchFeatures),
  };
  return startServer(
    listen,
    [
      { definition: services.Control.service, handlers: control },
      { definition: services.Exchange.service, handlers: exchange },
    ],
    { limits, security, report },
  );
}

/** The bulk calls of all workers. */
class BulkService {
  readonly #port: CoordinatorPort;
  readonly #limits: CallLimits;
  readonly #samples: SampleReads;
  readonly #pushes: Transfers;
  readonly #pulls: Transfers;
  /** Samples of the run's data set; nobody holds a session before the first welcome has told them. */
  #splitSizes: Readonly<Record<Split, number>> = forEachSplit(() => 0);

  constructor(port: CoordinatorPort, limits: CallLimits) {
    this.#port = port;
    this.#limits = limits;
    this.#samples = new SampleReads(port, limits.sampleBytes);
    const tell: CoordinatorPort['transferring'] = (...news) => port.transferring(...news);
    this.#pushes = new Transfers('pushes', limits.pushesMax, tell);
    this.#pulls = new Transfers('pulls', limits.pullsMax, tell);
  }

  learnSizes({ trainSamples, validationSamples, testSamples }: WelcomeInfo): void {
    this.#splitSizes = { train: trainSamples, validation: validationSamples, test: testSamples };
  }

  async pushNode(messages: AsyncIterable<NodeChunk__Output>): Promise<PushReply> {
    const port = this.#port;
    let push: { readonly worker: string; readonly header: NodeHeader } | undefined;
    let gradient: ChunkAssembler | undefined;
    let endPush = () => {};
    try {
      for await (const { node, chunk, features } of messages) {
        if (push === undefined) {
          const wire = wirePresent(node, 'first message of a push');
          const worker = port.workerOf(decodeSession(wire.session));
          const header = decodeNode(wire, this.#splitSizes);
          const outcome = port.wanted(worker, header);
          if (outcome !== 'accepted') return encodeOutcome(outcome);
          endPush = this.#pushes.begin(worker);
          push = { worker, header };
          gradient = this.#gradientFor(header);
        } else if (node !== null) {
          throw new TesseraError('MESSAGE_INVALID', 'push: a second node in one call');
        }
        if (features !== null) this.#addFeatures(push.header, features);
        if (chunk !== null) addChunk(gradient, chunk);
      }
      const { worker, header } = wirePresent(push, 'first message of a push');
      return encodeOutcome(await port.nodeArrived(worker, header, gradient?.finish()));
    } finally {
      endPush();
    }
  }

  async *pullParameters(request: PullRequest__Output): AsyncGenerator<Chunk> {
    const port = this.#port;
    const worker = port.workerOf(decodeSession(request.session));
    const version = wireInteger(request.version, 'pull.version');
    const parameters = port.parameters(version, request.average);
    const first = wireInteger(request.first, 'pull.first', { max: parameters.length });
    const endPull = this.#pulls.begin(worker);
    try {
      for (const chunk of cutChunks(bytesOf(parameters.subarray(first)), this.#limits.chunkBytes)) {
        yield chunk;
        // Later chunks are cut later: the version must still be there.
        port.parameters(version, request.average);
      }
    } finally {
      endPull();
    }
  }

  async *fetchSamples(request: FetchRequest__Output): AsyncGenerator<SampleChunk> {
    const worker = this.#port.workerOf(decodeSession(request.session));
    const { split, indices } = decodeFetch(request, this.#splitSizes);
    for await (const sample of this.#samples.read(worker, split, indices)) {
      yield* encodeSample(sample, this.#limits.chunkBytes);
    }
  }

  async *fetchFeatures(request: FetchRequest__Output): AsyncGenerator<FeatureRows> {
    const port = this.#port;
    port.workerOf(decodeSession(request.session));
    const { split, indices } = decodeFetch(request, this.#splitSizes);
    const rows = indices.flatMap((index) => port.features(split, index) ?? []);
    yield* encodeFeatures(rows, this.#limits.chunkBytes);
  }

  #addFeatures({ kind }: NodeHeader, message: FeatureRows__Output): void {
    const split = splitOf(kind);
    const shape = { width: this.#port.featureWidth, numSamples: this.#splitSizes[split] };
    this.#port.featuresArrived(split, decodeFeatures(message, shape));
  }

  #gradientFor(header: NodeHeader): ChunkAssembler | undefined {
    if (header.kind !== 'train') return undefined;
    const values = new Float32Array(this.#port.gradientBytes / Float32Array.BYTES_PER_ELEMENT);
    const what = `gradient of step ${header.step}, leaves ${header.first}+${header.count}`;
    return new ChunkAssembler(values, what);
  }
}

function addChunk(gradient: ChunkAssembler | undefined, chunk: Chunk__Output): void {
  if (gradient === undefined) {
    throw new TesseraError('MESSAGE_INVALID', 'push: an evaluation has no gradient');
  }
  gradient.add(chunk);
}
