/** @file The coordinator's gRPC services over its port: decode, ask, encode. Decides nothing. */
import { resolve } from 'node:path';
import { decodeReason, decodeWatcher, encodeStatus } from '../../shared/contract/control-codec.ts';
import type { ControlHandlers } from '../../shared/contract/generated/tessera/v1/Control.ts';
import type { CoordinatorMessage } from '../../shared/contract/generated/tessera/v1/CoordinatorMessage.ts';
import type { StatusRequest__Output } from '../../shared/contract/generated/tessera/v1/StatusRequest.ts';
import type { StopRequest__Output } from '../../shared/contract/generated/tessera/v1/StopRequest.ts';
import { type Clock, systemClock } from '../../shared/core/clock.ts';
import { TesseraError } from '../../shared/core/errors.ts';
import { METHODS } from '../../shared/exchange/grpc/bulk/methods.ts';
import { type BulkHandlers, download, takeBulk } from '../../shared/exchange/grpc/bulk/server.ts';
import type { ServerSecurity } from '../../shared/exchange/grpc/credentials.ts';
import { exchangeHandlers } from '../../shared/exchange/grpc/exchange-handlers.ts';
import {
  type CallContext,
  type CallReporter,
  type DuplexPeer,
  HandlerFactory,
} from '../../shared/exchange/grpc/handlers.ts';
import {
  type LaneSettings,
  type Lanes,
  type LaneThreads,
  startLanes,
} from '../../shared/exchange/grpc/lanes/lane-host.ts';
import { services } from '../../shared/exchange/grpc/protos.ts';
import {
  type RpcServer,
  type ServerLimits,
  startServer,
} from '../../shared/exchange/grpc/server.ts';
import { MemoryHost } from '../../shared/exchange/memory/memory-host.ts';
import type { Logger } from '../../shared/machine/log.ts';
import { isOwnPeer } from '../../shared/machine/socket-owner.ts';
import { JoinGate } from '../workers/join-rate-limit.ts';
import { NONE_REFUSED, RefusalLog, type RefusedJoins } from '../workers/refusal-log.ts';
import { RunExchange, type TransferLimits } from './exchange-host.ts';
import { Probes } from './probes.ts';
import type { CoordinatorPort } from './run-port.ts';
import { listenToWorker } from './session-stream.ts';

const NOT_SHARED =
  'without TLS, executables are shared only by processes of one account on one machine';

/** What the calls of one coordinator may use. */
export interface CallLimits extends TransferLimits {
  /** Payload of one chunk. */
  readonly chunkBytes: number;
  /** Joins from one address. */
  readonly joinsPerMinute: number;
}

/** What a coordinator's server is started with. */
export interface ServiceSettings {
  /** HOST:PORT, port 0 for any. */
  readonly listen: string;
  readonly limits: CallLimits & ServerLimits & { readonly rpcMs: number };
  /** Undefined for plaintext, open to every caller that reaches the port. */
  readonly security?: ServerSecurity | undefined;
  /** Whether workers on this machine exchange large vectors through memory. */
  readonly sharedMemory?: boolean;
  /** Lanes beside the port, where there are threads for them. */
  readonly lanes?: Pick<LaneSettings, 'count' | 'firstPort'> & {
    readonly threads: LaneThreads | undefined;
  };
}

/** What calls have beside a coordinator's port. */
interface CallParts {
  readonly refusedJoins?: () => RefusedJoins;
  readonly memory?: MemoryHost | undefined;
  readonly exchange?: RunExchange;
  /** Ports of the lanes. */
  readonly lanes?: readonly number[];
}

/** The calls of both services as plain functions over a coordinator's port. */
export function coordinatorCalls(
  port: CoordinatorPort,
  limits: CallLimits,
  clock: Clock,
  {
    refusedJoins = () => NONE_REFUSED,
    memory,
    exchange = new RunExchange(port, limits),
    lanes = [],
  }: CallParts = {},
) {
  const gate = new JoinGate(limits.joinsPerMinute, clock);
  return {
    session: (peer: DuplexPeer<CoordinatorMessage>) =>
      listenToWorker({ port, peer, clock, gate, memory, lanes }),
    status: ({ watcher }: StatusRequest__Output) => ({
      ...encodeStatus(fromAnywhere(port.status(decodeWatcher(watcher)))),
      ...refusedJoins(),
    }),
    stopRun: ({ reason }: StopRequest__Output, { peer }: { readonly peer: string }) =>
      fromAnywhere(port.stopRun(decodeReason(reason), peer)),
    ...exchangeHandlers(exchange, limits.chunkBytes, memory),
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
  settings: ServiceSettings,
): Promise<RpcServer> {
  const { listen, limits, security, sharedMemory = false } = settings;
  const refusals = new RefusalLog(log, systemClock);
  const { report } = refusals;
  const factory = new HandlerFactory(report);
  let ownPort = 0;
  // Each worker of this machine and account; values are float32.
  const memory = sharedMemory
    ? new MemoryHost(4 * port.gradientLength, (peer) => isOwnPeer(peer, ownPort))
    : undefined;
  const refusedJoins = () => refusals.joins;
  const exchange = new RunExchange(port, limits);
  const lanes = await openLanes(exchange, report, settings);
  const parts = { refusedJoins, memory, exchange, lanes: lanes.ports };
  const calls = coordinatorCalls(port, limits, systemClock, parts);
  // Executables are code that other workers run: in plaintext they come from the account that runs the coordinator.
  const refuseOthers = ({ peer }: CallContext) => {
    if (security !== undefined || isOwnPeer(peer, ownPort)) return;
    throw new TesseraError('ACCESS_DENIED', NOT_SHARED, { hint: 'use --certs' });
  };
  const control: ControlHandlers = {
    Session: factory.duplex(calls.session),
    GetStatus: factory.unary(calls.status),
    StopRun: factory.unary(calls.stopRun),
  };
  const bulk: BulkHandlers = {
    ...calls,
    fetchExecutable: (request, context) => {
      refuseOthers(context);
      return calls.fetchExecutable(request);
    },
    pushExecutable: async (messages, context) => {
      refuseOthers(context);
      return await calls.pushExecutable(messages);
    },
  };
  const { messageBytes, rpcMs: streamMs } = limits;
  const bulkService = { report, messageBytes, streamMs };
  const probes = new Probes(systemClock);
  const takeStream = takeBulk(bulk, bulkService, [
    download(bulkService, METHODS.probe, (request, context) => probes.answer(request, context)),
  ]);
  const server = await startServer(
    listen,
    [{ definition: services.Control.service, handlers: control }],
    { limits, security, report, takeStream },
  ).catch(async (error: unknown) => {
    await lanes.stop(0);
    throw error;
  });
  ownPort = server.port;
  if (lanes.ports.length > 0) log.info({ ports: lanes.ports }, 'large vectors travel on lanes');
  return {
    ...server,
    async stop(graceMs) {
      await Promise.all([server.stop(graceMs), lanes.stop(graceMs)]);
      memory?.close();
    },
  };
}

/** Lanes for a run, where it has any. */
async function openLanes(
  exchange: RunExchange,
  report: CallReporter,
  { lanes, listen, limits, security }: ServiceSettings,
): Promise<Lanes> {
  if (lanes?.threads === undefined || lanes.count === 0) return { ports: [], stop: async () => {} };
  const { threads, ...ports } = lanes;
  return await startLanes(threads, exchange, { ...ports, listen, limits, security, report });
}
