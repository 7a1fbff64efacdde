/** @file The door of the live page: raw bytes on its port, heads that are almost right. The page is there after each. */
import fc from 'fast-check';
import { afterAll } from 'vitest';
import { TesseraError } from '../../shared/core/errors.ts';
import { liveRun, row, serveRuns } from '../support/board.ts';
import { exchange } from '../support/served.ts';
import { mutated, noise } from './bytes.ts';
import { door } from './door.ts';

const { run, view, stops } = liveRun();
for (let step = 1; step <= 3000; step++) view.step(row(step));
const server = await serveRuns([run], { limits: { connectionsMax: 10_000 } });
afterAll(() => server.close());

const get = (path: string, more = '') =>
  Buffer.from(`GET ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\n${more}\r\n`, 'latin1');
const GOOD = [
  get('/'),
  get('/app.js', 'accept-encoding: gzip\r\n'),
  get('/api/runs'),
  get('/api/runs/digits/steps?points=100&from=5&to=2000&bucket=4&after=3'),
  get('/api/runs/digits/lanes?window=60'),
  get('/api/runs/digits/pictures'),
  get('/metrics', 'sec-fetch-site: same-origin\r\n'),
];
/** It would stop the run with the page's token, which nobody can guess. */
const STOP = Buffer.from(
  'POST /api/runs/digits/stop HTTP/1.1\r\nhost: 127.0.0.1\r\nx-tessera-page: a\r\ncontent-length: 0\r\n\r\n',
);
const HOSTILE = [
  get('/../../../../etc/passwd'),
  get('/%2e%2e/%2e%2e/etc/passwd'),
  get('/api/runs/..%2f..%2fetc/config'),
  get('/', `x: ${'a'.repeat(100_000)}\r\n`),
  get('/', 'sec-fetch-site: cross-site\r\n'),
  Buffer.from('GET /api/runs HTTP/1.1\r\nhost: evil.example\r\n\r\n'),
  STOP,
];

const bytes = fc.oneof(
  { weight: 1, arbitrary: noise },
  { weight: 6, arbitrary: mutated(GOOD, { changesMax: 2 }) },
  { weight: 2, arbitrary: fc.constantFrom(...GOOD) },
  { weight: 2, arbitrary: fc.constantFrom(...HOSTILE) },
  { weight: 1, arbitrary: mutated([STOP], { changesMax: 2 }) },
  // Two requests on one connection.
  {
    weight: 2,
    arbitrary: fc.tuple(mutated(GOOD, { changesMax: 1 }), mutated(GOOD)).map(Buffer.concat),
  },
);

export const boardDoors = [
  door({
    name: 'requests of the live page',
    numInputs: 150,
    inputs: bytes,
    async enter(input) {
      const enough = (text: string) => text.includes('event: state');
      const text = await exchange(server.port, input, { ends: true, enough });
      const healthy = await exchange(server.port, get('/healthz'), { ends: true });
      if (!healthy.startsWith('HTTP/1.1 200 ')) throw new Error(`the page is gone: ${healthy}`);
      if (stops.length > 0) throw new Error('a stranger has stopped the run');
      if (text.includes('root:')) throw new Error(`a file of the machine was sent: ${text}`);
      if (text.startsWith('HTTP/1.1 500 ')) throw new Error(text);
      if (!text.startsWith('HTTP/1.1 200 ')) {
        throw new TesseraError('MESSAGE_INVALID', 'the request was refused');
      }
    },
    refusals: ['MESSAGE_INVALID'],
    least: { accepted: 0.1, refused: 0.3 },
  }),
];
