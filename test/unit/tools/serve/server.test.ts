/** @file The server of `tessera serve` over real connections: replies, bounds, slow and departing clients, its end. */
import { connect } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { deferred } from '../../../../shared/core/async.ts';
import { systemClock } from '../../../../shared/core/clock.ts';
import { serveModel } from '../../../../tools/serve/server.ts';
import { exchange, serveBytes } from '../../../support/served.ts';

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

async function served(...args: Parameters<typeof serveBytes>) {
  const server = await serveBytes(...args);
  closing.push(() => server.close());
  const post = (body: NonNullable<RequestInit['body']>, query = '') =>
    fetch(`${server.url}/predict${query}`, { method: 'POST', body });
  return { ...server, post };
}

describe('replies', () => {
  it('the body of a request, or the file of a form, is the image', async () => {
    const { post } = await served();
    const reply = await post(Uint8Array.of(2, 3), '?logits=1&top=1');
    expect(reply.status).toBe(200);
    const [first] = [{ class: 'size', probability: 0.5 }];
    expect(await reply.json()).toEqual({ guesses: [first], logits: [2, 2] });
    const form = new FormData();
    form.append('comment', 'none');
    form.append('photo', new Blob([Uint8Array.of(3, 1, 1)]), 'x.jpg');
    expect(await (await post(form, '?logits=1&top=1')).json()).toMatchObject({ logits: [3, 3] });
  });

  it('what is no image is 422 with the sentence, nothing is 400', async () => {
    const { post } = await served();
    const broken = await post(Uint8Array.of(0));
    const error = { code: 'DATA_INVALID', sentence: 'cannot decode it' };
    expect([broken.status, await broken.json()]).toEqual([422, { error }]);
    expect((await post('')).status).toBe(400);
    expect((await post(new FormData())).status).toBe(400);
  });

  it('the page may load nothing from elsewhere; health and figures', async () => {
    const { url } = await served();
    const page = await fetch(url);
    expect(page.headers.get('content-security-policy')).toMatch(
      /^default-src 'none'; script-src 'sha256-/,
    );
    const html = await page.text();
    expect(html).not.toMatch(/(src|href)="(?!data:)/);
    const health = await (await fetch(`${url}/health`)).json();
    expect(health).toEqual({ status: 'ok', model: 'bytes', classes: 2, engine: 'none' });
    expect(await (await fetch(`${url}/metrics`)).text()).toContain('tessera_connections');
  });
});

describe('bounds', () => {
  it('too large a body is 413, by its head or while it comes, and the client reads it', async () => {
    const { post, port } = await served({ bodyBytesMax: 1000 });
    expect((await post(new Uint8Array(1001))).status).toBe(413);
    const chunk = `400\r\n${'x'.repeat(1024)}\r\n`;
    const head = 'POST /predict HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n';
    const chunked = await exchange(port, `${head}${chunk}${chunk}0\r\n\r\n`);
    expect(chunked).toMatch(/^HTTP\/1\.1 413 /);
    const expecting = head.replace(
      'transfer-encoding: chunked',
      'content-length: 5000\r\nexpect: 100-continue',
    );
    const early = await exchange(port, expecting, {
      enough: (text) => text.includes('at most'),
    });
    expect(early).toMatch(/^HTTP\/1\.1 413 /);
  });

  it('a body in tiny chunks comes whole, within memory that grows with it', async () => {
    const { port, url } = await served();
    const chunks = '1\r\nx\r\n'.repeat(200_000);
    const head =
      'POST /predict?logits=1 HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n';
    const enough = (text: string) => text.includes('logits');
    const text = await exchange(port, `${head}${chunks}0\r\n\r\n`, { enough });
    expect(text).toContain('"logits":[200000,120]');
    expect(await (await fetch(`${url}/metrics`)).text()).toContain('tessera_held_bytes 0\n');
  });

  it.each([
    ['the queue', { waitingMax: 2 }],
    ['the memory', { bodyBytesMax: 1000, heldBytesMax: 3000 }],
  ])('images beyond %s are 503 with a time to wait', async (_what, limits) => {
    const gate = deferred<void>();
    const begun = deferred<void>();
    const { post, url } = await served(limits, async () => {
      begun.resolve();
      await gate.promise;
    });
    const first = post(Uint8Array.of(1));
    await begun.promise;
    const waiting = [post(Uint8Array.of(2)), post(Uint8Array.of(3))];
    while (!(await (await fetch(`${url}/metrics`)).text()).includes('images_waiting 2')) {
      await systemClock.sleep(1);
    }
    const refused = await post(Uint8Array.of(4));
    expect(refused.status).toBe(503);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    gate.resolve();
    for (const reply of await Promise.all([first, ...waiting])) expect(reply.status).toBe(200);
    const figures = await (await fetch(`${url}/metrics`)).text();
    expect(figures).toContain('tessera_held_bytes 0\n');
    expect(figures).toContain('tessera_batch_images_bucket{le="2"} 2\n');
  });

  it('an image whose client has gone is not computed', async () => {
    const gate = deferred<void>();
    const begun = deferred<void>();
    const batches: number[] = [];
    const { post, url } = await served({}, async (images) => {
      batches.push(images);
      begun.resolve();
      await gate.promise;
    });
    const waits = async (count: number) => {
      while (
        !(await (await fetch(`${url}/metrics`)).text()).includes(`images_waiting ${count}\n`)
      ) {
        await systemClock.sleep(1);
      }
    };
    const first = post(Uint8Array.of(1));
    await begun.promise;
    const leaving = new AbortController();
    const gone = fetch(`${url}/predict`, { method: 'POST', body: 'x', signal: leaving.signal });
    await waits(1);
    leaving.abort();
    await expect(gone).rejects.toThrow();
    await waits(0);
    gate.resolve();
    expect((await first).status).toBe(200);
    expect(batches).toEqual([1]);
  });

  it('a slow head and a slow body are cut off with 408', async () => {
    const { port } = await served({ headMs: 50, requestMs: 100 });
    expect(await exchange(port, 'POST /pre')).toMatch(/^HTTP\/1\.1 408 /);
    const head = 'POST /predict HTTP/1.1\r\nhost: localhost\r\ncontent-length: 10\r\n\r\n123';
    expect(await exchange(port, head)).toMatch(/^HTTP\/1\.1 408 |^$/);
  });

  it('connections beyond the most are closed, and a silent one does not stay', async () => {
    const { port, url } = await served({ connectionsMax: 2, silenceMs: 100 });
    const open = [connect(port, '127.0.0.1'), connect(port, '127.0.0.1')];
    await Promise.all(open.map((socket) => new Promise((done) => socket.once('connect', done))));
    expect(await exchange(port, '')).toBe('');
    await Promise.all(
      open.map((socket) => new Promise((done) => socket.resume().once('close', done))),
    );
    expect((await fetch(`${url}/health`)).status).toBe(200);
  });
});

describe('its end', () => {
  it('replies that are under way are finished, new predictions are refused', async () => {
    const gate = deferred<void>();
    const begun = deferred<void>();
    const { post, close, url } = await served({}, async () => {
      begun.resolve();
      await gate.promise;
    });
    const first = post(Uint8Array.of(1));
    await begun.promise;
    const closed = close();
    await expect(fetch(`${url}/health`)).rejects.toThrow();
    gate.resolve();
    expect((await first).status).toBe(200);
    await closed;
  });

  it('a model that fails is 500, and the end of the server', async () => {
    const { post, failed } = await served({}, async () => {
      throw new Error('out of memory');
    });
    expect((await post(Uint8Array.of(1))).status).toBe(500);
    await expect(failed).rejects.toThrow('out of memory');
  });

  it('beyond loopback a server needs TLS', async () => {
    const model = { description: {} as never, compute: async () => [], close: async () => {} };
    const options = { model, batch: 1, clock: systemClock };
    await expect(serveModel({ ...options, listen: '0.0.0.0:0' })).rejects.toMatchObject({
      code: 'ACCESS_DENIED',
    });
  });
});
