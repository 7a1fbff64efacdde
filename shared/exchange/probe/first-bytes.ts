/** @file Which protocol the first bytes of a connection are of, in either direction. Pure. */

/** What is spoken; undefined for nothing that is known here. */
export type Speech = 'tls' | 'http2' | 'http1' | undefined;

/** What a client of HTTP/2 says first (RFC 9113, 3.4). */
export const HTTP2_PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';
/** An empty SETTINGS frame, which both sides of HTTP/2 begin with. */
export const EMPTY_SETTINGS = Uint8Array.of(0, 0, 0, 4, 0, 0, 0, 0, 0);

/** As much of a first line of HTTP/1 as is looked at. */
const REQUEST_LINE_BYTES = 1024;
const TLS_ALERT = 21;
const TLS_HANDSHAKE = 22;
const FRAME_SETTINGS = 4;
const FRAME_HEADER_BYTES = 9;

/** What a caller speaks, by the first bytes that have come of it: any beginning of HTTP/2's preface counts as that. */
export function speechOfCaller(bytes: Uint8Array): Speech {
  if (isTls(bytes)) return 'tls';
  if (HTTP2_PREFACE.startsWith(latin(bytes, HTTP2_PREFACE.length))) return 'http2';
  return /^[A-Z]+ \S+ HTTP\/[01]/.test(latin(bytes, REQUEST_LINE_BYTES)) ? 'http1' : undefined;
}

/** What a server speaks, by the first bytes of its answer. */
export function speechOfServer(bytes: Uint8Array): Speech {
  if (isTls(bytes)) return 'tls';
  if (latin(bytes, 5) === 'HTTP/') return 'http1';
  const [, , , type, , ...stream] = bytes.subarray(0, FRAME_HEADER_BYTES);
  const isSettings = type === FRAME_SETTINGS && stream.every((byte) => byte === 0);
  return bytes.length >= FRAME_HEADER_BYTES && isSettings ? 'http2' : undefined;
}

/** A record of TLS 1.x: its kind, then the major version 3. */
function isTls([kind, major]: Uint8Array): boolean {
  return (kind === TLS_HANDSHAKE || kind === TLS_ALERT) && major === 3;
}

/** The first bytes as text, a letter each. */
function latin(bytes: Uint8Array, length: number): string {
  return Buffer.from(bytes.subarray(0, length)).toString('latin1');
}
