/** @file One call on the client's side: its stream, its deadline, and how it ends. */
import { type ClientHttp2Stream, constants, type IncomingHttpHeaders } from 'node:http2';
import { type StatusObject, status } from '@grpc/grpc-js';
import { deferred } from '../../../core/async.ts';
import { failureOf } from '../errors.ts';
import { notGrpc, plainStatus, statusIn, statusOfReset } from './ends.ts';
import { FrameReader, type Pieces } from './frames.ts';
import { Inbox } from './inbox.ts';
import { Outbox } from './outbox.ts';

/** What a call is made with. */
export interface ClientCallSettings<Reply> {
  readonly decode: (pieces: Pieces) => Reply;
  readonly messageBytes: number;
  readonly deadlineMs: number;
  readonly signal: AbortSignal | undefined;
}

/** A call under way. */
export class ClientCall<Reply> {
  /** Fails as the call does, with a status. */
  readonly replies: Inbox<Reply>;
  readonly outbox: Outbox;
  /** Settles when the call is over, well or not. */
  readonly over: Promise<void>;
  readonly #stream: ClientHttp2Stream;
  readonly #settle: () => void;
  readonly #forget: () => void;
  #trailers: StatusObject | undefined;
  #hasEnded = false;
  #isOver = false;
  #fault: Error | undefined;

  constructor(stream: ClientHttp2Stream, settings: ClientCallSettings<Reply>) {
    const { messageBytes, deadlineMs, signal } = settings;
    this.#stream = stream;
    this.replies = new Inbox(stream);
    this.outbox = new Outbox(stream, messageBytes);
    const { promise, resolve } = deferred<void>();
    this.over = promise;
    this.#settle = resolve;
    const late = setTimeout(
      () => this.#end(plainStatus(status.DEADLINE_EXCEEDED, 'Deadline exceeded')),
      deadlineMs,
    );
    const abort = () => this.#end(plainStatus(status.CANCELLED, 'Call cancelled'));
    signal?.addEventListener('abort', abort, { once: true });
    this.#forget = () => {
      clearTimeout(late);
      signal?.removeEventListener('abort', abort);
    };
    this.#listen(settings);
    if (signal?.aborted) abort();
  }

  /** Ends the call if it is under way: its reply is known, or not wanted. */
  cancel(): void {
    this.#end(plainStatus(status.CANCELLED, 'Call cancelled'));
  }

  #listen({ decode, messageBytes }: ClientCallSettings<Reply>): void {
    const stream = this.#stream;
    const reader = new FrameReader(messageBytes);
    stream.on('response', (headers, flags) => {
      const fault = notGrpc(headers);
      if (fault !== undefined) this.#end(fault);
      else if ((flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0) this.#onTrailers(headers);
    });
    stream.on('trailers', (headers: IncomingHttpHeaders) => this.#onTrailers(headers));
    stream.on('data', (bytes: Uint8Array) => {
      if (this.#isOver) return;
      try {
        for (const pieces of reader.read(bytes)) this.replies.push(decode(pieces));
      } catch (error) {
        this.#fail(error);
      }
    });
    stream.on('end', () => {
      this.#hasEnded = true;
      if (this.#trailers !== undefined) this.#end(this.#trailers);
    });
    stream.on('error', (error: NodeJS.ErrnoException) => {
      // Of a reset, the code says more.
      if (error.code !== 'ERR_HTTP2_STREAM_ERROR') this.#fault = error;
    });
    stream.on('close', () => {
      this.#end(this.#trailers ?? statusOfReset(stream.rstCode, this.#fault));
    });
  }

  #onTrailers(headers: IncomingHttpHeaders): void {
    this.#trailers =
      statusIn(headers) ?? plainStatus(status.UNKNOWN, 'the call ended without a status');
    // Replies may still wait to be read; after a failure they are not read.
    if (this.#trailers.code !== status.OK || this.#hasEnded) this.#end(this.#trailers);
  }

  #end(ended: StatusObject): void {
    if (ended.code === status.OK) this.#finish(() => this.replies.end());
    else this.#fail(failureOf(ended));
  }

  #fail(error: unknown): void {
    this.#finish(() => this.replies.fail(error));
  }

  #finish(settle: () => void): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#forget();
    settle();
    this.outbox.stop();
    this.#settle();
    // The rest of what comes flows by, so that the stream closes.
    this.#stream.resume();
    if (!this.#stream.closed) this.#stream.close(constants.NGHTTP2_CANCEL);
  }
}
