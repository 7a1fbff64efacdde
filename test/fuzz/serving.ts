/** @file The door of `tessera serve`: raw bytes on its port, heads and bodies that are almost right. A good request works after each. */
import fc from 'fast-check';
import { afterAll } from 'vitest';
import { TesseraError } from '../../shared/core/errors.ts';
import { exchange, serveBytes } from '../support/served.ts';
import { mutated, noise } from './bytes.ts';
import { door } from './door.ts';

const server = await serveBytes({ connectionsMax: 10_000, bodyBytesMax: 4096 });
afterAll(() => server.close());

const HOST = 'host: 127.0.0.1';
const request = (head: string, body: string) =>
  Buffer.from(`${head}\r\n${HOST}\r\ncontent-length: ${body.length}\r\n\r\n${body}`, 'latin1');
const form = [
  '--b\r\ncontent-disposition: form-data; name="a"\r\n\r\n1\r\n',
  '--b\r\ncontent-disposition: form-data; name="f"; filename="x.jpg"\r\n\r\n\x01\x02\r\n--b--\r\n',
].join('');
const FORM = 'content-type: multipart/form-data; boundary=b';
const GOOD = [
  request('POST /predict HTTP/1.1', '\x01\x02\x03'),
  request('POST /predict?top=1&logits=1 HTTP/1.1', '\x01'.repeat(300)),
  request(`POST /predict HTTP/1.1\r\n${FORM}`, form),
  Buffer.from(
    `POST /predict HTTP/1.1\r\n${HOST}\r\ntransfer-encoding: chunked\r\n\r\n3\r\n\x01ab\r\n0\r\n\r\n`,
  ),
  Buffer.from(`GET /metrics HTTP/1.1\r\n${HOST}\r\n\r\n`),
];

const bytes = fc.oneof(
  { weight: 1, arbitrary: noise },
  { weight: 6, arbitrary: mutated(GOOD, { changesMax: 2 }) },
  // Two requests on one connection.
  {
    weight: 2,
    arbitrary: fc.tuple(mutated(GOOD, { changesMax: 1 }), mutated(GOOD)).map(Buffer.concat),
  },
  { weight: 1, arbitrary: fc.constant(request('POST /predict HTTP/1.1', '\x01'.repeat(5000))) },
);

export const servingDoors = [
  door({
    name: 'requests of tessera serve',
    numInputs: 150,
    inputs: bytes,
    async enter(input) {
      const text = await exchange(server.port, input, { ends: true });
      const healthy = await exchange(server.port, GOOD[0] as Buffer, { ends: true });
      if (!healthy.startsWith('HTTP/1.1 200 '))
        throw new Error(`a good request failed: ${healthy}`);
      if (text.startsWith('HTTP/1.1 500 ')) throw new Error(text);
      if (!text.startsWith('HTTP/1.1 200 ')) {
        throw new TesseraError('MESSAGE_INVALID', 'the request was refused');
      }
    },
    refusals: ['MESSAGE_INVALID'],
    least: { accepted: 0.1, refused: 0.3 },
  }),
];
