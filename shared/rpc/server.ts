/** @file A gRPC server from its start to its end: options, binding, health, reflection, graceful stop. */
import type { Http2Server } from 'node:http2';
import {
  Server,
  ServerCredentials,
  type ServerOptions,
  type ServiceDefinition,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { ReflectionService } from '@grpc/reflection';
import { HealthImplementation } from 'grpc-health-check';
import { TesseraError } from '../core/errors.ts';
import {
  type ConnectionLimits,
  checkAddress,
  FLOW_WINDOW_BYTES,
  KEEPALIVE_MS,
  KEEPALIVE_TIMEOUT_MS,
} from './channel.ts';
import { protoPackage } from './protos.ts';

/** Calls under way on one connection; a worker needs a handful. */
const STREAMS_MAX = 64;

/** A running server. */
export interface RpcServer {
  /** Where it listens: the host as it was given, the port that it got. */
  readonly address: string;
  readonly port: number;
  /** Refuses new calls, lets those under way end for `graceMs`, then cuts them. */
  stop(graceMs: number): Promise<void>;
}

/** A service and what answers its calls. */
export interface ServedService {
  readonly definition: ServiceDefinition;
  readonly handlers: UntypedServiceImplementation;
}

function serverOptions({ messageBytes }: ConnectionLimits): ServerOptions {
  return {
    'grpc.max_receive_message_length': messageBytes,
    'grpc.max_send_message_length': messageBytes,
    'grpc.max_concurrent_streams': STREAMS_MAX,
    'grpc.keepalive_time_ms': KEEPALIVE_MS,
    'grpc.keepalive_timeout_ms': KEEPALIVE_TIMEOUT_MS,
  };
}

/**
 * Starts a server with the given services, gRPC health and reflection. Port 0 takes any free port.
 *
 * Throws  PORT_IN_USE; CONFIG_INVALID when the address is none of this machine's; USAGE when it is no HOST:PORT.
 */
export async function startServer(
  listen: string,
  served: readonly ServedService[],
  limits: ConnectionLimits,
): Promise<RpcServer> {
  checkAddress(listen);
  const server = new Server(serverOptions(limits));
  for (const { definition, handlers } of served) server.addService(definition, handlers);
  const health = new HealthImplementation({ '': 'SERVING' });
  health.addToServer(server);
  new ReflectionService(protoPackage).addToServer(server);
  const port = await bind(server, listen);
  widenWindows(server);
  return {
    address: `${listen.slice(0, listen.lastIndexOf(':'))}:${port}`,
    port,
    async stop(graceMs) {
      health.setStatus('', 'NOT_SERVING');
      await shutDown(server, graceMs);
    },
  };
}

function bind(server: Server, listen: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync(listen, ServerCredentials.createInsecure(), (error, port) => {
      if (error === null) resolve(port);
      else reject(bindError(error, listen));
    });
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
      ? `${listen} is no address of this machine`
      : `cannot listen on ${listen}: ${message}`,
    { hint: 'cluster.listen takes 127.0.0.1:PORT, or 0.0.0.0:PORT for all networks', cause },
  );
}

/**
 * Gives the server the clients' flow-control window. The library has that option for channels only (1.14),
 * so its HTTP/2 servers are looked up; a test watches that this still finds them.
 */
function widenWindows(server: Server): void {
  const http2Servers: unknown = Reflect.get(server, 'http2Servers');
  if (!(http2Servers instanceof Map)) return;
  for (const http2Server of (http2Servers as Map<Http2Server, unknown>).keys()) {
    http2Server.on('session', (session) => {
      session.settings({ initialWindowSize: FLOW_WINDOW_BYTES });
      session.setLocalWindowSize(FLOW_WINDOW_BYTES);
    });
  }
}

function shutDown(server: Server, graceMs: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => server.forceShutdown(), graceMs);
    server.tryShutdown(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}
