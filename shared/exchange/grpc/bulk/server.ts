/** @file The bulk calls served below gRPC's library: its port and its sessions, our streams. */
import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { TesseraError } from '../../../core/errors.ts';
import type { JudgeCall } from '../credentials.ts';
import type { exchangeHandlers } from '../exchange-handlers.ts';
import type { CallContext, CallReporter } from '../handlers.ts';
import { peerOf } from '../newcomers.ts';
import type { TakeStream } from '../server.ts';
import { type BulkMethod, METHODS } from './methods.ts';
import { ServerCall } from './server-call.ts';

/** The functions behind the calls, which may look at who calls. */
export type BulkHandlers = {
  readonly [Name in keyof Handlers]: (
    request: Parameters<Handlers[Name]>[0],
    context: CallContext,
  ) => ReturnType<Handlers[Name]>;
};
type Handlers = ReturnType<typeof exchangeHandlers>;

/** How they are served. */
export interface BulkService {
  readonly report: CallReporter;
  readonly messageBytes: number;
  /** Longest time of a call. */
  readonly streamMs: number;
}

/** A path, and what serves a call of it. */
export type ServedCall = readonly [string, Serve];
type Serve = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, judge?: JudgeCall) => void;

/** Takes the bulk calls from a server, and `others`. */
export function takeBulk(
  handlers: BulkHandlers,
  service: BulkService,
  others: readonly ServedCall[] = [],
): TakeStream {
  return takeCalls([
    ...others,
    upload(service, METHODS.pushNode, handlers.pushNode),
    download(service, METHODS.pullParameters, handlers.pullParameters),
    download(service, METHODS.fetchSamples, handlers.fetchSamples),
    download(service, METHODS.fetchFeatures, handlers.fetchFeatures),
    download(service, METHODS.fetchExecutable, handlers.fetchExecutable),
    upload(service, METHODS.pushExecutable, handlers.pushExecutable),
  ]);
}

/** Takes some calls from a server; all others are the library's. */
export function takeCalls(calls: readonly ServedCall[]): TakeStream {
  const served: ReadonlyMap<string, Serve> = new Map(calls);
  return (stream, headers, judge) => {
    const serve = served.get(String(headers[':path']));
    // What is not gRPC gets the library's answer.
    if (serve === undefined || headers['content-type']?.startsWith('application/grpc') !== true)
      return false;
    serve(stream, headers, judge);
    return true;
  };
}

/** A call of many messages and one reply. The handler may answer before it has read everything. */
export function upload<Request, RequestIn, Reply, ReplyIn>(
  service: BulkService,
  method: BulkMethod<Request, RequestIn, Reply, ReplyIn>,
  handle: (messages: AsyncIterable<RequestIn>, context: CallContext) => Promise<Reply>,
): ServedCall {
  return served(service, method, async (call, context) => {
    const reply = await handle(accepted(call), context);
    await call.send(method.reply.encode(reply));
  });
}

/** The messages of an upload. Who asks for the second has accepted the first: there may be more in flight from there on. */
async function* accepted<Request>(call: ServerCall<Request>): AsyncGenerator<Request> {
  let taken = 0;
  for await (const message of call.requests) {
    yield message;
    taken += 1;
    if (taken === 1) call.widen();
  }
}

/** A call of one message and many replies. */
export function download<Request, RequestIn, Reply, ReplyIn>(
  service: BulkService,
  method: BulkMethod<Request, RequestIn, Reply, ReplyIn>,
  handle: (request: RequestIn, context: CallContext) => AsyncIterable<Reply>,
): ServedCall {
  return served(service, method, async (call, context) => {
    const request = await onlyOne(call.requests);
    for await (const message of handle(request, context)) {
      await call.send(method.reply.encode(message));
    }
  });
}

/** What is the same for both. */
function served<Request, RequestIn, Reply, ReplyIn>(
  service: BulkService,
  { path, request }: BulkMethod<Request, RequestIn, Reply, ReplyIn>,
  run: (call: ServerCall<RequestIn>, context: CallContext) => Promise<void>,
): ServedCall {
  const { report, streamMs, messageBytes } = service;
  const serve: Serve = (stream, headers, judge) => {
    const peer = peerOfStream(stream);
    const call = new ServerCall(stream, { decode: request.decode, messageBytes });
    const fail = (error: unknown) => {
      if (call.fail(error)) report(TesseraError.from(error), path, peer);
    };
    try {
      call.limitTime(headers, streamMs, () => fail(tooLong(streamMs)));
    } catch (error) {
      fail(error);
      return;
    }
    let role: CallContext['role'];
    try {
      role = judge?.(path, { peer, ...shownBy(stream, headers) });
    } catch (error) {
      // The judge has reported it.
      call.fail(error);
      return;
    }
    run(call, { peer, role, signal: call.signal })
      .then(() => call.finish())
      .catch(fail);
  };
  return [path, serve];
}

function tooLong(streamMs: number): TesseraError {
  return new TesseraError('TIMEOUT', `the call took longer than ${streamMs} ms`, {
    hint: 'is the network slow? limits.rpcMs is the longest time of one call',
  });
}

async function onlyOne<Request>(requests: AsyncIterable<Request>): Promise<Request> {
  const all: Request[] = [];
  for await (const request of requests) {
    if (all.push(request) > 1) break;
  }
  const [request] = all;
  if (request !== undefined && all.length === 1) return request;
  throw new TesseraError('MESSAGE_INVALID', `${all.length} requests in a call that has one`);
}

/** A connection that is lost has no socket any more, and its session is notified later. */
function peerOfStream({ session }: ServerHttp2Stream): string {
  const socket: Socket | undefined = session?.socket;
  return socket === undefined ? 'unknown' : peerOf(socket);
}

/** The credentials of a call. A certificate that is not accepted counts as none. */
function shownBy({ session }: ServerHttp2Stream, headers: IncomingHttpHeaders) {
  const authorization = String(headers.authorization ?? '');
  const socket = session?.socket;
  if (!(socket instanceof TLSSocket) || !socket.authorized) {
    return { certificate: undefined, authorization };
  }
  const certificate = socket.getPeerCertificate();
  return { certificate: certificate.raw === undefined ? undefined : certificate, authorization };
}
