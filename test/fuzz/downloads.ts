/** @file The door of downloads: a server that lies in its status, its headers and its body. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import fc from 'fast-check';
import { type Clock, systemClock } from '../../shared/core/clock.ts';
import { download } from '../../tools/downloads/download.ts';
import { mutated } from './bytes.ts';
import { door } from './door.ts';
import { scratchFolder } from './sandbox.ts';

const root = scratchFolder('download');
const folder = join(root, 'in');
const path = join(folder, 'file.bin');

const content = Buffer.from('the file that everybody wants');
const hex = createHash('sha256').update(content).digest('hex');
const known = { bytes: content.length, digest: { algorithm: 'sha256', hex } } as const;

/** Long enough for a loopback answer on a busy machine; pauses between attempts take no time. */
const SILENCE_MS = 20_000;
const clock: Clock = {
  ...systemClock,
  sleep: async (delayMs, signal) => {
    if (delayMs === SILENCE_MS) await systemClock.sleep(delayMs, signal);
  },
};

/** What the server answers to its next connections, byte by byte. */
let answers: Buffer[] = [];
const server = createServer((socket) => {
  socket.on('error', () => {});
  socket.once('data', () => socket.end(answers.shift() ?? ''));
});
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
server.unref();
const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;

const status = fc.constantFrom(
  '200 OK',
  '206 Partial',
  '416 Range',
  '301 M',
  '307 T',
  '404 N',
  '503 U',
);
const number = fc.constantFrom('0', '10', String(content.length), '-1', '9'.repeat(20), 'x', '');
const header = fc.oneof(
  number.map((length) => `content-length: ${length}`),
  fc.tuple(number, number, number).map(([a, b, c]) => `content-range: bytes ${a}-${b}/${c}`),
  number.map((length) => `content-range: bytes */${length}`),
  fc
    .constantFrom(
      `http://${host}/else`,
      '/',
      'file:///etc/passwd',
      'ftp://x',
      'http://u:p@x',
      '//',
      'ö',
    )
    .map((target) => `location: ${target}`),
  fc.constantFrom('etag: "a"', 'etag: "b"', 'etag: W/"a"', 'last-modified: never'),
  fc.constantFrom(
    'retry-after: 0',
    'retry-after: -1',
    'retry-after: 99999999999',
    'retry-after: x',
  ),
  fc.constantFrom('content-encoding: gzip', 'transfer-encoding: chunked', 'connection: close'),
);
const body = fc.oneof(
  fc.constantFrom(content, content.subarray(0, 10), content.subarray(10), Buffer.alloc(0)),
  fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes)),
);
const made = fc
  .tuple(status, fc.array(header, { maxLength: 4 }), body)
  .map(([line, headers, bytes]) => answer(line, headers, bytes));
const GOOD = [
  answer('200 OK', ['etag: "a"', `content-length: ${content.length}`], content),
  answer('200 OK', ['etag: "a"', `content-length: ${content.length}`], content.subarray(0, 10)),
  answer('206 P', [`content-range: bytes 10-28/29`, 'etag: "a"'], content.subarray(10)),
];

function answer(line: string, headers: readonly string[], bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`HTTP/1.1 ${[line, ...headers].join('\r\n')}\r\n\r\n`), bytes]);
}

export const downloadDoors = [
  door({
    name: 'downloads',
    numInputs: 60,
    inputs: fc.array(fc.oneof(made, mutated(GOOD, { changesMax: 2 }), fc.constantFrom(...GOOD)), {
      minLength: 1,
      maxLength: 4,
    }),
    async enter(given) {
      answers = [...given];
      rmSync(folder, { recursive: true, force: true });
      const limits = { silenceMs: SILENCE_MS, attempts: 2, bytesMax: 1000 };
      try {
        await download({ url: `http://${host}/file.bin`, path, known, clock, limits });
        if (!readFileSync(path).equals(content)) throw new Error('another file came');
      } finally {
        answers = [];
      }
      const strange = readdirSync(folder).filter((name) => !name.startsWith('file.bin'));
      if (strange.length > 0 || readdirSync(root).length > 1) throw new Error('more was written');
    },
    refusals: ['DATA_INVALID', 'TIMEOUT'],
    least: { accepted: 0.1, refused: 0.3 },
  }),
];
