/** @file The HTTP server of `tessera serve`: where it listens, how long it waits, how it ends. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { hostOf, isLoopback, withPort } from '../../shared/core/address.ts';
import type { Clock } from '../../shared/core/clock.ts';
import { errnoOf, reasonOf } from '../../shared/core/errno.ts';
import { TesseraError } from '../../shared/core/errors.ts';
import { refuseExposure } from '../../shared/security/listen-policy.ts';
import type { ServeSecurity } from './access.ts';
import { SERVE_LIMITS, type ServeLimits } from './limits.ts';
import { readPage } from './page.ts';
import type { ServedModel } from './served-model.ts';
import { failureReply, PredictionService } from './service.ts';

/** What is served, where, to whom. */
export interface ServeOptions {
  readonly model: ServedModel;
  /** Images of one computation, at most. */
  readonly batch: number;
  /** HOST:PORT; port 0 takes a free one. */
  readonly listen: string;
  readonly security?: ServeSecurity | undefined;
  /** Plaintext beyond loopback. */
  readonly insecure?: boolean | undefined;
  readonly clock: Clock;
  readonly limits?: Partial<ServeLimits>;
}

/** A server that listens. */
export interface ModelServer {
  /** http://HOST:PORT or https://HOST:PORT. */
  readonly url: string;
  /** Rejects when the model can compute nothing more. */
  readonly failed: Promise<never>;
  /** Takes no more requests, ends those that are under way, and closes. */
  close(): Promise<void>;
}

/**
 * Serves a model.
 *
 * Throws  ACCESS_DENIED as `refuseExposure`; USAGE; PORT_IN_USE.
 */
export async function serveModel(options: ServeOptions): Promise<ModelServer> {
  const { listen, security, insecure, clock, model, batch } = options;
  refuseExposure(listen, { security, insecure });
  const limits = { ...SERVE_LIMITS, ...options.limits };
  const isLocal = security === undefined && isLoopback(listen);
  const page = await readPage();
  const service = new PredictionService({ model, batch, clock, limits, security, isLocal, page });
  const server = makeServer(security, limits);
  takeRequests(server, service);
  await listenOn(server, listen);
  const { port } = server.address() as AddressInfo;
  return {
    url: `${security === undefined ? 'http' : 'https'}://${withPort(listen, port)}`,
    failed: service.failed,
    async close() {
      service.end();
      const closed = new Promise<void>((done) => server.close(() => done()));
      server.closeIdleConnections();
      const ended = new AbortController();
      const late = clock
        .sleep(limits.drainMs, ended.signal)
        .then(() => server.closeAllConnections());
      await closed;
      ended.abort();
      await late.catch(() => {});
    },
  };
}

/** Node refuses slow heads and slow requests with 408, and ends connections that are silent. */
function makeServer(security: ServeSecurity | undefined, limits: ServeLimits): Server {
  const times = {
    ...{ headersTimeout: limits.headMs, requestTimeout: limits.requestMs },
    ...{ keepAliveTimeout: limits.idleMs, connectionsCheckingInterval: limits.headMs / 10 },
  };
  const server = security === undefined ? createServer(times) : tlsServer(security, limits, times);
  server.maxConnections = limits.connectionsMax;
  server.timeout = limits.silenceMs;
  return server;
}

/** A caller may show a certificate, or a token later on. */
function tlsServer({ tls }: ServeSecurity, { headMs }: ServeLimits, times: object): Server {
  const shown = () => {
    const { authority: ca, identity } = tls.current;
    return { ca, cert: identity?.certificate, key: identity?.key };
  };
  const asked = { requestCert: true, rejectUnauthorized: false, handshakeTimeout: headMs } as const;
  const server = createTlsServer({ ...times, ...asked, ...shown() });
  tls.onChange(() => server.setSecureContext(shown()));
  return server;
}

function takeRequests(server: Server, service: PredictionService): void {
  let connections = 0;
  server.on('connection', (socket) => {
    connections += 1;
    socket.once('close', () => {
      connections -= 1;
    });
  });
  const take = (waitsToSend: boolean) => (request: IncomingMessage, response: ServerResponse) => {
    service.handle(request, response, { connections, waitsToSend }).catch((thrown: unknown) => {
      // A client that is gone needs no reply.
      if (response.destroyed || response.headersSent) return void response.destroy();
      const { status, body } = failureReply(thrown);
      response.writeHead(status, { 'content-type': 'application/json', connection: 'close' });
      response.end(body);
    });
  };
  server.on('request', take(false));
  server.on('checkContinue', take(true));
}

async function listenOn(server: Server, listen: string): Promise<void> {
  const port = Number(listen.slice(listen.lastIndexOf(':') + 1));
  await new Promise<void>((listening, fail) => {
    server.once('error', (error) => fail(bindError(error, listen)));
    server.listen(port, hostOf(listen), listening);
  });
}

function bindError(cause: Error, listen: string): TesseraError {
  const errno = errnoOf(cause);
  if (errno === 'EADDRINUSE') {
    return new TesseraError('PORT_IN_USE', `another program listens on ${listen} already`, {
      hint: 'choose another one with --port (0: any free one), or stop that program',
      cause,
    });
  }
  const [sentence, hint] =
    errno === 'EACCES'
      ? [`not allowed to listen on ${listen}`, 'choose a --port above 1023']
      : [
          `cannot listen on ${listen}: ${reasonOf(cause)}`,
          '--host takes an address of this machine, such as 127.0.0.1, or 0.0.0.0 for all networks',
        ];
  return new TesseraError('USAGE', sentence, { hint, cause });
}
