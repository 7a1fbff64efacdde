/** @file Requests go as pip's would: with the certificates, the proxy and the credentials of its settings. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Clock, systemClock } from '../../../../shared/core/clock.ts';
import { createAuthority, issueCertificate } from '../../../../shared/security/certificates.ts';
import { askIndex } from '../../../../tools/engines/wheels/ask.ts';
import { indexSettings } from '../../../../tools/engines/wheels/settings.ts';
import { senderFor } from '../../../../tools/engines/wheels/web.ts';
import { type IndexFile, servePackages, type TestIndex } from '../../../support/package-index.ts';

const root = mkdtempSync(join(tmpdir(), 'tessera-web-'));
afterAll(() => rmSync(root, { recursive: true }));

const FILE: IndexFile = {
  project: 'thing',
  file: 'thing-1-py3-none-any.whl',
  content: Buffer.from('wheel'),
};
const authority = join(root, 'ca.pem');
let secure: { key: string; cert: string };
beforeAll(async () => {
  const ca = await createAuthority('house', 1);
  writeFileSync(authority, ca.certificate);
  const leaf = await issueCertificate(ca, {
    role: 'coordinator',
    name: 'index',
    hosts: ['127.0.0.1'],
    days: 1,
  });
  secure = { key: leaf.key, cert: leaf.certificate };
});

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

async function index(isSecure: boolean): Promise<TestIndex> {
  const make = isSecure
    ? (listener: Parameters<typeof createServer>[1]) =>
        createHttpsServer(secure, listener as never) as unknown as Server
    : undefined;
  const served = await servePackages([FILE], {}, make as never);
  closing.push(served.close);
  return served;
}

/** A proxy that notes what it is asked for, passes plain requests on, and makes tunnels. */
async function proxy(refusal?: number) {
  const seen: { line: string; headers: IncomingMessage['headers'] }[] = [];
  const sockets = new Set<Socket>();
  const server = createServer(async (request, response) => {
    seen.push({ line: `${request.method} ${request.url}`, headers: request.headers });
    const reply = await fetch(request.url ?? '');
    response.writeHead(reply.status, { 'content-type': reply.headers.get('content-type') ?? '' });
    response.end(await reply.text());
  });
  server.on('connect', (request: IncomingMessage, socket: Socket) => {
    seen.push({ line: `CONNECT ${request.url}`, headers: request.headers });
    sockets.add(socket);
    socket.on('error', () => {});
    if (refusal !== undefined) return socket.end(`HTTP/1.1 ${refusal} No\r\n\r\n`);
    const [host = '', port = ''] = (request.url ?? '').split(':');
    const target = connect(Number(port), host, () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      target.pipe(socket).pipe(target);
    });
    sockets.add(target);
    return target.on('error', () => socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(async () => {
    for (const socket of sockets) socket.destroy();
    server.closeAllConnections();
    await new Promise((done) => server.close(done));
  });
  return { url: `http://me:pass@127.0.0.1:${(server.address() as AddressInfo).port}`, seen };
}

/** Pauses between attempts take no time. */
const hurriedClock: Clock = {
  ...systemClock,
  sleep: (delayMs, signal) =>
    delayMs >= 60_000 ? systemClock.sleep(delayMs, signal) : Promise.resolve(),
};

async function ask(address: string, env: NodeJS.ProcessEnv = {}) {
  const settings = indexSettings({ ...env, PIP_INDEX_URL: address }, []);
  const send = await senderFor(settings, env);
  const { signal } = new AbortController();
  const [own = ''] = settings.indexes;
  return await askIndex(own, 'Thing', { send, signal, clock: hurriedClock });
}

const BASIC = `Basic ${btoa('me:pass')}`;

describe('an index', () => {
  it('gets name and password of its address, and no other server does', async () => {
    const { url, requests } = await index(false);
    const files = await ask(url.replace('//', '//me:pass@'));
    expect(files?.map(({ file }) => file)).toEqual([FILE.file]);
    expect(requests[0]?.headers.authorization).toBe(BASIC);
    const other = await index(false);
    const settings = indexSettings({ PIP_INDEX_URL: url.replace('//', '//me:pass@') }, []);
    const send = await senderFor(settings, {});
    await send(new URL(`${other.url}/thing/`), {
      headers: {},
      signal: new AbortController().signal,
    });
    expect(other.requests[0]?.headers.authorization).toBeUndefined();
  });

  it('with a certificate of the house is trusted where the house says so', async () => {
    const { url } = await index(true);
    const files = await ask(url, { SSL_CERT_FILE: authority });
    expect(files).toHaveLength(1);
    await expect(ask(url)).rejects.toMatchObject({
      code: 'TIMEOUT',
      message: expect.stringMatching(/certificate/),
    });
    await expect(ask(url, { PIP_CERT: join(root, 'none.pem') })).rejects.toMatchObject({
      code: 'DATA_INVALID',
      message: expect.stringMatching(/none.pem/),
    });
  });

  it('is asked through a proxy, in the open or in a tunnel', async () => {
    const [plain, tls, via] = [await index(false), await index(true), await proxy()];
    const env = { HTTP_PROXY: via.url, HTTPS_PROXY: via.url, SSL_CERT_FILE: authority };
    expect(await ask(plain.url, env)).toHaveLength(1);
    expect(await ask(tls.url, env)).toHaveLength(1);
    expect(via.seen.map(({ line }) => line)).toEqual([
      `GET ${plain.url}/thing/`,
      `CONNECT ${new URL(tls.url).host}`,
    ]);
    expect(via.seen.map(({ headers }) => headers['proxy-authorization'])).toEqual([BASIC, BASIC]);
    // Not told to the index itself.
    expect(tls.requests[0]?.headers['proxy-authorization']).toBeUndefined();
    expect(await ask(plain.url, { ...env, NO_PROXY: '127.0.0.1' })).toHaveLength(1);
    expect(via.seen).toHaveLength(2);
  });

  it('behind a proxy that refuses, or is of another kind, is refused without a word of the password', async () => {
    const [tls, via] = [await index(true), await proxy(407)];
    const refused = ask(tls.url, { HTTPS_PROXY: via.url });
    await expect(refused).rejects.toThrow(/proxy 127.0.0.1:\d+ returned 407/);
    await expect(refused).rejects.not.toThrow(/pass/);
    await expect(ask(tls.url, { ALL_PROXY: 'socks5://me:pass@h:1' })).rejects.toMatchObject({
      code: 'USAGE',
      message: expect.not.stringMatching(/pass/),
    });
  });
});
