/**
 * @file Small calls as promises, and sessions, on the client's side; those that carry bulk are in `bulk`.
 *
 * Each has a deadline and can be cancelled, failures are Tessera's errors.
 */
import type {
  CallOptions,
  ClientDuplexStream,
  ClientUnaryCall,
  requestCallback,
} from '@grpc/grpc-js';
import { deferred } from '../../core/async.ts';
import { TesseraError } from '../../core/errors.ts';
import { UNCLEAR } from '../probe/unclear.ts';
import { fromStatus } from './errors.ts';

/** What every call is made with. */
export interface CallSettings {
  readonly address: string;
  /** What the call is for, as the start of a sentence ("pushing step 12"). */
  readonly what: string;
  readonly deadlineMs: number;
  readonly signal?: AbortSignal | undefined;
}

interface Cancellable {
  cancel(): void;
}

function callOptions(settings: CallSettings): CallOptions {
  return { deadline: Date.now() + settings.deadlineMs };
}

function errorOf(thrown: unknown, { address, what, signal }: CallSettings) {
  return fromStatus(thrown, { address, what, isCancelled: signal?.aborted === true });
}

/** Cancels `call` when the signal aborts; the result forgets the signal again. */
function cancelOnAbort(call: Cancellable, signal: AbortSignal | undefined): () => void {
  const cancel = () => call.cancel();
  if (signal?.aborted) cancel();
  signal?.addEventListener('abort', cancel, { once: true });
  return () => signal?.removeEventListener('abort', cancel);
}

/** One request, one reply. Throws  what the other side or the transport says. */
export async function callUnary<Reply>(
  settings: CallSettings,
  start: (options: CallOptions, callback: requestCallback<Reply>) => ClientUnaryCall,
): Promise<Reply> {
  const { promise, callback } = replyPromise<Reply>();
  const forget = cancelOnAbort(start(callOptions(settings), callback), settings.signal);
  try {
    return await promise;
  } catch (error) {
    throw errorOf(error, settings);
  } finally {
    forget();
  }
}

function replyPromise<Reply>() {
  const { promise, resolve, reject } = deferred<Reply>();
  const callback: requestCallback<Reply> = (error, value) =>
    error === null && value !== undefined ? resolve(value) : reject(error);
  return { promise, callback };
}

/** What a duplex stream is opened with. It has no deadline of its own, only one on its first reply. */
export interface DuplexSettings extends Omit<CallSettings, 'deadlineMs' | 'signal'> {
  readonly firstReplyMs: number;
}

/** What the client does with a duplex stream. */
export interface DuplexReader<Reply> {
  /** May throw: the stream is then over, with that error. */
  onMessage(message: Reply): void;
  /** Called once when the stream is over, unless we closed it ourselves. */
  onClosed(error: TesseraError | undefined): void;
}

/** The client's end of a duplex stream. */
export interface DuplexWriter<Message> {
  /** Does nothing when the stream is over. */
  send(message: Message): void;
  /** Ends the stream; what was sent before still arrives. */
  close(): void;
}

/** How long the other side may take to end a stream that we have ended. */
const CLOSE_MS = 2_000;
/** Messages that may wait for a line that does not move. */
const UNSENT_MESSAGES_MAX = 256;

/** Reads and writes a duplex stream until either side ends it. */
export function openDuplex<Message, Reply>(
  settings: DuplexSettings,
  call: ClientDuplexStream<Message, Reply>,
  reader: DuplexReader<Reply>,
): DuplexWriter<Message> {
  const { address, what, firstReplyMs } = settings;
  let isOver = false;
  const settle = (error: TesseraError | undefined) => {
    if (isOver) return;
    isOver = true;
    clearTimeout(firstReply);
    reader.onClosed(error);
  };
  const fail = (error: TesseraError) => {
    call.cancel();
    settle(error);
  };
  const firstReply = setTimeout(() => {
    const sentence = `${what}: ${address} did not answer within ${firstReplyMs / 1000} s`;
    const hint = 'is the network slow, or the machine there overloaded?';
    fail(new TesseraError('TIMEOUT', sentence, { hint, details: UNCLEAR }));
  }, firstReplyMs);
  call.on('data', (message: Reply) => {
    if (isOver) return;
    clearTimeout(firstReply);
    try {
      reader.onMessage(message);
    } catch (error) {
      fail(TesseraError.from(error));
    }
  });
  call.on('error', (error) => settle(fromStatus(error, { address, what, isCancelled: false })));
  // A bad end says `error` first.
  call.on('end', () => settle(undefined));
  return {
    send(message) {
      if (isOver) return;
      if (call.writableLength < UNSENT_MESSAGES_MAX) call.write(message);
      else
        fail(
          new TesseraError(
            'TIMEOUT',
            `${what}: ${address} stopped reading; too many messages are queued`,
          ),
        );
    },
    close() {
      if (isOver) return;
      isOver = true;
      clearTimeout(firstReply);
      call.end();
      setTimeout(() => call.cancel(), CLOSE_MS).unref();
    },
  };
}
