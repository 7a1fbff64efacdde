/** @file An HTTP server: where it listens, how long it waits for callers, how it ends. */
import { createServer, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { hostOf } from '../../shared/core/address.ts';
import type { Clock } from '../../shared/core/clock.ts';
import { errnoOf, reasonOf } from '../../shared/core/errno.ts';
import { TesseraError } from '../../shared/core/errors.ts';
import type { HttpSecurity } from './access.ts';

/** What a server waits for, and how many callers it has, at most. Units  milliseconds. */
export interface HttpLimits {
  readonly connectionsMax: number;
  /** For the head of a request, and for a TLS handshake. */
  readonly headMs: number;
  /** For a whole request. */
  readonly requestMs: number;
  /** Without a byte either way. */
  readonly silenceMs: number;
  /** Between two requests of a connection. */
  readonly idleMs: number;
}

/** Node refuses slow heads and slow requests with 408, and ends connections that are silent. */
export function makeServer(security: HttpSecurity | undefined, limits: HttpLimits): Server {
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
function tlsServer({ tls }: HttpSecurity, { headMs }: HttpLimits, times: object): Server {
  const shown = () => {
    const { authority: ca, identity } = tls.current;
    return { ca, cert: identity?.certificate, key: identity?.key };
  };
  const asked = { requestCert: true, rejectUnauthorized: false, handshakeTimeout: headMs } as const;
  const server = createTlsServer({ ...times, ...asked, ...shown() });
  tls.onChange(() => server.setSecureContext(shown()));
  return server;
}

/** Takes no more connections, waits for the replies that are under way for so long, and closes. */
export async function closeServer(server: Server, clock: Clock, drainMs: number): Promise<void> {
  const closed = new Promise<void>((done) => server.close(() => done()));
  server.closeIdleConnections();
  const ended = new AbortController();
  const late = clock.sleep(drainMs, ended.signal).then(() => server.closeAllConnections());
  await closed;
  ended.abort();
  await late.catch(() => {});
}

/** Listens on HOST:PORT. Throws  PORT_IN_USE; USAGE. */
export async function listenOn(server: Server, listen: string): Promise<void> {
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
