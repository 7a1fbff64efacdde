/** @file A gRPC server from its start to its end: options, binding, health, reflection, graceful stop. */

import type { Http2Server, IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import type { DropArgument } from 'node:net';
import {
  Server,
  type ServerCredentials,
  type ServerOptions,
  type ServiceDefinition,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { HealthImplementation } from 'grpc-health-check';
import { checkAddress, ownAddress, withPort } from '../../core/address.ts';
import { assert, TesseraError } from '../../core/errors.ts';
import { probeAddress } from '../probe/probe.ts';
import { ANOTHER_PROGRAM, programOf } from '../probe/unclear.ts';
import {
  type ConnectionLimits,
  FLOW_WINDOW_BYTES,
  FRAME_BYTES_MAX,
  KEEPALIVE_MS,
  KEEPALIVE_TIMEOUT_MS,
} from './channel.ts';
import {
  accessInterceptor,
  type JudgeCall,
  judgeOf,
  type ServerSecurity,
  serverCredentials,
} from './credentials.ts';
import type { CallReporter } from './handlers.ts';
import { watchNewcomers } from './newcomers.ts';
import { addReflection } from './reflection.ts';
import { type Distrusted, watchTrust } from './revocation.ts';

/** A running server. */
export interface RpcServer {
  /** Where it listens: the host as it was given, the port that it got. */
  readonly address: string;
  readonly port: number;
  /** Refuses new calls, lets those under way end for `graceMs`, then cuts them. */
  stop(graceMs: number): Promise<void>;
}

/** A service and its handlers. */
export interface ServedService {
  readonly definition: ServiceDefinition;
  readonly handlers: UntypedServiceImplementation;
}

/** The limits of a server, for all callers together and for each. */
export interface ServerLimits extends ConnectionLimits {
  /** Calls under way on one connection. */
  readonly streamsMax: number;
  /** Connections at a time. */
  readonly connectionsMax: number;
}

/**
 * Serves a call below gRPC's library; false leaves it to the library. The call must be judged first; every call passes
 * where there is no security.
 */
export type TakeStream = (
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  judge: JudgeCall | undefined,
) => boolean;

/** What a server is started with. */
export interface ServerSettings {
  readonly limits: ServerLimits;
  /** Undefined for plaintext, open to every caller that reaches the port. */
  readonly security?: ServerSecurity | undefined;
  /** Called for every call that is refused before its handler. */
  readonly report: CallReporter;
  /** Serves calls that carry bulk. */
  readonly takeStream?: TakeStream;
  readonly firstWordsMs?: number;
  readonly idleMs?: number;
}

/** After a line about closed connections. */
const DROPS_QUIET_MS = 10_000;

/** Node lets each of a connection's first bytes and its TLS handshake take two minutes. */
const FIRST_WORDS_MS = 10_000;

/** A connection without calls is closed after this; a client's library opens another when it needs one. */
const IDLE_MS = 5 * 60_000;

function serverOptions(
  { limits, idleMs = IDLE_MS }: ServerSettings,
  judge: JudgeCall | undefined,
): ServerOptions {
  const { messageBytes, streamsMax } = limits;
  return {
    ...(judge && { interceptors: [accessInterceptor(judge)] }),
    'grpc.max_receive_message_length': messageBytes,
    'grpc.max_send_message_length': messageBytes,
    'grpc.max_concurrent_streams': streamsMax,
    'grpc.max_connection_idle_ms': idleMs,
    'grpc.keepalive_time_ms': KEEPALIVE_MS,
    'grpc.keepalive_timeout_ms': KEEPALIVE_TIMEOUT_MS,
  };
}

/**
 * Starts a server with the given services, gRPC health and reflection. Port 0 takes any free port.
 *
 * Throws  PORT_IN_USE; CONFIG_INVALID when the address is not of this machine; USAGE when it is not HOST:PORT.
 */
export async function startServer(
  listen: string,
  served: readonly ServedService[],
  settings: ServerSettings,
): Promise<RpcServer> {
  checkAddress(listen);
  const { security, report } = settings;
  const distrusted: Distrusted = new Map();
  const judge = security && judgeOf(security.tokens, { report, distrusted });
  const server = new Server(serverOptions(settings, judge));
  for (const { definition, handlers } of served) server.addService(definition, handlers);
  const health = new HealthImplementation({ '': 'SERVING' });
  health.addToServer(server);
  addReflection(server);
  const port = await bind(server, listen, serverCredentials(settings.security)).catch(
    async (error) => {
      throw await namingHolder(error, listen, settings);
    },
  );
  tuneConnections(server, settings, { distrusted, judge });
  return {
    address: withPort(listen, port),
    port,
    async stop(graceMs) {
      health.setStatus('', 'NOT_SERVING');
      await shutDown(server, graceMs);
    },
  };
}

function bind(server: Server, listen: string, credentials: ServerCredentials): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync(listen, credentials, (error, port) => {
      if (error === null) resolve(port);
      else reject(bindError(error, listen));
    });
  });
}

/** Says what listens on a port that is taken. */
async function namingHolder(
  error: TesseraError,
  listen: string,
  { security }: ServerSettings,
): Promise<TesseraError> {
  if (error.code !== 'PORT_IN_USE') return error;
  // A server on all addresses can be reached on loopback too.
  const address = ownAddress(listen);
  const found = await probeAddress(address, { tlsFirst: security !== undefined });
  const isRun = 'isGrpc' in found && found.isGrpc;
  const holder = isRun ? `${programOf(found)}, such as a coordinator` : programOf(found);
  const ask = isRun ? `tessera status ${address} shows whether it is a run; ` : '';
  const named = holder === ANOTHER_PROGRAM ? '' : `: ${holder}`;
  return new TesseraError('PORT_IN_USE', `another program listens on ${listen} already${named}`, {
    hint: `${ask}${error.hint}`,
    cause: error,
  });
}

function bindError(cause: Error, listen: string): TesseraError {
  const { message } = cause;
  if (message.includes('EADDRINUSE')) {
    return new TesseraError('PORT_IN_USE', `another program listens on ${listen} already`, {
      hint: 'choose another port in cluster.listen (0: any free one), or stop that program',
      cause,
    });
  }
  if (message.includes('EACCES')) {
    return new TesseraError('CONFIG_INVALID', `not allowed to listen on ${listen}`, {
      hint: 'choose a port above 1023 in cluster.listen',
      cause,
    });
  }
  const isForeign = /EADDRNOTAVAIL|ENOTFOUND|EAI_AGAIN|[Nn]ame resolution/.test(message);
  return new TesseraError(
    'CONFIG_INVALID',
    isForeign
      ? `${listen} is not an address of this machine`
      : `cannot listen on ${listen}: ${message}`,
    { hint: 'cluster.listen takes 127.0.0.1:PORT, or 0.0.0.0:PORT for all networks', cause },
  );
}

/**
 * Gives the server the clients' flow-control window, a bound on its connections, and calls that carry bulk a way of their
 * own. The library has the first for channels only and the others not at all (1.14), so its HTTP/2 servers are looked up;
 * tests watch that this finds them.
 */
function tuneConnections(
  server: Server,
  settings: ServerSettings,
  { distrusted, judge }: { readonly distrusted: Distrusted; readonly judge: JudgeCall | undefined },
): void {
  const { limits, security, report, takeStream, firstWordsMs = FIRST_WORDS_MS } = settings;
  const http2Servers: unknown = Reflect.get(server, 'http2Servers');
  assert(http2Servers instanceof Map, 'the library has its HTTP/2 servers in a map');
  for (const http2Server of (http2Servers as Map<Http2Server, unknown>).keys()) {
    http2Server.maxConnections = limits.connectionsMax;
    http2Server.on('drop', reportDrops(limits.connectionsMax, report));
    watchNewcomers(http2Server, { isSecure: security !== undefined, firstWordsMs, report });
    if (security !== undefined) watchTrust(http2Server, security, { report, distrusted });
    http2Server.on('session', (session) => {
      session.settings({ initialWindowSize: FLOW_WINDOW_BYTES, maxFrameSize: FRAME_BYTES_MAX });
      session.setLocalWindowSize(FLOW_WINDOW_BYTES);
    });
    if (takeStream !== undefined) divert(http2Server, server, takeStream, judge);
  }
}

/** Offers each call to `takeStream` before the library sees it; its idle timer counts what is taken. */
function divert(
  http2Server: Http2Server,
  server: Server,
  takeStream: TakeStream,
  judge: JudgeCall | undefined,
): void {
  const listeners = http2Server.listeners('stream');
  const countStream: unknown = Reflect.get(server, 'onStreamOpened');
  assert(
    listeners.length === 1 && typeof countStream === 'function',
    'the library has one listener',
  );
  http2Server.removeAllListeners('stream');
  http2Server.on('stream', (stream, headers, ...rest) => {
    if (takeStream(stream, headers, judge)) {
      Reflect.apply(countStream, server, [stream]);
    } else if (stream.destroyed || stream.closed) {
      // Taken back at once: the library would reply all the same, which throws and ends the process.
      stream.on('error', () => {});
    } else {
      for (const listener of listeners) listener.call(http2Server, stream, headers, ...rest);
    }
  });
}

/** Says whose connections are closed for want of places: one line for a flood of them. */
function reportDrops(connectionsMax: number, report: CallReporter) {
  let quietUntilMs = 0;
  return (dropped?: DropArgument) => {
    if (performance.now() < quietUntilMs) return;
    quietUntilMs = performance.now() + DROPS_QUIET_MS;
    const sentence = `all ${connectionsMax} connections are taken, further ones are closed`;
    const hint = 'find the clients that hold connections, or raise limits.connectionsMax';
    const error = new TesseraError('RATE_LIMITED', sentence, { hint });
    report(error, 'connection', `${dropped?.remoteAddress}:${dropped?.remotePort}`);
  };
}

function shutDown(server: Server, graceMs: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => {
      server.forceShutdown();
      // The library reports when its sessions have closed; one whose peer is stopped (SIGSTOP) never does.
      resolve();
    }, graceMs);
    server.tryShutdown(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}
