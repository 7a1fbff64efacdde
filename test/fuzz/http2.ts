/** @file Bytes of HTTP that strangers send: HTTP/1.1 of all kinds, and HTTP/2 that floods, stalls or lies. */
import fc from 'fast-check';

const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');

/** Types, flags and settings of RFC 9113. */
const DATA = 0;
const HEADERS = 1;
const PRIORITY = 2;
const RESET = 3;
const SETTINGS = 4;
const PUSH_PROMISE = 5;
const PING = 6;
const GOAWAY = 7;
const WINDOW = 8;
const CONTINUATION = 9;
const END_STREAM = 1;
const END_HEADERS = 4;
const HEADER_TABLE_SIZE = 1;
const INITIAL_WINDOW_SIZE = 4;
const MAX_HEADER_LIST_SIZE = 6;

interface Frame {
  readonly type: number;
  readonly flags?: number;
  readonly stream?: number;
  readonly payload?: Uint8Array;
  /** Another length than the payload's. */
  readonly length?: number;
}

function frameBytes({ type, flags = 0, stream = 0, payload = Buffer.alloc(0), length }: Frame) {
  const head = Buffer.alloc(9);
  head.writeUIntBE(length ?? payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** A connection's first bytes, then its frames. */
function session(frames: readonly Frame[], settings: Uint8Array = Buffer.alloc(0)): Buffer {
  const first = { type: SETTINGS, payload: settings };
  return Buffer.concat([PREFACE, ...[first, ...frames].map(frameBytes)]);
}

/** HPACK without its table: each a literal that is not indexed. */
function headerBlock(fields: readonly (readonly [string, string])[]): Buffer {
  const texts = fields
    .flat()
    .map((text) => Buffer.concat([hpackLength(text.length), Buffer.from(text)]));
  return Buffer.concat(texts.flatMap((it, at) => (at % 2 === 0 ? [Buffer.of(0), it] : [it])));
}

function hpackLength(length: number): Buffer {
  if (length < 127) return Buffer.of(length);
  const out = [127];
  let rest = length - 127;
  for (; rest >= 128; rest >>= 7) out.push((rest & 127) | 128);
  return Buffer.from([...out, rest]);
}

const CALL = headerBlock([
  [':method', 'POST'],
  [':scheme', 'http'],
  [':path', '/tessera.v1.Control/GetStatus'],
  [':authority', 'x'],
  ['content-type', 'application/grpc'],
  ['te', 'trailers'],
]);
const setting = (key: number, value: number) => {
  const bytes = Buffer.alloc(6);
  bytes.writeUInt16BE(key);
  bytes.writeUInt32BE(value, 2);
  return bytes;
};
const number = (value: number) => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};
const times = (count: number, frames: (at: number) => readonly Frame[]) =>
  Array.from({ length: count }, (_, at) => frames(at)).flat();
const opened = (at: number, flags = END_HEADERS): Frame => {
  return { type: HEADERS, flags, stream: 2 * at + 1, payload: CALL };
};

/** Ways to wear a server out, each with how often. */
const FLOODS: Readonly<Record<string, (count: number) => Buffer>> = {
  rapidReset: (count) =>
    session(
      times(count, (at) => [opened(at), { type: RESET, stream: 2 * at + 1, payload: number(8) }]),
    ),
  openStreams: (count) => session(times(count, (at) => [opened(at)])),
  settings: (count) =>
    session(times(count, (at) => [{ type: SETTINGS, payload: setting(HEADER_TABLE_SIZE, at) }])),
  pings: (count) => session(times(count, () => [{ type: PING, payload: Buffer.alloc(8) }])),
  continuations: (count) => {
    const endless = times(count, () => [
      { type: CONTINUATION, stream: 1, payload: headerBlock([['x', 'y'.repeat(400)]]) },
    ]);
    return session([opened(0, 0), ...endless]);
  },
  emptyContinuations: (count) =>
    session([opened(0, 0), ...times(count, () => [{ type: CONTINUATION, stream: 1 }])]),
  hugeHeader: (count) =>
    session(
      // Frames of at most 16 KiB.
      times(Math.ceil(count / 20), (at) => [
        {
          type: at === 0 ? HEADERS : CONTINUATION,
          stream: 1,
          payload: headerBlock([['x'.repeat(1 + at), 'y'.repeat(16_000)]]),
        },
      ]),
    ),
  emptyData: (count) => session([opened(0), ...times(count, () => [{ type: DATA, stream: 1 }])]),
  priorities: (count) =>
    session(
      times(count, (at) => [{ type: PRIORITY, stream: 2 * at + 1, payload: Buffer.alloc(5) }]),
    ),
  windowZero: (count) =>
    session(
      times(count, (at) => [
        opened(at),
        { type: DATA, flags: END_STREAM, stream: 2 * at + 1, payload: Buffer.alloc(5) },
      ]),
      setting(INITIAL_WINDOW_SIZE, 0),
    ),
  windowOverflow: (count) =>
    session(times(count, () => [{ type: WINDOW, payload: number(0x7fff_ffff) }])),
  smallLists: (count) =>
    session(
      times(count, (at) => [opened(at, END_HEADERS | END_STREAM)]),
      setting(MAX_HEADER_LIST_SIZE, 0),
    ),
  promises: (count) =>
    session(times(count, () => [{ type: PUSH_PROMISE, stream: 1, payload: Buffer.alloc(4) }])),
  goAways: (count) => session(times(count, () => [{ type: GOAWAY, payload: Buffer.alloc(8) }])),
};

/** A flood, perhaps cut off. */
export const floods: fc.Arbitrary<Buffer> = fc
  .tuple(
    fc.constantFrom(...Object.values(FLOODS)),
    fc.constantFrom(1, 3, 20, 200, 1200),
    fc.nat(3),
    fc.noBias(fc.nat(1000)),
  )
  .map(([flood, count, kind, share]) => {
    const bytes = flood(count);
    return kind === 0 ? bytes.subarray(0, Math.ceil((bytes.length * share) / 1000)) : bytes;
  });

const frame = fc
  .record({
    type: fc.nat(10),
    flags: fc.nat(255),
    stream: fc.oneof(fc.nat(5), fc.constantFrom(2 ** 31 - 1, 2 ** 32 - 1)),
    payload: fc.oneof(fc.uint8Array({ maxLength: 40 }), fc.constant(CALL)),
    lie: fc.nat(20),
  })
  .map(({ lie, ...rest }) => (lie === 0 ? { ...rest, length: 0xff_ffff } : rest));
/** Frames of any kind in any order, some behind a call. */
export const frames: fc.Arbitrary<Buffer> = fc
  .tuple(fc.array(frame, { maxLength: 6 }), fc.boolean())
  .map(([them, isCall]) => session(isCall ? [opened(0), ...them] : them));
/** Calls of a coordinator that are taken back in the bytes that follow. */
export const TAKEN_BACK = session(
  times(20, (at) => [opened(at), { type: RESET, stream: 2 * at + 1, payload: number(8) }]),
);
export const EMPTY_SESSION = session([]);

const GET = 'GET / HTTP/1.1\r\nhost: x\r\n\r\n';
/** Requests of browsers, scanners and attackers. */
export const HTTP1 = [
  GET,
  GET.repeat(500),
  'POST /tessera.v1.Control/GetStatus HTTP/1.1\r\ncontent-length: 5\r\n\r\nhello',
  'POST / HTTP/1.1\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\nGET / HTTP/1.1\r\n\r\n',
  'POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nffffffffffffffff\r\n',
  'GET / HTTP/1.1\r\nupgrade: h2c\r\nconnection: upgrade, http2-settings\r\nhttp2-settings: AAA\r\n\r\n',
  `GET / HTTP/1.1\r\n${'x: y\r\n'.repeat(5000)}\r\n`,
  `GET / HTTP/1.1\r\nx: ${'y'.repeat(200_000)}\r\n\r\n`,
  `GET /${'x'.repeat(100_000)} HTTP/1.1\r\n\r\n`,
  'CONNECT x:1 HTTP/1.1\r\n\r\n',
  'PRI * HTTP/2.0\r\n\r\n',
].map((text) => Buffer.from(text));
