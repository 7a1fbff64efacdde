/** @file The server of the page: where it listens, to whom it replies, how it ends. */
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { hostname } from 'node:os';
import { hostOf, isLoopback, ownAddress, withPort } from '../../shared/core/address.ts';
import type { Clock } from '../../shared/core/clock.ts';
import type { TesseraError } from '../../shared/core/errors.ts';
import { refuseExposure } from '../../shared/security/listen-policy.ts';
import { newToken } from '../../shared/security/tokens.ts';
import { type HttpSecurity, refuseUnlessKnown } from '../http/access.ts';
import { closeServer, listenOn, makeServer } from '../http/server.ts';
import { readAssets } from './assets.ts';
import type { BoardSource } from './run-view.ts';
import { BoardService } from './service.ts';

/** What is shown, where, to whom. */
export interface BoardOptions {
  readonly source: BoardSource;
  /** HOST:PORT; port 0 takes a free one. */
  readonly listen: string;
  readonly security?: HttpSecurity | undefined;
  /** Plaintext beyond loopback; then the page cannot stop a run. */
  readonly insecure?: boolean | undefined;
  readonly clock: Clock;
  /** Takes why the page could not stop a run. */
  readonly onFault?: (error: TesseraError) => void;
  readonly limits?: Partial<typeof BOARD_LIMITS>;
}

/** A server that listens. */
export interface BoardServer {
  readonly url: string;
  close(): Promise<void>;
}

/** What the server waits for and has at most. Units  milliseconds. */
const BOARD_LIMITS = {
  /** Pages that follow at one time. */
  viewersMax: 64,
  /** Between two states that a page is sent. */
  beatMs: 1000,
  connectionsMax: 256,
  headMs: 10_000,
  requestMs: 30_000,
  silenceMs: 60_000,
  idleMs: 5_000,
  drainMs: 1_000,
};

/** Serves the page. Throws  ACCESS_DENIED as `refuseExposure`; USAGE; PORT_IN_USE. */
export async function serveBoard(options: BoardOptions): Promise<BoardServer> {
  const { listen, security, insecure, clock, source } = options;
  refuseExposure(listen, { security, insecure });
  const limits = { ...BOARD_LIMITS, ...options.limits };
  const pageToken = newToken();
  const assets = await readAssets(pageToken);
  const names = [hostOf(listen).toLowerCase(), hostname().toLowerCase()];
  const service = new BoardService({
    ...{ source, assets, viewersMax: limits.viewersMax, beatMs: limits.beatMs },
    rules: { names, pageToken, assets: new Set(assets.keys()) },
    refuse: (request) => refuseViewer(request, security),
    mayAct: security !== undefined || isLoopback(listen),
    onFault: options.onFault ?? (() => {}),
  });
  const server = makeServer(security, limits);
  server.on('request', (request, response) => {
    service.handle(request, response).catch(() => response.destroy());
  });
  await listenOn(server, listen);
  const { port } = server.address() as AddressInfo;
  return {
    url: `${security === undefined ? 'http' : 'https'}://${ownAddress(withPort(listen, port))}`,
    async close() {
      service.close();
      await closeServer(server, clock, limits.drainMs);
    },
  };
}

/** An operator: by certificate, by token, or by the token as the password that a browser asks for. */
function refuseViewer(request: IncomingMessage, security: HttpSecurity | undefined) {
  const refusal = refuseUnlessKnown(request, security, ['operator']);
  if (refusal === undefined) return undefined;
  const basic = /^Basic (\S+)$/i.exec(request.headers.authorization ?? '')?.[1] ?? '';
  const password = Buffer.from(basic, 'base64').toString().split(':').slice(1).join(':');
  if (basic !== '' && security?.token?.is(password)) return undefined;
  return { ...refusal, headers: { 'www-authenticate': 'Basic realm="tessera", charset="UTF-8"' } };
}
