/**
 * @file Whether large packets pass between here and an address. Where the smallest link of a path is narrower than its
 * ends, and what reports that is dropped on the way, small replies pass and large ones never arrive: a call hangs for no
 * visible reason.
 *
 * No credential is shown, and any server of HTTP/2 will do: it replies to PING frames, one by one and many at once.
 */
import { once } from 'node:events';
import { type ClientHttp2Session, connect as connectHttp2 } from 'node:http2';
import { connect } from 'node:net';
import { HTTP2_PREFACE } from './first-bytes.ts';
import { placeOf } from './probe.ts';

/** What became of packets. */
export type PacketsFound =
  | { readonly what: 'pass'; readonly ms: number }
  /** Small ones pass, large ones do not within the time. */
  | { readonly what: 'lost'; readonly when: 'handshake' | 'call' }
  /** What is there does not speak HTTP/2 as expected, so this does not show it. */
  | { readonly what: 'unknown' };

/** Longest time of each part. Lost packets are sent again after 0.2, 0.6, 1.4 and 3 s: one may be lost by chance. */
const PART_MS = 4000;
/** Frames of 17 bytes, sent together and replied to together: several full packets each way. */
const PINGS = 300;
const PINGS_MAX = 1000;

/** Sends small and large packets, and waits for replies as large. */
export async function lookAtPackets(
  address: string,
  { isSecure, partMs = PART_MS }: { readonly isSecure: boolean; readonly partMs?: number },
): Promise<PacketsFound> {
  const session = connectHttp2(`${isSecure ? 'https' : 'http'}://${address}`, {
    rejectUnauthorized: false,
    maxOutstandingPings: PINGS_MAX,
    ...(isSecure && { servername: placeOf(address).servername ?? 'coordinator.tessera' }),
  });
  session.on('error', () => {});
  try {
    const began = await Promise.race([
      // It fails with the session's error: what is there is of another kind.
      once(session, 'remoteSettings').then(
        () => 'begun' as const,
        () => 'closed' as const,
      ),
      once(session, 'close').then(
        () => 'closed' as const,
        () => 'closed' as const,
      ),
      after(partMs),
    ]);
    if (began === 'closed') return { what: 'unknown' };
    if (began === 'late') return await lateHandshake(address, isSecure, partMs);
    if ((await Promise.race([pings(session, 1), after(partMs)])) !== 'passed') {
      return { what: 'unknown' };
    }
    const sinceMs = performance.now();
    const large = await Promise.race([pings(session, PINGS), after(partMs)]);
    if (large === 'late') return { what: 'lost', when: 'call' };
    if (large === 'failed') return { what: 'unknown' };
    return { what: 'pass', ms: performance.now() - sinceMs };
  } finally {
    session.close();
    setTimeout(() => session.destroy(), LINGER_MS).unref();
  }
}

/** Time for an orderly close. */
const LINGER_MS = 200;

/** A handshake of TLS takes large packets; one that hangs where a few bytes get a reply at once has lost them. */
async function lateHandshake(
  address: string,
  isSecure: boolean,
  partMs: number,
): Promise<PacketsFound> {
  const hasReply = isSecure && (await repliesToWords(address, partMs));
  return hasReply ? { what: 'lost', when: 'handshake' } : { what: 'unknown' };
}

/** Whether a few bytes get any reply: a server of TLS says that they are not TLS, or closes the connection. */
function repliesToWords(address: string, partMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(placeOf(address));
    let isConnected = false;
    const settle = (hasReply: boolean) => {
      clearTimeout(timer);
      socket.destroy();
      resolve(hasReply);
    };
    const timer = setTimeout(() => settle(false), partMs);
    socket.on('error', () => {});
    socket.once('connect', () => {
      isConnected = true;
      socket.write(HTTP2_PREFACE);
    });
    socket.once('data', () => settle(true));
    socket.once('close', () => settle(isConnected));
  });
}

/** Sends PING frames together; whether all get a reply. */
async function pings(session: ClientHttp2Session, count: number): Promise<'passed' | 'failed'> {
  const replies = Array.from(
    { length: count },
    () =>
      new Promise<boolean>((resolve) => {
        session.ping((error) => resolve(error === null));
      }),
  );
  return (await Promise.all(replies)).every((hasReply) => hasReply) ? 'passed' : 'failed';
}

function after(ms: number): Promise<'late'> {
  return new Promise((resolve) => {
    setTimeout(() => resolve('late'), ms).unref();
  });
}
