/**
 * @file The bulk calls by gRPC's own library, both ends: what they were before `shared/exchange/grpc/bulk`, for the bench to
 * compare with and for the tests as another implementation.
 */
import { once } from 'node:events';
import type {
  CallOptions,
  ClientReadableStream,
  ClientWritableStream,
  handleClientStreamingCall,
  handleServerStreamingCall,
  requestCallback,
} from '@grpc/grpc-js';
import type {
  ExchangeClient,
  ExchangeHandlers,
} from '../../shared/contract/generated/tessera/v1/Exchange.ts';
import { deferred } from '../../shared/core/async.ts';
import { TesseraError } from '../../shared/core/errors.ts';
import type { CallSettings } from '../../shared/exchange/grpc/calls.ts';
import { type ConnectionSettings, connectExchange } from '../../shared/exchange/grpc/channel.ts';
import { failureOf, fromStatus, toStatus } from '../../shared/exchange/grpc/errors.ts';
import type { BulkCalls } from '../../shared/exchange/grpc/exchange.ts';
import type { exchangeHandlers } from '../../shared/exchange/grpc/exchange-handlers.ts';
import { services } from '../../shared/exchange/grpc/protos.ts';
import type { ServedService } from '../../shared/exchange/grpc/server.ts';

// ---- the worker's end ----

/** The bulk calls of a client of the library. */
export function naiveBulkCalls(address: string, connection: ConnectionSettings): BulkCalls {
  const client: ExchangeClient = connectExchange(address, connection);
  return {
    pushNode: (call, messages) =>
      callClientStream(
        { ...call, address },
        (options, callback) => client.pushNode(options, callback),
        messages,
      ),
    pullParameters: (call, request) =>
      callServerStream({ ...call, address }, (options) => client.pullParameters(request, options)),
    fetchSamples: (call, request) =>
      callServerStream({ ...call, address }, (options) => client.fetchSamples(request, options)),
    fetchFeatures: (call, request) =>
      callServerStream({ ...call, address }, (options) => client.fetchFeatures(request, options)),
    fetchExecutable: (call, request) =>
      callServerStream({ ...call, address }, (options) => client.fetchExecutable(request, options)),
    pushExecutable: (call, messages) =>
      callClientStream(
        { ...call, address },
        (options, callback) => client.pushExecutable(options, callback),
        messages,
      ),
    close: () => client.close(),
  };
}

/** Iterates over a stream of replies; leaving the loop early cancels the call. */
export async function* callServerStream<Reply>(
  settings: CallSettings,
  start: (options: CallOptions) => ClientReadableStream<Reply>,
): AsyncGenerator<Reply> {
  const call = start({ deadline: Date.now() + settings.deadlineMs });
  // The iterator stops listening when it ends; later errors of the cancelled call do not matter.
  call.on('error', () => {});
  const forget = cancelOnAbort(call, settings.signal);
  try {
    yield* call as AsyncIterable<Reply>;
  } catch (error) {
    throw errorOf(error, settings);
  } finally {
    forget();
    call.cancel();
  }
}

/** Sends `messages` and waits for the reply; a reply that comes early ends the sending. */
export async function callClientStream<Message, Reply>(
  settings: CallSettings,
  start: (options: CallOptions, callback: requestCallback<Reply>) => ClientWritableStream<Message>,
  messages: Iterable<Message>,
): Promise<Reply> {
  const { promise, resolve, reject } = deferred<Reply>();
  const call = start({ deadline: Date.now() + settings.deadlineMs }, (error, value) =>
    error === null && value !== undefined ? resolve(value) : reject(error),
  );
  call.on('error', () => {});
  const forget = cancelOnAbort(call, settings.signal);
  const replied = new AbortController();
  const reply = promise.finally(() => replied.abort());
  try {
    await Promise.race([reply, sendAll(call, messages, replied.signal)]);
    return await reply;
  } catch (error) {
    throw errorOf(error, settings);
  } finally {
    forget();
    call.cancel();
  }
}

async function sendAll<Message>(
  call: ClientWritableStream<Message>,
  messages: Iterable<Message>,
  replied: AbortSignal,
): Promise<void> {
  for (const message of messages) {
    if (replied.aborted) return;
    if (!call.write(message)) {
      await once(call, 'drain', { signal: replied }).catch((error: unknown) => {
        // The reply, or the failure of the call, says more than the interrupted wait.
        if (!replied.aborted) throw error;
      });
    }
  }
  if (!replied.aborted) call.end();
}

function cancelOnAbort(call: { cancel(): void }, signal: AbortSignal | undefined): () => void {
  const cancel = () => call.cancel();
  if (signal?.aborted) cancel();
  signal?.addEventListener('abort', cancel, { once: true });
  return () => signal?.removeEventListener('abort', cancel);
}

function errorOf(thrown: unknown, { address, what, signal }: CallSettings) {
  return fromStatus(thrown, { address, what, isCancelled: signal?.aborted === true });
}

// ---- the coordinator's end ----

/** The bulk calls as a service of the library. */
export function naiveService(calls: ReturnType<typeof exchangeHandlers>): ServedService {
  const handlers: Omit<ExchangeHandlers, 'Probe'> = {
    PushNode: clientStream(calls.pushNode),
    PullParameters: serverStream(calls.pullParameters),
    FetchSamples: serverStream(calls.fetchSamples),
    FetchFeatures: serverStream(calls.fetchFeatures),
    FetchExecutable: serverStream(calls.fetchExecutable),
    PushExecutable: clientStream(calls.pushExecutable),
  };
  return { definition: services.Exchange.service, handlers };
}

function clientStream<In, Out>(
  handle: (messages: AsyncIterable<In>) => Promise<Out>,
): handleClientStreamingCall<In, Out> {
  return (call, reply) => {
    const refuse = (error: unknown) => {
      if (!call.cancelled) reply(failureOf(toStatus(error)));
    };
    handle(call as AsyncIterable<In>).then((out) => reply(null, out), refuse);
  };
}

function serverStream<In, Out>(
  handle: (request: In) => AsyncIterable<Out>,
): handleServerStreamingCall<In, Out> {
  return async (call) => {
    const gone = new AbortController();
    call.once('cancelled', () => gone.abort(new TesseraError('CANCELLED', 'the caller is gone')));
    try {
      for await (const message of handle(call.request)) {
        gone.signal.throwIfAborted();
        if (!call.write(message)) await once(call, 'drain', { signal: gone.signal });
      }
      call.end();
    } catch (error) {
      if (!gone.signal.aborted) call.emit('error', failureOf(toStatus(error)));
    }
  };
}
