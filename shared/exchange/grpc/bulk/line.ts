/** @file The connection of an exchange: made by the first call, and again after its end, probed while it is silent. */
import { type ClientHttp2Session, type ClientHttp2Stream, connect } from 'node:http2';
import { isIP, type Socket } from 'node:net';
import { checkServerIdentity } from 'node:tls';
import { status } from '@grpc/grpc-js';
import { hostOf } from '../../../core/address.ts';
import {
  BULK_WINDOW_BYTES,
  type ConnectionSettings,
  FRAME_BYTES_MAX,
  KEEPALIVE_MS,
  KEEPALIVE_TIMEOUT_MS,
} from '../channel.ts';
import { failureOf } from '../errors.ts';
import { plainStatus } from './ends.ts';

/** How long a connection may take to be made. */
const CONNECT_MS = 20_000;
/** Node's bound on what one connection holds, in MB: above the windows, which are the bound here. */
const SESSION_MB_MAX = 1024;

/** Times of a line that differ from those below. */
export interface LineTimes {
  readonly keepaliveMs?: number;
  readonly keepaliveTimeoutMs?: number;
  readonly connectMs?: number;
}

/** A line to a coordinator. */
export class Line {
  readonly #address: string;
  readonly #connection: ConnectionSettings;
  readonly #times: LineTimes;
  #session: ClientHttp2Session | undefined;
  #isClosed = false;

  constructor(address: string, connection: ConnectionSettings, times: LineTimes = {}) {
    this.#address = address;
    this.#connection = connection;
    this.#times = times;
  }

  /** Begins a call. Throws  a status when there is no connection to be had. */
  begin(path: string, deadlineMs: number): ClientHttp2Stream {
    if (this.#isClosed) throw unavailable('the exchange is closed');
    try {
      return this.#open().request({
        ':method': 'POST',
        ':path': path,
        'content-type': 'application/grpc',
        'grpc-timeout': `${Math.min(Math.ceil(deadlineMs), 99_999_999)}m`,
        te: 'trailers',
        'user-agent': 'tessera',
        ...this.#authorization(),
      });
    } catch (error) {
      throw unavailable(error instanceof Error ? error.message : String(error));
    }
  }

  /** Ends the connection once the calls under way have ended. */
  close(): void {
    this.#isClosed = true;
    this.#session?.close();
  }

  /** The session; another one after a GOAWAY, or when the connection was lost. */
  #open(): ClientHttp2Session {
    const known = this.#session;
    if (known !== undefined && !known.closed && !known.destroyed) return known;
    const { security } = this.#connection;
    const scheme = security === undefined ? 'http' : 'https';
    const session = connect(`${scheme}://${this.#address}`, {
      ...this.#tls(),
      maxSessionMemory: SESSION_MB_MAX,
      settings: {
        enablePush: false,
        initialWindowSize: BULK_WINDOW_BYTES,
        maxFrameSize: FRAME_BYTES_MAX,
      },
    });
    this.#session = session;
    // The streams of a session fail with it, and say why.
    session.on('error', () => {});
    const { connectMs = CONNECT_MS } = this.#times;
    const slow = setTimeout(() => {
      session.destroy(new Error(`ETIMEDOUT: no connection within ${connectMs} ms`));
    }, connectMs);
    session.once('connect', () => {
      clearTimeout(slow);
      session.setLocalWindowSize(BULK_WINDOW_BYTES);
      keepAlive(session, this.#times);
    });
    session.once('close', () => clearTimeout(slow));
    return session;
  }

  /** Read again for each connection: certificates are replaced while a worker runs. */
  #tls() {
    const { security } = this.#connection;
    if (security === undefined) return {};
    const { authority, identity } = security.tls.current;
    const host = hostOf(this.#address);
    return {
      ca: authority,
      ...(identity !== undefined && { cert: identity.certificate, key: identity.key }),
      // An IP address is not a server name in TLS; the certificate is checked against the address all the same.
      ...(isIP(host) !== 0 && { servername: 'coordinator.tessera' }),
      checkServerIdentity: (
        _name: string,
        certificate: Parameters<typeof checkServerIdentity>[1],
      ) => checkServerIdentity(host, certificate),
    };
  }

  #authorization() {
    const token = this.#connection.security?.token;
    return token === undefined ? {} : { authorization: `Bearer ${token}` };
  }
}

function unavailable(details: string): Error {
  return failureOf(plainStatus(status.UNAVAILABLE, details));
}

/** Ends a session whose peer has said nothing for a while, not even to a ping. */
function keepAlive(
  session: ClientHttp2Session,
  { keepaliveMs = KEEPALIVE_MS, keepaliveTimeoutMs = KEEPALIVE_TIMEOUT_MS }: LineTimes,
): void {
  let bytesRead: number | undefined = 0;
  let late: NodeJS.Timeout | undefined;
  const tick = setInterval(() => {
    const before = bytesRead;
    bytesRead = bytesReadOf(session);
    // Bytes that came are as good as a ping's reply, which may wait behind bulk.
    if (bytesRead === undefined || bytesRead !== before || late !== undefined) return;
    const give = () => {
      if (bytesReadOf(session) === bytesRead) session.destroy(new Error('Keepalive timeout'));
      late = undefined;
    };
    late = setTimeout(give, keepaliveTimeoutMs).unref();
    session.ping(() => {
      clearTimeout(late);
      late = undefined;
    });
  }, keepaliveMs).unref();
  session.once('close', () => {
    clearInterval(tick);
    clearTimeout(late);
  });
}

/** Undefined once the connection is lost: the session is notified later. */
function bytesReadOf(session: ClientHttp2Session): number | undefined {
  const socket: Socket | undefined = session.destroyed ? undefined : session.socket;
  return socket?.bytesRead;
}
