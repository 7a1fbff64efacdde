/**
 * @file How a worker's messages travel: the calls of the contract, each as a promise or an async iterable.
 *
 * The seam below `worker/exchange/link.ts`: gRPC in the product, a faulty network in the simulator.
 */

import type { Chunk__Output } from '../../contract/generated/tessera/v1/Chunk.ts';
import type { CoordinatorMessage__Output } from '../../contract/generated/tessera/v1/CoordinatorMessage.ts';
import type { FeatureRows__Output } from '../../contract/generated/tessera/v1/FeatureRows.ts';
import type { FetchRequest } from '../../contract/generated/tessera/v1/FetchRequest.ts';
import type { NodeChunk } from '../../contract/generated/tessera/v1/NodeChunk.ts';
import type { PullRequest } from '../../contract/generated/tessera/v1/PullRequest.ts';
import type { PushReply__Output } from '../../contract/generated/tessera/v1/PushReply.ts';
import type { SampleChunk__Output } from '../../contract/generated/tessera/v1/SampleChunk.ts';
import type { WorkerMessage } from '../../contract/generated/tessera/v1/WorkerMessage.ts';
import type { TesseraError } from '../../core/errors.ts';
import {
  type CallSettings,
  callClientStream,
  callServerStream,
  type DuplexReader,
  type DuplexWriter,
  openDuplex,
} from './calls.ts';
import { type ConnectionSettings, connectControl, connectExchange } from './channel.ts';
import { clearerError, isUnclear } from './unclear.ts';

/** What a call is made with; who it goes to is the transport's to know. */
export type TransportCall = Omit<CallSettings, 'address'>;

/** A worker's way to one coordinator. */
export interface WorkerTransport {
  /** Opens a session stream over new connections; it must have its first reply within `firstReplyMs`. */
  openSession(
    firstReplyMs: number,
    reader: DuplexReader<CoordinatorMessage__Output>,
  ): DuplexWriter<WorkerMessage>;
  pushNode(call: TransportCall, messages: Iterable<NodeChunk>): Promise<PushReply__Output>;
  pullParameters(call: TransportCall, request: PullRequest): AsyncIterable<Chunk__Output>;
  fetchSamples(call: TransportCall, request: FetchRequest): AsyncIterable<SampleChunk__Output>;
  fetchFeatures(call: TransportCall, request: FetchRequest): AsyncIterable<FeatureRows__Output>;
  /** Closes the connections; what is under way ends by itself. */
  close(): void;
}

/**
 * Two gRPC connections to the coordinator at `address`, made with the first call and anew for each session.
 *
 * Throws  USAGE when `address` is no HOST:PORT; ACCESS_DENIED when it is abroad and would be spoken to in plaintext.
 */
export function grpcTransport(address: string, connection: ConnectionSettings): WorkerTransport {
  let control = connectControl(address, connection);
  let exchange = connectExchange(address, connection);
  const explained = closedWithCause(address, connection);
  const close = () => {
    control.close();
    exchange.close();
  };
  return {
    openSession(firstReplyMs, reader) {
      close();
      control = connectControl(address, connection);
      exchange = connectExchange(address, connection);
      const settings = { address, what: 'the session', firstReplyMs };
      return openDuplex(settings, control.session(), explained(reader));
    },
    pushNode: (call, messages) =>
      callClientStream<NodeChunk, PushReply__Output>(
        { ...call, address },
        (options, callback) => exchange.pushNode(options, callback),
        messages,
      ),
    pullParameters: (call, request) =>
      callServerStream({ ...call, address }, (options) =>
        exchange.pullParameters(request, options),
      ),
    fetchSamples: (call, request) =>
      callServerStream({ ...call, address }, (options) => exchange.fetchSamples(request, options)),
    fetchFeatures: (call, request) =>
      callServerStream({ ...call, address }, (options) => exchange.fetchFeatures(request, options)),
    close,
  };
}

/** A look at an address costs it two connections: no more often than so. */
const LOOKS_PAUSE_MS = 10_000;

/** Readers of sessions that hear what sits at `address`, where a session ends before its first word in a way that does not tell. */
function closedWithCause(address: string, { security }: ConnectionSettings) {
  let lookedMs = Number.NEGATIVE_INFINITY;
  let found: TesseraError | undefined;
  const look = async (error: TesseraError): Promise<TesseraError> => {
    if (performance.now() - lookedMs < LOOKS_PAUSE_MS) return found ?? error;
    lookedMs = performance.now();
    found = await clearerError(error, { address, isSecure: security !== undefined });
    return found;
  };
  return <Reply>(reader: DuplexReader<Reply>): DuplexReader<Reply> => {
    let hasSpoken = false;
    return {
      onMessage(message) {
        hasSpoken = true;
        reader.onMessage(message);
      },
      onClosed(error) {
        if (error === undefined || !isUnclear(error) || hasSpoken) reader.onClosed(error);
        else void look(error).then((clearer) => reader.onClosed(clearer));
      },
    };
  };
}
