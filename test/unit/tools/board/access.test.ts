/** @file The page over TLS: an operator by certificate or token, and nobody else; probes of health need neither. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { initCerts } from '../../../../cli/certs/certs.ts';
import { CredentialFolder } from '../../../../shared/security/credentials.ts';
import { KnownToken } from '../../../../shared/security/tokens.ts';
import { liveRun, serveRuns } from '../../../support/board.ts';

const TOKEN = 'an-operator-token-of-this-test';
const certs = mkdtempSync(join(tmpdir(), 'tessera-page-certs-'));
const { run } = liveRun();
let port = 0;
let close = async () => {};

beforeAll(async () => {
  await initCerts({ folder: certs, days: 1, authorityDays: 2 });
  const tls = await CredentialFolder.open(join(certs, 'coordinator'), {
    use: 'serving',
    onFault: () => {},
  });
  const security = { tls, token: new KnownToken(TOKEN) };
  const server = await serveRuns([run], { security });
  port = server.port;
  close = async () => {
    await server.close();
    tls.close();
  };
});
afterAll(async () => {
  await close();
  rmSync(certs, { recursive: true });
});

/** Status and challenge of a reply. */
async function asked(path: string, headers: Record<string, string> = {}, role?: string) {
  const read = (name: string, of = role ?? 'operator') => readFileSync(join(certs, of, name));
  const own = role === undefined ? {} : { cert: read('tls.crt'), key: read('tls.key') };
  return await new Promise<string>((done, fail) => {
    const options = { host: 'localhost', port, path, headers, agent: false };
    const sent = request({ ...options, ca: read('ca.crt'), ...own }, (reply) => {
      const challenge = reply.headers['www-authenticate'] ?? '';
      reply.resume().on('end', () => done(`${reply.statusCode} ${challenge}`.trim()));
    });
    sent.on('error', fail).end();
  });
}

const basic = (password: string) => ({
  authorization: `Basic ${Buffer.from(`anybody:${password}`).toString('base64')}`,
});
const REFUSED = '401 Basic realm="tessera", charset="UTF-8"';

it.each(['/', '/app.js', '/api/runs', '/api/events', '/metrics', '/api/runs/digits/config'])(
  'without a credential %s is refused, and a browser is asked for one',
  async (path) => expect(await asked(path)).toBe(REFUSED),
);

it('an operator is let in by certificate, by token, and by the token as a password', async () => {
  expect(await asked('/api/runs', {}, 'operator')).toBe('200');
  expect(await asked('/metrics', { authorization: `Bearer ${TOKEN}` })).toBe('200');
  expect(await asked('/', basic(TOKEN))).toBe('200');
});

it('a worker, another token and half a token are not', async () => {
  expect(await asked('/api/runs', {}, 'worker')).toBe(REFUSED);
  expect(await asked('/', basic('another-token-of-this-test'))).toBe(REFUSED);
  expect(await asked('/', basic(TOKEN.slice(0, -1)))).toBe(REFUSED);
  expect(await asked('/', { authorization: 'Basic !!!' })).toBe(REFUSED);
});

it('probes of health need no credential', async () => {
  expect(await asked('/healthz')).toBe('200');
  expect(await asked('/readyz')).toBe('200');
});
