/** @file Downloads over a network that drops, truncates, stalls and lies. */
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Clock } from '../../../shared/core/clock.ts';
import { systemClock } from '../../../shared/core/clock.ts';
import { type DownloadOptions, download } from '../../../tools/downloads/download.ts';
import { redirectTarget, retryAfterMs } from '../../../tools/downloads/http.ts';
import {
  type Answer,
  dropConnections,
  dropsAfter,
  good,
  serve,
  status,
  type TestServer,
} from '../../support/file-server.ts';

const root = mkdtempSync(join(tmpdir(), 'tessera-download-'));
afterAll(() => rmSync(root, { recursive: true }));

const content = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * 31 + (i >> 8)) % 256));
const sha256 = createHash('sha256').update(content).digest('hex');
const md5 = createHash('md5').update(content).digest('hex');

let folder = '';
let path = '';
let pauses: number[] = [];
let server: TestServer | undefined;

/** Pauses between attempts take no time and are noted; other waits are real. */
const hurriedClock: Clock = {
  ...systemClock,
  sleep: (delayMs, signal) => {
    if (signal !== undefined && delayMs === SILENCE_MS) return systemClock.sleep(delayMs, signal);
    pauses.push(delayMs);
    return Promise.resolve();
  },
};
/** Long enough for a loopback answer on a busy machine. */
const SILENCE_MS = 20_000;

beforeEach(() => {
  folder = mkdtempSync(join(root, 'case-'));
  path = join(folder, 'deep', 'file.bin');
  pauses = [];
});
afterEach(async () => {
  await server?.close();
});

async function fetchFrom(answers: readonly Answer[], options: Partial<DownloadOptions> = {}) {
  server = await serve(...answers);
  const limits = { silenceMs: SILENCE_MS, attempts: 3, ...options.limits };
  const onProgress = ({ bytes }: { readonly bytes: number }) => {
    if (bytes > 0) dropConnections();
  };
  const given = { url: server.url, path, clock: hurriedClock, onProgress };
  return await download({ ...given, ...options, limits });
}

function leftovers(): readonly string[] {
  const at = join(folder, 'deep');
  return existsSync(at) ? readdirSync(at).sort() : [];
}

describe('a download', () => {
  it('arrives whole, with its size and sha256, and leaves nothing beside it', async () => {
    const seen: number[] = [];
    const result = await fetchFrom([good(content)], {
      known: { bytes: content.length, digest: { algorithm: 'sha256', hex: sha256.slice(0, 8) } },
      onProgress: ({ bytes, total }) => {
        expect(total).toBe(content.length);
        seen.push(bytes);
      },
    });
    expect(result).toEqual({ bytes: content.length, sha256 });
    expect(readFileSync(path).equals(content)).toBe(true);
    expect(leftovers()).toEqual(['file.bin']);
    expect(seen[0]).toBe(0);
    expect(seen.at(-1)).toBe(content.length);
  });

  it('goes on where a dropped connection left it, proving that it is the same file', async () => {
    await fetchFrom([dropsAfter(content, 100_000), good(content)]);
    expect(readFileSync(path).equals(content)).toBe(true);
    expect(server?.ranges[0]).toBeUndefined();
    expect(server?.ranges[1]).toMatch(/^bytes=[1-9]\d*-$/);
    expect(server?.ifRanges[1]).toBe('"one"');
    expect(pauses).toEqual([1000]);
  });

  it('goes on with the part that an earlier command left', async () => {
    await expect(
      fetchFrom([dropsAfter(content, 100_000)], { limits: { attempts: 1 } }),
    ).rejects.toThrow(/run the command again|cannot download/);
    expect(leftovers()).toEqual(['file.bin.part', 'file.bin.part.json']);
    await server?.close();
    const first = server!.url;
    server = await serve(good(content));
    // The same address on another port: what is kept is of an address.
    const state = { url: server.url, validator: '"one"' };
    expect(JSON.parse(readFileSync(`${path}.part.json`, 'utf8'))).toEqual({ ...state, url: first });
    writeFileSync(`${path}.part.json`, JSON.stringify(state));
    await download({ url: server.url, path });
    expect(server.ranges[0]).toMatch(/^bytes=[1-9]\d*-$/);
    expect(readFileSync(path).equals(content)).toBe(true);
  });

  it('takes a part that was whole when the process died', async () => {
    server = await serve(good(content));
    await download({ url: server.url, path });
    rmSync(path);
    writeFileSync(`${path}.part`, content);
    writeFileSync(`${path}.part.json`, JSON.stringify({ url: server.url, validator: '"one"' }));
    expect((await download({ url: server.url, path })).sha256).toBe(sha256);
    expect(server.ranges).toEqual([undefined, `bytes=${content.length}-`]);
  });

  it('begins again when the file changed between two attempts', async () => {
    const other = Buffer.from(content).reverse();
    await fetchFrom([dropsAfter(content, 100_000), good(other, '"two"')]);
    expect(readFileSync(path).equals(other)).toBe(true);
  });

  it('begins again when a server sends a part of another file, in spite of If-Range', async () => {
    const other = Buffer.from(content).reverse();
    const lying: Answer = (request, response) => {
      request.headers['if-range'] = '"two"';
      good(other, '"two"')(request, response);
    };
    await fetchFrom([dropsAfter(content, 100_000), lying, good(other, '"two"')]);
    expect(readFileSync(path).equals(other)).toBe(true);
  });

  it('begins again when a server ignores ranges, or gives no proof of sameness', async () => {
    const plain: Answer = (_request, response) => response.end(content);
    await fetchFrom([dropsAfter(content, 100_000), plain]);
    expect(readFileSync(path).equals(content)).toBe(true);
    await server?.close();
    rmSync(path);
    await fetchFrom([dropsAfter(content, 100_000, { etag: 'W/"weak"' }), good(content)]);
    expect(server?.ranges).toEqual([undefined, undefined]);
    expect(readFileSync(path).equals(content)).toBe(true);
  });

  it('begins again when the range that comes is not the one that was asked for', async () => {
    const shifted: Answer = (_request, response) => {
      const part = content.subarray(5);
      const range = `bytes 5-${content.length - 1}/${content.length}`;
      response.writeHead(206, { 'content-range': range, etag: '"one"' }).end(part);
    };
    await fetchFrom([dropsAfter(content, 100_000), shifted, good(content)]);
    expect(readFileSync(path).equals(content)).toBe(true);
  });

  it('is given up after its budget of attempts, with a pause that doubles, and keeps its part', async () => {
    const failing = fetchFrom([status(503)], { limits: { attempts: 4 } });
    await expect(failing).rejects.toMatchObject({
      code: 'TIMEOUT',
      message: expect.stringContaining('returned 503 Service Unavailable (4 attempts)'),
      hint: expect.stringContaining('run the command again'),
    });
    expect(pauses).toEqual([1000, 2000, 4000]);
  });

  it('waits as long as a busy server asks, and no longer than is sensible', async () => {
    await fetchFrom([status(503, { 'retry-after': '7' }), status(500), good(content)]);
    expect(pauses).toEqual([7000, 2000]);
    await server?.close();
    rmSync(path);
    pauses = [];
    const patient = fetchFrom([status(429, { 'retry-after': '86400' }), good(content)]);
    await expect(patient).rejects.toMatchObject({ code: 'TIMEOUT' });
    expect(pauses).toEqual([]);
  });

  it.each([404, 403, 410])('is refused at once when the server says %i', async (code) => {
    await expect(fetchFrom([status(code)])).rejects.toMatchObject({
      code: 'DATA_INVALID',
      hint: expect.stringContaining('--url'),
    });
    expect(server?.ranges).toHaveLength(1);
  });

  it('gives up a connection that is silent, and goes on with the next', async () => {
    const stalls: Answer = (_request, response) => {
      response.writeHead(200, { 'content-length': content.length, etag: '"one"' });
      response.write(content.subarray(0, 1000));
    };
    const reasons: string[] = [];
    await fetchFrom([stalls, good(content)], {
      clock: systemClock,
      limits: { silenceMs: 50, pauseMs: 0 },
      onRetry: (reason) => reasons.push(reason),
    });
    expect(readFileSync(path).equals(content)).toBe(true);
    expect(reasons[0]).toMatch(/127\.0\.0\.1:\d+ sent nothing for 0\.05 s/);
  });

  it.each([
    ['sha256', { algorithm: 'sha256', hex: '00000000' }],
    ['md5', { algorithm: 'md5', hex: md5.replace(/^./, (digit) => (digit === '0' ? '1' : '0')) }],
  ] as const)('with another %s is refused, and nothing of it is kept', async (name, digest) => {
    await expect(fetchFrom([good(content)], { known: { digest } })).rejects.toMatchObject({
      code: 'DATA_INVALID',
      message: expect.stringContaining(`its ${name} begins with`),
    });
    expect(leftovers()).toEqual([]);
  });

  it('that is larger than it should be is stopped, whatever its length says', async () => {
    const endless: Answer = (_request, response) => response.end(content);
    const known = { bytes: 1000 };
    await expect(fetchFrom([endless], { known })).rejects.toMatchObject({ code: 'DATA_INVALID' });
    await server?.close();
    await expect(fetchFrom([endless], { limits: { bytesMax: 999 } })).rejects.toMatchObject({
      code: 'DATA_INVALID',
      message: expect.stringContaining('more than the expected 999 bytes'),
    });
  });

  it('whose Content-Length is a lie never passes as whole', async () => {
    const tooLong: Answer = (_request, response) => {
      response.writeHead(200, { 'content-length': content.length + 10 });
      response.write(content, () => setImmediate(() => response.destroy()));
    };
    await expect(fetchFrom([tooLong])).rejects.toMatchObject({ code: 'TIMEOUT' });
    expect(existsSync(path)).toBe(false);
    await server?.close();
    const tooShort: Answer = (_request, response) => {
      response.writeHead(200, { 'content-length': 10 }).end(content.subarray(0, 10));
    };
    const known = { bytes: content.length };
    await expect(fetchFrom([tooShort], { known })).rejects.toMatchObject({ code: 'DATA_INVALID' });
    expect(existsSync(path)).toBe(false);
  });

  it('follows redirects, but not for ever', async () => {
    await fetchFrom([status(302, { location: '/elsewhere' }), good(content)]);
    expect(readFileSync(path).equals(content)).toBe(true);
    await server?.close();
    rmSync(path);
    await expect(fetchFrom([status(302, { location: '/again' })])).rejects.toMatchObject({
      code: 'DATA_INVALID',
      message: expect.stringContaining('redirects more than 10 times'),
    });
  });

  it('refuses what is no address of the web', async () => {
    const bad = download({ url: 'file:///etc/passwd', path });
    await expect(bad).rejects.toMatchObject({ code: 'USAGE' });
  });

  it('into a place that cannot be written says so', async () => {
    writeFileSync(join(folder, 'deep'), 'a file');
    await expect(fetchFrom([good(content)])).rejects.toMatchObject({
      code: 'CANNOT_WRITE',
      hint: expect.stringContaining('--out'),
    });
  });

  it('ends at the wish to stop, and keeps its part', async () => {
    const stop = new AbortController();
    const half: Answer = (_request, response) => {
      response.writeHead(200, { 'content-length': content.length, etag: '"one"' });
      response.write(content.subarray(0, 1000));
    };
    const reason = new Error('stopped');
    const running = fetchFrom([half], {
      signal: stop.signal,
      onProgress: ({ bytes }) => {
        if (bytes > 0) stop.abort(reason);
      },
    });
    await expect(running).rejects.toBe(reason);
    expect(leftovers()).toEqual(['file.bin.part', 'file.bin.part.json']);
  });
});

describe('a redirect', () => {
  it.each([
    ['https://a.example/x', '/y', 'https://a.example/y'],
    ['https://a.example/x', 'https://b.example/y', 'https://b.example/y'],
    ['http://a.example/x', 'https://b.example/y', 'https://b.example/y'],
    ['http://a.example/x', '//b.example/y', 'http://b.example/y'],
  ])('from %s to %s leads to %s', (from, location, expected) => {
    expect(redirectTarget(new URL(from), location).href).toBe(expected);
  });

  it.each([
    ['https://a.example/x', 'http://a.example/y'],
    ['https://a.example/x', 'file:///etc/passwd'],
    ['http://a.example/x', 'ftp://a.example/y'],
    ['http://a.example/x', 'http://['],
  ])('from %s to %s is refused', (from, location) => {
    expect(() => redirectTarget(new URL(from), location)).toThrow(/redirects to/);
  });
});

describe('Retry-After', () => {
  it.each([
    ['7', 7000],
    ['Thu, 01 Jan 1970 00:01:40 GMT', 90_000],
    ['soon', undefined],
  ])('of %s is understood', (text, expected) => {
    expect(retryAfterMs(new Headers({ 'retry-after': text }), 10_000)).toBe(expected);
  });
});
