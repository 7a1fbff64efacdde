/**
 * @file A short probe of what is at an address, after a call there has failed without a clear cause.
 *
 * No credential is ever shown: a beginning of HTTP/2 in plaintext, and a TLS handshake, each over a connection of its own.
 */

import { once } from 'node:events';
import { connect as connectHttp2 } from 'node:http2';
import { connect, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { hostOf } from '../../core/address.ts';
import { EMPTY_SETTINGS, HTTP2_PREFACE, speechOfServer } from './first-bytes.ts';

/** What was found at an address. */
export type Found =
  /** It does not take connections within the time of a look. */
  | { readonly what: 'noAnswer' }
  /** It refuses connections, or there is no way to it. */
  | { readonly what: 'nothing' }
  /** It takes connections, and says nothing. */
  | { readonly what: 'silent' }
  /** It accepts connections, and closes them without sending anything. */
  | { readonly what: 'closes' }
  /** TLS, and HTTP/2 in it or not; with gRPC, or without. */
  | { readonly what: 'tls'; readonly isHttp2: boolean; readonly isGrpc: boolean }
  /** HTTP/2 in plaintext; with gRPC, or without. */
  | { readonly what: 'http2'; readonly isGrpc: boolean }
  | { readonly what: 'http1' }
  /** Another protocol, and the first line of what it says. */
  | { readonly what: 'other'; readonly words: string };

/** Longest time of each of the looks. */
const LOOK_MS = 1500;
/** As much of an answer as is looked at. */
const WORDS_BYTES = 64;

/** Probes an address. `tlsFirst` avoids a plaintext probe of a coordinator with TLS, which would log a warning. */
export async function probeAddress(
  address: string,
  { tlsFirst, lookMs = LOOK_MS }: { readonly tlsFirst: boolean; readonly lookMs?: number },
): Promise<Found> {
  const tls = async () => await lookWithTls(address, lookMs);
  const plain = async () => await lookInPlaintext(address, lookMs);
  const [first, second] = tlsFirst ? [tls, plain] : [plain, tls];
  const found = await first();
  if (found !== undefined && found.what !== 'silent' && found.what !== 'closes') return found;
  return (await second()) ?? found ?? { what: 'closes' };
}

/** Nothing is shown to the other side and nothing is believed of it: whose certificate it is does not matter here. */
const UNCHECKED = { rejectUnauthorized: false } as const;

/** Undefined when there is no TLS. */
async function lookWithTls(address: string, lookMs: number): Promise<Found | undefined> {
  const protocols = ['h2', 'http/1.1'];
  const socket = connectTls({ ...placeOf(address), ...UNCHECKED, ALPNProtocols: protocols });
  let isTaken = false;
  socket.once('connect', () => {
    isTaken = true;
  });
  try {
    await within(socket, 'secureConnect', lookMs);
    const isHttp2 = socket.alpnProtocol === 'h2';
    socket.end();
    return {
      what: 'tls',
      isHttp2,
      isGrpc: isHttp2 && (await speaksGrpc(`https://${address}`, lookMs)),
    };
  } catch (error) {
    // An alert is an answer in TLS: it asks for more than is shown here.
    if (/ALERT/.test(codeOf(error))) return { what: 'tls', isHttp2: true, isGrpc: true };
    if (!isTaken) return unreachable(error);
    return codeOf(error) === 'ABORT_ERR' ? { what: 'silent' } : undefined;
  } finally {
    setTimeout(() => socket.destroy(), LINGER_MS).unref();
  }
}

/** Time for an orderly close: a peer that is cut off during it would log a broken handshake. */
const LINGER_MS = 200;

async function lookInPlaintext(address: string, lookMs: number): Promise<Found | undefined> {
  const socket = connect(placeOf(address));
  try {
    await within(socket, 'connect', lookMs);
    socket.write(HTTP2_PREFACE);
    socket.write(EMPTY_SETTINGS);
    const bytes = await firstBytes(socket, lookMs);
    if (bytes === undefined) return { what: 'silent' };
    if (bytes.length === 0) return { what: 'closes' };
    const speech = speechOfServer(bytes);
    if (speech === 'tls') return undefined;
    if (speech === 'http2')
      return { what: 'http2', isGrpc: await speaksGrpc(`http://${address}`, lookMs) };
    return speech === 'http1' ? { what: 'http1' } : { what: 'other', words: firstLine(bytes) };
  } catch (error) {
    return unreachable(error);
  } finally {
    socket.destroy();
  }
}

/** Whether a server of HTTP/2 replies to the health check of gRPC in the form of gRPC, whatever the status. */
async function speaksGrpc(url: string, lookMs: number): Promise<boolean> {
  const session = connectHttp2(url, UNCHECKED);
  session.on('error', () => {});
  try {
    const call = session.request({
      ':method': 'POST',
      ':path': '/grpc.health.v1.Health/Check',
      'content-type': 'application/grpc',
      te: 'trailers',
    });
    // An empty message, which has a header of five zeros.
    call.on('error', () => {}).end(Buffer.alloc(5));
    const [headers] = await once(call, 'response', { signal: AbortSignal.timeout(lookMs) });
    return String(headers['content-type']).startsWith('application/grpc');
  } catch {
    return false;
  } finally {
    session.destroy();
  }
}

/** Where to connect for an address, with the name that TLS shows. */
export function placeOf(address: string) {
  const host = hostOf(address);
  const port = Number(address.slice(address.lastIndexOf(':') + 1));
  return { host, port, ...(isIP(host) === 0 && { servername: host }) };
}

/** Waits for an event of a socket. Throws  its error, or that of the wait. */
async function within(socket: Socket, event: string, limitMs: number): Promise<void> {
  await once(socket, event, { signal: AbortSignal.timeout(limitMs) });
}

/** What a socket says first: nothing of it when it closes before, undefined when it stays silent. */
function firstBytes(socket: Socket, limitMs: number): Promise<Uint8Array | undefined> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(undefined), limitMs);
    const settle = (bytes: Uint8Array) => {
      clearTimeout(timer);
      resolve(bytes.subarray(0, WORDS_BYTES));
    };
    socket.once('data', settle);
    socket.once('error', () => settle(new Uint8Array()));
    socket.once('close', () => settle(new Uint8Array()));
  });
}

/** A failure to connect as what was found; undefined for one of what was spoken then. */
function unreachable(error: unknown): Found | undefined {
  const code = codeOf(error);
  if (code === 'ABORT_ERR' || code === 'ETIMEDOUT') return { what: 'noAnswer' };
  return /^E(?:CONNREFUSED|HOSTUNREACH|NETUNREACH|NOTFOUND|AI_AGAIN)|^ENOTFOUND/.test(code)
    ? { what: 'nothing' }
    : undefined;
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}

/** The beginning of an answer as far as it is text. */
function firstLine(bytes: Uint8Array): string {
  const text = Buffer.from(bytes).toString('latin1');
  const [line = ''] = /^[\x20-\x7e]+\r?\n/.test(text) ? text.split(/[\r\n]/, 1) : [text];
  return line.replace(/[^\x20-\x7e]+/g, ' ').trim();
}
