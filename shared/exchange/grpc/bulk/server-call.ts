/** @file One call on the server's side: its stream, its deadline, and the status that it ends with. */
import {
  constants,
  type Http2Session,
  type IncomingHttpHeaders,
  type ServerHttp2Stream,
} from 'node:http2';
import { type StatusObject, status } from '@grpc/grpc-js';
import { TesseraError } from '../../../core/errors.ts';
import { BULK_WINDOW_BYTES } from '../channel.ts';
import { toStatus } from '../errors.ts';
import { plainStatus } from './ends.ts';
import { FrameReader, type Pieces } from './frames.ts';
import { Inbox } from './inbox.ts';
import { Outbox } from './outbox.ts';

/** What a call is served with. */
export interface ServerCallSettings<Request> {
  readonly decode: (pieces: Pieces) => Request;
  readonly messageBytes: number;
}

/** A call that has had its status, or whose caller does not read, is cut after this. */
const LINGER_MS = 10_000;
/** Sessions with an upload that was accepted; unknown callers have `FLOW_WINDOW_BYTES`. */
const widened = new WeakSet<Http2Session>();
const OK = plainStatus(status.OK, 'OK');

/** A call under way. */
export class ServerCall<Request> {
  /** Fails when the caller is gone, or its time is over. */
  readonly requests: Inbox<Request>;
  /** Aborts when the caller is gone, or its time is over. */
  readonly signal: AbortSignal;
  readonly #stream: ServerHttp2Stream;
  readonly #outbox: Outbox;
  readonly #gone = new AbortController();
  readonly #timers: NodeJS.Timeout[] = [];
  #isOver = false;

  constructor(stream: ServerHttp2Stream, settings: ServerCallSettings<Request>) {
    this.#stream = stream;
    this.signal = this.#gone.signal;
    this.requests = new Inbox(stream);
    this.#outbox = new Outbox(stream, settings.messageBytes);
    this.#listen(settings);
  }

  /**
   * Calls `tooLong` at the server's own limit, and ends the call when the caller's patience does.
   *
   * Throws  MESSAGE_INVALID when that is not a time.
   */
  limitTime(headers: IncomingHttpHeaders, streamMs: number, tooLong: () => void): void {
    const callerMs = timeoutIn(headers);
    const own = setTimeout(tooLong, streamMs);
    this.#timers.push(own);
    if (callerMs === undefined) return;
    const late = () => {
      this.#endWork(new TesseraError('TIMEOUT', "the caller's deadline has passed"));
      this.#end(plainStatus(status.DEADLINE_EXCEEDED, 'Deadline exceeded'));
    };
    this.#timers.push(setTimeout(late, callerMs));
  }

  /** Lets more bytes be in flight on its connection. */
  widen(): void {
    const { session } = this.#stream;
    if (session === undefined || session.destroyed || widened.has(session)) return;
    widened.add(session);
    session.settings({ initialWindowSize: BULK_WINDOW_BYTES });
    session.setLocalWindowSize(BULK_WINDOW_BYTES);
  }

  /** Sends a message. Throws  MESSAGE_INVALID above the limit; the reason of the signal when the call is over. */
  async send(parts: Pieces): Promise<void> {
    this.#respond();
    await this.#outbox.send(parts);
    this.signal.throwIfAborted();
  }

  /** Ends the call well, once all of it has left. */
  async finish(): Promise<void> {
    await this.#outbox.flushed();
    this.#end(OK);
  }

  /** Ends the call with an error; false when it is over already. */
  fail(error: unknown): boolean {
    if (this.#isOver) return false;
    this.#endWork(error);
    this.#end(toStatus(error));
    return true;
  }

  #listen({ decode, messageBytes }: ServerCallSettings<Request>): void {
    const stream = this.#stream;
    const reader = new FrameReader(messageBytes);
    stream.on('data', (bytes: Uint8Array) => {
      if (this.#isOver) return;
      try {
        for (const pieces of reader.read(bytes)) this.requests.push(decode(pieces));
      } catch (error) {
        this.requests.fail(error);
      }
    });
    stream.on('end', () => {
      try {
        reader.end();
        this.requests.end();
      } catch (error) {
        this.requests.fail(error);
      }
    });
    // The end of a stream says whether it is a bad one.
    stream.on('error', () => {});
    stream.on('close', () => {
      if (!this.#isOver) this.#endWork(new TesseraError('CANCELLED', 'the caller is gone'));
      this.#isOver = true;
      for (const timer of this.#timers) clearTimeout(timer);
    });
  }

  #endWork(reason: unknown): void {
    this.#gone.abort(reason);
    this.requests.fail(reason);
    this.#outbox.stop();
  }

  #respond(): void {
    if (this.#stream.headersSent || this.#stream.closed || this.#stream.destroyed) return;
    this.#stream.respond(RESPONSE, { waitForTrailers: true });
  }

  #end(ended: StatusObject): void {
    const stream = this.#stream;
    if (this.#isOver || stream.closed || stream.destroyed) return;
    this.#isOver = true;
    for (const timer of this.#timers) clearTimeout(timer);
    const trailers = {
      'grpc-status': ended.code,
      'grpc-message': encodeURI(ended.details),
      ...ended.metadata.toHttp2Headers(),
    };
    if (stream.headersSent) {
      stream.once('wantTrailers', () => stream.sendTrailers(trailers));
      stream.end();
    } else {
      stream.respond({ ...RESPONSE, ...trailers }, { endStream: true });
    }
    // What still comes flows by; a caller that does not stop, or does not read, is cut.
    stream.resume();
    const cut = setTimeout(() => stream.close(constants.NGHTTP2_NO_ERROR), LINGER_MS).unref();
    stream.once('close', () => clearTimeout(cut));
  }
}

const RESPONSE = {
  ':status': 200,
  'content-type': 'application/grpc+proto',
  'grpc-accept-encoding': 'identity',
};

/** Milliseconds of gRPC's units. */
const UNIT_MS: Readonly<Record<string, number>> = {
  ...{ H: 3_600_000, M: 60_000, S: 1000, m: 1, u: 1e-3, n: 1e-6 },
};
/** Longest delay of a timer. */
const TIMER_MS_MAX = 2 ** 31 - 1;

/** The caller's patience; undefined without end. Throws  MESSAGE_INVALID. */
function timeoutIn(headers: IncomingHttpHeaders): number | undefined {
  const text = headers['grpc-timeout'];
  if (text === undefined) return undefined;
  const [, digits, unit = ''] = /^(\d{1,8})([HMSmun])$/.exec(String(text)) ?? [];
  const unitMs = UNIT_MS[unit];
  if (unitMs === undefined) {
    throw new TesseraError('MESSAGE_INVALID', `grpc-timeout is ${JSON.stringify(text)}`);
  }
  return Math.min(Number(digits) * unitMs, TIMER_MS_MAX);
}
