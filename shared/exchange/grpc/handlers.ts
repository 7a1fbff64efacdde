/**
 * @file What is the same for every small call on the server's side; those that carry bulk are served in `bulk`.
 *
 * A service is written as plain functions that throw TesseraErrors. Here they become gRPC handlers: errors are mapped,
 * a caller that is gone aborts a signal, and the text of an unforeseen error is reported at home and never sent.
 */
import type { handleBidiStreamingCall, handleUnaryCall, ServerDuplexStream } from '@grpc/grpc-js';
import type { Role } from '../../contract/access.ts';
import { TesseraError } from '../../core/errors.ts';
import { failureOf, toStatus } from './errors.ts';

/** What a handler knows of its call. */
export interface CallContext {
  /** `HOST:PORT` of the caller. */
  readonly peer: string;
  /** Of its credential, in a bulk call; undefined where every call is open. */
  readonly role?: Role | undefined;
  /** Aborts when the caller is gone or its deadline has passed. */
  readonly signal: AbortSignal;
}

/** Called for every refusal and failure. */
export type CallReporter = (error: TesseraError, method: string, peer: string) => void;

/** The server's end of a duplex stream. */
export interface DuplexPeer<Out> {
  readonly peer: string;
  send(message: Out): void;
  /** Ends the stream, well or with an error; what was sent before still arrives. */
  end(error?: unknown): void;
}

/** What a duplex service does with its stream. */
export interface DuplexListener<In> {
  /** May throw: the stream then ends with that error. */
  onMessage(message: In): void;
  /** Called once, whichever side ended it. */
  onClosed(reason: string): void;
}

/** A peer that does not read its messages is let go. */
const UNSENT_MESSAGES_MAX = 256;

interface ServerCall {
  getPeer(): string;
  getPath(): string;
  once(event: 'cancelled', listener: () => void): unknown;
}

/** Makes gRPC handlers of plain functions. */
export class HandlerFactory {
  readonly #report: CallReporter;

  constructor(report: CallReporter) {
    this.#report = report;
  }

  unary<In, Out>(
    handle: (request: In, context: CallContext) => Out | Promise<Out>,
  ): handleUnaryCall<In, Out> {
    return async (call, reply) => {
      try {
        reply(null, await handle(call.request, contextOf(call)));
      } catch (error) {
        reply(this.#statusOf(error, call));
      }
    };
  }

  duplex<In, Out>(
    open: (peer: DuplexPeer<Out>) => DuplexListener<In>,
  ): handleBidiStreamingCall<In, Out> {
    return (call) => {
      let reason = 'the connection was lost';
      let isEnded = false;
      const end = (error?: unknown) => {
        if (isEnded) return;
        isEnded = true;
        reason = error === undefined ? 'the session was closed' : TesseraError.from(error).sentence;
        if (error === undefined) call.end();
        else call.emit('error', this.#statusOf(error, call));
      };
      const listener = open(duplexPeer(call, () => isEnded, end));
      call.on('data', (message: In) => {
        if (isEnded) return;
        try {
          listener.onMessage(message);
        } catch (error) {
          end(error);
        }
      });
      call.once('end', () => {
        if (isEnded) return;
        end();
        reason = 'the other side closed the session';
      });
      call.once('close', () => {
        isEnded = true;
        listener.onClosed(reason);
      });
    };
  }

  #statusOf(thrown: unknown, call: ServerCall) {
    this.#report(TesseraError.from(thrown), call.getPath(), call.getPeer());
    return failureOf(toStatus(thrown));
  }
}

function duplexPeer<In, Out>(
  call: ServerDuplexStream<In, Out>,
  isEnded: () => boolean,
  end: (error?: unknown) => void,
): DuplexPeer<Out> {
  return {
    peer: call.getPeer(),
    end,
    send(message) {
      if (isEnded()) return;
      if (call.writableLength < UNSENT_MESSAGES_MAX) call.write(message);
      else end(new TesseraError('TIMEOUT', `${UNSENT_MESSAGES_MAX} messages wait to be read`));
    },
  };
}

function contextOf(call: ServerCall): CallContext {
  const gone = new AbortController();
  call.once('cancelled', () => gone.abort(new TesseraError('CANCELLED', 'the caller is gone')));
  return { peer: call.getPeer(), signal: gone.signal };
}
