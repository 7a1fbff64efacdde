/** @file `tessera serve` as a process: the logits of the run for concurrent clients, the page in Chromium, TLS, its end. */
import { readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { beforeAll, describe, expect, it } from 'vitest';
import { Model } from '../../tools/inference/model.ts';
import { readModel } from '../../tools/inference/read/read-model.ts';
import { hasChromium, openPage } from '../support/chromium.ts';
import { scratchFolder, TesseraProcess, tessera } from '../support/cluster.ts';
import { modelFlags, photos } from '../support/photos.ts';
import { distance } from '../support/weights.ts';

const LIMIT = 1e-4;
const root = scratchFolder();
let paths: readonly string[] = [];
const expected: Float32Array[] = [];

beforeAll(async () => {
  paths = await photos(join(root, 'photos'));
  const [path, , heads] = modelFlags as [string, string?, string?];
  const trained = await readModel(path, { heads: heads === undefined ? heads : Number(heads) });
  const model = await Model.start(trained, { batchSize: 1 });
  // One by one: threads, which many images are worth, run what was built.
  for (const path of paths) expected.push(...(await model.logits(path)));
  await model.close();
});

async function serve(...flags: string[]) {
  const server = new TesseraProcess(['serve', ...modelFlags, '--port', '0', ...flags], {
    cwd: root,
  });
  const [, url = ''] = await server.printed(/^(https?:\/\/\S+)\n/m);
  return { server, url };
}

describe('on loopback', () => {
  it('20 photos at once have the logits of the run; SIGTERM ends it in order', async () => {
    const { server, url } = await serve('--batch', '4');
    const logits = await Promise.all(
      paths.map(async (path) => {
        const body = readFileSync(path);
        const reply = await fetch(`${url}/predict?logits=1`, { method: 'POST', body });
        return ((await reply.json()) as { readonly logits: number[] }).logits;
      }),
    );
    const farthest = logits.map((row, at) => distance(row, expected[at] as Float32Array));
    expect(Math.max(...farthest)).toBeLessThan(LIMIT);
    const figures = await (await fetch(`${url}/metrics`)).text();
    expect(figures).toContain('tessera_batch_images_sum 20\n');
    const batches = Number(/tessera_batch_images_count (\d+)/.exec(figures)?.[1]);
    expect(batches).toBeLessThan(20);
    server.kill('SIGTERM');
    const ended = await server.ended;
    expect(ended).toMatchObject({ code: 0, stdout: `${url}\n` });
    expect(ended.stderr).toContain('SIGTERM: shutting down gracefully');
  });

  it('what is wrong is said before anything is served', async () => {
    const { server, url } = await serve();
    const { port } = new URL(url);
    const second = await tessera(['serve', ...modelFlags, '--port', port], { cwd: root });
    expect(second.code).toBe(73);
    expect(second.stderr).toMatch(/another program listens on 127\.0\.0\.1:\d+ already/);
    server.kill('SIGTERM');
    await server.ended;
    const open = await tessera(['serve', ...modelFlags, '--host', '0.0.0.0'], { cwd: root });
    expect(open).toMatchObject({ code: 77, stdout: '' });
    expect(open.stderr).toContain('without TLS');
    const absent = await tessera(['serve', ...modelFlags, '--host', '192.0.2.1'], { cwd: root });
    expect(absent).toMatchObject({ code: 77, stdout: '' });
    const elsewhere = ['serve', ...modelFlags, '--host', '127.0.0.1.example.invalid', '--insecure'];
    const unknown = await tessera(elsewhere, { cwd: root });
    expect(unknown).toMatchObject({ code: 2, stdout: '' });
    expect(unknown.stderr).toContain('--host takes an address of this machine');
    const none = await tessera(['serve', 'nowhere'], { cwd: root });
    expect(none.code).toBe(65);
  });

  it.skipIf(!hasChromium)(
    'the page: a photo is chosen by keyboard and dropped, light and dark',
    async () => {
      const { server, url } = await serve();
      const [first = '', second = ''] = paths;
      for (const [colorScheme, width, height] of [
        ['light', 1000, 900],
        ['dark', 390, 844],
      ] as const) {
        const options = { colorScheme, viewport: { width, height } };
        const { page, strayed, faults } = await openPage(url, options);
        const choosing = page.waitForEvent('filechooser');
        await page.keyboard.press('Tab');
        expect(await page.evaluate('document.activeElement.id')).toBe('file');
        await page.keyboard.press('Space');
        await (await choosing).setFiles(first);
        await page.locator('ol li').first().waitFor();
        expect(await page.locator('ol li').count()).toBe(Math.min(5, expected[0]?.length ?? 0));
        const best = Array.from(expected[0] as Float32Array);
        const share = await page.locator('ol li span:last-child').first().textContent();
        const sum = best.reduce((total, value) => total + Math.exp(value - Math.max(...best)), 0);
        expect(share).toBe(`${(100 / sum).toFixed(1)} %`);
        const isWide = await page.evaluate('document.documentElement.scrollWidth > innerWidth');
        expect(isWide).toBe(false);
        await dropFile(page, readFileSync(second));
        await page.waitForFunction(`document.querySelector('img').alt === 'dropped.jpg'`);
        await page.locator('ol li').first().waitFor();
        expect(await page.locator('#view').textContent()).toBe('Choose another photo');
        // A small photo is shown as large as others.
        expect(await page.evaluate(`document.querySelector('img').clientWidth`)).toBeGreaterThan(
          200,
        );
        await dropFile(page, Buffer.from('no photo'));
        await page.locator('#status.bad').waitFor();
        expect(await page.locator('#status').textContent()).toContain('not an image');
        expect({ strayed, faults }).toEqual({ strayed: [], faults: [] });
      }
      server.kill('SIGTERM');
      await server.ended;
    },
  );
});

/** Drops a file on a page. */
async function dropFile(
  page: Awaited<ReturnType<typeof openPage>>['page'],
  bytes: Buffer,
): Promise<void> {
  await page.evaluate(`(() => {
    const bytes = Uint8Array.from(atob(${JSON.stringify(bytes.toString('base64'))}), (c) => c.charCodeAt(0));
    const data = new DataTransfer();
    data.items.add(new File([bytes], 'dropped.jpg'));
    document.dispatchEvent(new DragEvent('drop', { dataTransfer: data, bubbles: true }));
  })()`);
}

it('over TLS: a certificate of the CA or the token, and nothing else', async () => {
  const init = await tessera(['certs', 'init', 'certs', '--host', '127.0.0.1'], { cwd: root });
  expect(init, init.stderr).toMatchObject({ code: 0 });
  const token = await new TesseraProcess(['certs', 'token'], { cwd: root }).ended;
  writeFileSync(join(root, 'token'), token.stdout, { mode: 0o600 });
  const { server, url } = await serve('--certs', 'certs/coordinator', '--token-file', 'token');
  const read = (...names: string[]) => readFileSync(join(root, 'certs', ...names));
  const ca = read('worker', 'ca.crt');
  const own = { cert: read('worker', 'tls.crt'), key: read('worker', 'tls.key') };
  const post = (options: object, path = '/predict') =>
    new Promise<number | undefined>((done, fail) => {
      const sent = request(
        `${url}${path}`,
        { method: 'POST', ca, agent: false, ...options },
        (reply) => {
          reply.resume().on('end', () => done(reply.statusCode));
        },
      );
      sent.on('error', fail).end(sent.method === 'GET' ? '' : readFileSync(paths[0] as string));
    });
  const shown = (text: string) => ({ headers: { authorization: `Bearer ${text}` } });
  expect(await post(own)).toBe(200);
  expect(await post(shown(token.stdout.trim()))).toBe(200);
  expect(await post({})).toBe(401);
  expect(await post(shown('another-token-0123456789'))).toBe(401);
  expect(await post({ method: 'GET' }, '/metrics')).toBe(401);
  expect(await post({ method: 'GET' }, '/health')).toBe(200);
  // A session that is resumed has no more rights than the one before.
  const session = await sessionOf(url, ca);
  expect(await post({ session })).toBe(401);
  server.kill('SIGTERM');
  expect(await server.ended).toMatchObject({ code: 0 });
});

/** A session of TLS 1.3 of a caller without a certificate, to be resumed. */
async function sessionOf(url: string, ca: Buffer): Promise<Buffer> {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port), ca });
  try {
    return await new Promise<Buffer>((done, fail) => {
      socket.on('session', done).on('error', fail);
      socket.write('GET /health HTTP/1.1\r\nhost: x\r\n\r\n');
    });
  } finally {
    socket.destroy();
  }
}
