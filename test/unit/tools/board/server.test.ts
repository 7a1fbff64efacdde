/** @file The server of the page over real connections: what it replies, how it stops a run, and callers that mean harm. */
import { connect } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../../shared/core/clock.ts';
import { serveBoard } from '../../../../tools/board/server.ts';
import { numberOf } from '../../../../tools/board/viewers.ts';
import { liveRun, row, runStatus, serveRuns } from '../../../support/board.ts';
import { exchange } from '../../../support/served.ts';

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

async function served(options: Parameters<typeof serveRuns>[1] = {}) {
  const live = liveRun();
  const server = await serveRuns([live.run], options);
  closing.push(() => server.close());
  const get = async (path: string) => await (await fetch(`${server.url}${path}`)).json();
  return { ...live, ...server, get };
}

/** Reads the events of a page until they match. */
async function eventsUntil(url: string, pattern: RegExp, headers: Record<string, string> = {}) {
  const leaving = new AbortController();
  const reply = await fetch(`${url}/api/events`, { headers, signal: leaving.signal });
  let text = '';
  for await (const piece of reply.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    text += piece;
    if (pattern.test(text)) break;
  }
  leaving.abort();
  return text;
}

describe('replies', () => {
  it('the page loads nothing from elsewhere, and its files are there', async () => {
    const { url } = await served();
    const page = await fetch(url);
    expect(page.headers.get('content-security-policy')).toMatch(/^default-src 'none'; script-src/);
    const html = await page.text();
    const names = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, name]) => name);
    expect(names.length).toBeGreaterThan(4);
    for (const name of names) {
      expect((await fetch(`${url}/${name}`)).status, name).toBe(200);
    }
  });

  it('curves, config with origins, health and readiness', async () => {
    const { get, view, url } = await served();
    for (const step of [1, 2]) view.step(row(step));
    const steps = await get('/api/runs/digits/steps');
    expect(steps).toMatchObject({ step: [1, 2], values: { loss: { mean: [1, 0.5] } } });
    expect(await get('/api/runs/digits/config')).toEqual({
      ...{ config: { seed: 1 }, origins: { seed: 'file' }, engines: [] },
    });
    expect(await get('/api/runs')).toMatchObject([{ id: 'digits', steps: 2, mayStop: true }]);
    expect((await fetch(`${url}/api/runs/other/run`)).status).toBe(404);
    expect(await (await fetch(`${url}/healthz`)).text()).toBe('ok\n');
    expect(await (await fetch(`${url}/readyz`)).text()).toBe('training\n');
    const head = await fetch(`${url}/api/runs`, { method: 'HEAD' });
    expect([head.status, await head.text()]).toEqual([200, '']);
  });

  it('a page gets the newest step, though another one asked just before', async () => {
    const { get, view } = await served();
    const steps: number[] = [];
    for (const step of [1, 2, 3]) {
      view.step(row(step));
      steps.push(step);
      for (const page of ['one', 'another']) {
        expect(await get('/api/runs/digits/steps'), page).toMatchObject({ step: steps });
      }
    }
  });

  it('a run is not ready before it can be asked', async () => {
    const server = await serveRuns([]);
    closing.push(() => server.close());
    expect((await fetch(`${server.url}/readyz`)).status).toBe(503);
    expect((await fetch(`${server.url}/metrics`)).status).toBe(503);
  });

  it('the page stops the run with its token, and a fault of that is told', async () => {
    const faults: string[] = [];
    const { url, token, stops, run } = await served({
      onFault: ({ sentence }) => faults.push(sentence),
    });
    const path = `${url}/api/runs/digits/stop`;
    expect((await fetch(path, { method: 'POST' })).status).toBe(403);
    expect(stops).toEqual([]);
    const headers = { 'x-tessera-page': token };
    expect((await fetch(path, { method: 'POST', headers })).status).toBe(202);
    expect(stops).toEqual(['digits']);
    Object.assign(run, { stop: async () => Promise.reject(new Error('no')) });
    expect((await fetch(path, { method: 'POST', headers })).status).toBe(202);
    expect(faults).toHaveLength(1);
  });

  it('a checkpoint is looked at once there is one', async () => {
    const { url, token, get } = await served();
    expect(await get('/api/runs/digits/pictures')).toEqual({ state: 'none', newest: null });
    const headers = { 'x-tessera-page': token };
    const look = await fetch(`${url}/api/runs/digits/look`, { method: 'POST', headers });
    expect([look.status, await look.text()]).toEqual([409, expect.stringContaining('yet')]);
  });
});

describe('events', () => {
  it('a page that comes before the run follows it all the same', async () => {
    const { run, view } = liveRun();
    const runs: (typeof run)[] = [];
    const server = await serveRuns(runs, { limits: { beatMs: 5 } });
    closing.push(() => server.close());
    const text = eventsUntil(server.url, /"text":"late"/);
    runs.push(run);
    view.line('late', 'plain');
    expect(await text).toMatch(/"text":"late"/);
  });

  it('a page that comes back after a break gets what it lacks, and of another process all', async () => {
    const { url, view } = await served({ limits: { beatMs: 5 } });
    view.line('one', 'plain');
    const first = await eventsUntil(url, /"text":"one"/);
    expect(first).toContain('event: fresh');
    const lastId = /id: (\S+-1)\n/.exec(first)?.[1] ?? '';
    view.line('two', 'plain');
    const second = await eventsUntil(url, /"text":"two"/, { 'last-event-id': lastId });
    expect(second).not.toMatch(/fresh|"one"/);
    const other = await eventsUntil(url, /"text":"two"/, { 'last-event-id': 'other-1' });
    expect(other).toMatch(/fresh(.|\n)*"one"/);
  });

  it('the id of a line has its number, whatever characters the process has for itself', () => {
    expect(numberOf('a-b-7', 'a-b')).toBe(7);
    expect(numberOf('a-7', 'a-b')).toBeUndefined();
    expect(numberOf('a-b-x', 'a-b')).toBeUndefined();
    expect(numberOf('', 'a-b')).toBeUndefined();
  });

  it('the end of the server says how the run ended', async () => {
    const { url, close, run } = await served();
    const text = eventsUntil(url, /"phase":"failed"/);
    while (!(await (await fetch(`${url}/metrics`)).text()).includes('page_viewers 1')) {
      await systemClock.sleep(1);
    }
    const ended = runStatus({ phase: 'failed', code: 'CANCELLED' });
    Object.assign(run, { status: () => ended });
    await close();
    expect(await text).toMatch(/"code":"CANCELLED"/);
  });
});

describe('callers that mean harm', () => {
  it.each([
    [
      'a huge head',
      `GET / HTTP/1.1\r\nhost: localhost\r\nx: ${'a'.repeat(1_000_000)}\r\n\r\n`,
      431,
    ],
    ['another name', 'GET /api/runs HTTP/1.1\r\nhost: evil.example\r\n\r\n', 421],
    [
      'another site',
      'GET / HTTP/1.1\r\nhost: localhost\r\nsec-fetch-site: cross-site\r\n\r\n',
      403,
    ],
    ['a path upwards', 'GET /../../etc/passwd HTTP/1.1\r\nhost: localhost\r\n\r\n', 404],
    ['no HTTP', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\r\n\r\n', 400],
    ['another method', 'DELETE /api/runs HTTP/1.1\r\nhost: localhost\r\n\r\n', 405],
  ])('%s is refused', async (_what, head, status) => {
    const { port, url } = await served();
    expect(await exchange(port, head, { ends: true })).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
  });

  it('a slow head is cut off, and a body that nobody reads is not taken for a request', async () => {
    const { port } = await served({ limits: { headMs: 50, requestMs: 100 } });
    expect(await exchange(port, 'GET /api')).toMatch(/^HTTP\/1\.1 408 /);
    const body = 'GET /api/runs/digits/config HTTP/1.1\r\nhost: localhost\r\n\r\n';
    const head = `POST /api/runs HTTP/1.1\r\nhost: localhost\r\ncontent-length: ${body.length}\r\n\r\n`;
    const text = await exchange(port, `${head}${body}`, { ends: true });
    expect(text.match(/HTTP\/1\.1 /g)).toHaveLength(1);
  });

  it('of 500 pages a bounded number follows; the others are told when to come again', async () => {
    const { url, get } = await served({ limits: { viewersMax: 20, connectionsMax: 600 } });
    const leaving = new AbortController();
    const replies = await Promise.all(
      Array.from({ length: 500 }, () => fetch(`${url}/api/events`, { signal: leaving.signal })),
    );
    const full = replies.filter(({ status }) => status === 503);
    expect(full).toHaveLength(480);
    expect(Number(full[0]?.headers.get('retry-after'))).toBeGreaterThan(0);
    leaving.abort();
    expect(await get('/api/runs')).toHaveLength(1);
  });

  it('a page that reads nothing is let go, and the others go on', async () => {
    const { port, url, view } = await served({ limits: { beatMs: 2 } });
    const slow = connect(port, '127.0.0.1');
    const gone = new Promise((done) => slow.once('close', done));
    slow.write('GET /api/events HTTP/1.1\r\nhost: localhost\r\n\r\n');
    slow.pause();
    let isGone = false;
    void gone.then(() => {
      isGone = true;
    });
    while (!isGone) {
      for (let line = 0; line < 200; line++) view.line('x'.repeat(2000), 'plain');
      await systemClock.sleep(5);
      const { viewers } = { viewers: await (await fetch(`${url}/metrics`)).text() };
      if (viewers.includes('page_viewers 0')) slow.resume();
    }
    expect(await eventsUntil(url, /event: state/)).toContain('event: state');
  });

  it('without a credential nothing is served beyond loopback', async () => {
    const { run } = liveRun();
    const options = { source: { runs: () => [run] }, clock: systemClock };
    await expect(serveBoard({ ...options, listen: '0.0.0.0:0' })).rejects.toThrow(
      expect.objectContaining({ code: 'ACCESS_DENIED' }),
    );
    const open = await serveRuns([run], { listen: '0.0.0.0:0', insecure: true });
    closing.push(() => open.close());
    const url = `http://127.0.0.1:${open.port}`;
    const token = /page-token" content="([^"]+)"/.exec(await (await fetch(url)).text())?.[1] ?? '';
    for (const what of ['stop', 'look']) {
      const reply = await fetch(`${url}/api/runs/digits/${what}`, {
        ...{ method: 'POST', headers: { 'x-tessera-page': token } },
      });
      expect(reply.status).toBe(403);
    }
  });
});
