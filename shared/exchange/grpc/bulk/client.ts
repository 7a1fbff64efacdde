/** @file The bulk calls as gRPC on `node:http2`: what the worker's end of an exchange is made of. */
import type { ProbeRequest } from '../../../contract/generated/tessera/v1/ProbeRequest.ts';
import { TesseraError } from '../../../core/errors.ts';
import { type ConnectionSettings, refusePlaintextAbroad } from '../channel.ts';
import { fromStatus } from '../errors.ts';
import type { BulkCall, BulkCalls } from '../exchange.ts';
import { ClientCall } from './client-call.ts';
import { Line, type LineTimes } from './line.ts';
import { type BulkMethod, type Codec, METHODS } from './methods.ts';

/**
 * The bulk calls to the coordinator at `address`, on a connection that the first call makes.
 *
 * Throws  USAGE when `address` is not HOST:PORT; ACCESS_DENIED when it is another machine's and there is no TLS.
 */
export function bulkCalls(
  address: string,
  connection: ConnectionSettings,
  times?: LineTimes,
): BulkCalls {
  refusePlaintextAbroad(address, connection);
  const place = { address, line: new Line(address, connection, times), ...connection.limits };
  return {
    pushNode: (call, messages) => upload(place, call, METHODS.pushNode, messages),
    pullParameters: (call, request) => download(place, call, METHODS.pullParameters, request),
    fetchSamples: (call, request) => download(place, call, METHODS.fetchSamples, request),
    fetchFeatures: (call, request) => download(place, call, METHODS.fetchFeatures, request),
    fetchExecutable: (call, request) => download(place, call, METHODS.fetchExecutable, request),
    pushExecutable: (call, messages) => upload(place, call, METHODS.pushExecutable, messages),
    close: () => place.line.close(),
  };
}

/** A probe's calls to the coordinator at `address`, on a connection of their own. Throws  as `bulkCalls` does. */
export function probeCalls(address: string, connection: ConnectionSettings, times?: LineTimes) {
  refusePlaintextAbroad(address, connection);
  const place = { address, line: new Line(address, connection, times), ...connection.limits };
  return {
    probe: (call: BulkCall, request: ProbeRequest) => download(place, call, METHODS.probe, request),
    close: () => place.line.close(),
  };
}

/** Where calls go. */
interface Place {
  readonly address: string;
  readonly line: Line;
  readonly messageBytes: number;
}

function begin<Reply>(
  { line, messageBytes }: Place,
  { deadlineMs, signal }: BulkCall,
  path: string,
  { decode }: Codec<never, Reply>,
): ClientCall<Reply> {
  const stream = line.begin(path, deadlineMs);
  return new ClientCall(stream, { decode, messageBytes, deadlineMs, signal });
}

function errorOf(thrown: unknown, { address }: Place, { what, signal }: BulkCall): TesseraError {
  return fromStatus(thrown, { address, what, isCancelled: signal?.aborted === true });
}

/** Iterates over a stream of replies; leaving the loop early cancels the call. */
async function* download<Request, RequestIn, Reply, ReplyIn>(
  place: Place,
  call: BulkCall,
  { path, request, reply }: BulkMethod<Request, RequestIn, Reply, ReplyIn>,
  asked: Request,
): AsyncGenerator<ReplyIn> {
  let under: ClientCall<ReplyIn> | undefined;
  try {
    under = begin(place, call, path, reply);
    await under.outbox.send(request.encode(asked));
    under.outbox.end();
    yield* under.replies;
  } catch (error) {
    throw errorOf(error, place, call);
  } finally {
    under?.cancel();
  }
}

/** Sends `messages` and waits for the reply; a reply that comes early ends the sending. */
async function upload<Request, RequestIn, Reply, ReplyIn>(
  place: Place,
  call: BulkCall,
  { path, request, reply }: BulkMethod<Request, RequestIn, Reply, ReplyIn>,
  messages: Iterable<Request>,
): Promise<ReplyIn> {
  let under: ClientCall<ReplyIn> | undefined;
  try {
    under = begin(place, call, path, reply);
    const { outbox } = under;
    await Promise.race([sendAll(outbox, messages, request), under.over]);
    const { value } = await under.replies.next();
    // The status comes behind the reply, and decides.
    if (value !== undefined) await under.replies.next();
    if (value !== undefined) return value;
    throw new TesseraError('MESSAGE_INVALID', `${call.what}: ${place.address} sent no reply`);
  } catch (error) {
    throw errorOf(error, place, call);
  } finally {
    under?.cancel();
  }
}

async function sendAll<Request>(
  outbox: ClientCall<unknown>['outbox'],
  messages: Iterable<Request>,
  { encode }: Codec<Request, unknown>,
): Promise<void> {
  for (const message of messages) {
    if (!(await outbox.send(encode(message)))) return;
  }
  outbox.end();
}
