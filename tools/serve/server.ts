/** @file The HTTP server of `tessera serve`: where it listens, how long it waits, how it ends. */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { isLoopback, withPort } from '../../shared/core/address.ts';
import type { Clock } from '../../shared/core/clock.ts';
import { refuseExposure } from '../../shared/security/listen-policy.ts';
import type { HttpSecurity } from '../http/access.ts';
import { closeServer, listenOn, makeServer } from '../http/server.ts';
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
  readonly security?: HttpSecurity | undefined;
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
      await closeServer(server, clock, limits.drainMs);
    },
  };
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
