/** @file Whatever sits at an address is named, for those who come in plaintext and those who come with TLS. */
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer as createHttp } from 'node:http';
import { createServer as createHttp2, createSecureServer } from 'node:http2';
import { createServer as createHttps } from 'node:https';
import { type AddressInfo, createServer as createTcp, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { initCerts } from '../../../../cli/certs/certs.ts';
import { clientConnection } from '../../../../cli/connect/credentials.ts';
import { serveCoordinator } from '../../../../coordinator/service/service.ts';
import { deferred } from '../../../../shared/core/async.ts';
import { TesseraError } from '../../../../shared/core/errors.ts';
import { grpcSessionCalls } from '../../../../shared/exchange/grpc/control-line.ts';
import { clearerError, fetchStatus } from '../../../../shared/exchange/grpc/operator.ts';
import { type RpcServer, startServer } from '../../../../shared/exchange/grpc/server.ts';
import { probeAddress } from '../../../../shared/exchange/probe/probe.ts';
import { errorFor } from '../../../../shared/exchange/probe/unclear.ts';
import { createLog } from '../../../../shared/machine/log.ts';
import { CredentialFolder } from '../../../../shared/security/credentials.ts';
import { LIMITS, NotingPort } from '../../../support/loopback.ts';

const folder = mkdtempSync(join(tmpdir(), 'tessera-unclear-'));
const certs = join(folder, 'certs');
const servers: Server[] = [];
const coordinators: RpcServer[] = [];
/** Addresses of what is there, by name. */
const at: Record<string, string> = {};

async function listen(name: string, server: Server): Promise<void> {
  await once(server.listen(0, '127.0.0.1'), 'listening');
  servers.push(server);
  at[name] = `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** A server of TCP that does one thing to each connection. */
function tcp(serve: (socket: Socket) => void): Server {
  return createTcp((socket) => serve(socket.on('error', () => {})));
}

async function coordinator(name: string, isSecure: boolean, port = new NotingPort()) {
  const options = { use: 'serving', onFault: () => {} } as const;
  const tls = isSecure && (await CredentialFolder.open(join(certs, 'coordinator'), options));
  const server = await serveCoordinator(port, createLog({ component: 'test', level: 'off' }), {
    listen: '127.0.0.1:0',
    limits: LIMITS,
    ...(tls && { security: { tls, tokens: {} } }),
  });
  coordinators.push(server);
  at[name] = server.address;
}

beforeAll(async () => {
  await initCerts({ folder: certs, days: 1, authorityDays: 2 });
  const read = (file: string) => readFileSync(join(certs, 'coordinator', file));
  const pair = { key: read('tls.key'), cert: read('tls.crt') };
  await listen(
    'http1',
    createHttp((_, answer) => answer.end('hello')),
  );
  await listen(
    'http2',
    createHttp2((_, answer) => answer.end('hello')),
  );
  await listen(
    'https1',
    createHttps(pair, (_, answer) => answer.end('hello')),
  );
  await listen(
    'https2',
    createSecureServer(pair, (_, answer) => answer.end('hello')),
  );
  await listen(
    'gateway',
    createHttp2((_, answer) => answer.writeHead(503).end()),
  );
  await listen(
    'ssh',
    tcp((socket) => socket.write('SSH-2.0-OpenSSH_9.6\r\n')),
  );
  await listen(
    'redis',
    tcp((s) => s.once('data', () => s.write("-ERR unknown command 'PRI'\r\n"))),
  );
  await listen(
    'mysql',
    tcp((socket) => socket.write('J\0\0\0\n8.0.36\0')),
  );
  await listen(
    'else',
    tcp((socket) => socket.write('\x1b[31mhello\r\n')),
  );
  await listen(
    'silent',
    tcp((socket) => socket.resume()),
  );
  await listen(
    'closes',
    tcp((socket) => socket.end()),
  );
  await listen(
    'resets',
    tcp((s) => s.once('data', () => s.resetAndDestroy())),
  );
  await coordinator('plaintext coordinator', false);
  await coordinator('TLS coordinator', true);
});

afterAll(async () => {
  for (const server of servers) server.close();
  await Promise.all(coordinators.map((server) => server.stop(0)));
  rmSync(folder, { recursive: true });
});

const STRANGER = 'PROTOCOL_MISMATCH';
const AWAY = 'COORDINATOR_UNREACHABLE';
const DENIED = 'ACCESS_DENIED';
/** What is there, and what a command says of it: without TLS, and with it where that is something else. */
const CASES: readonly (readonly [
  string,
  readonly [string, RegExp],
  (readonly [string, RegExp])?,
])[] = [
  ['http1', [STRANGER, /is a web server \(HTTP\/1\), not a coordinator/]],
  ['http2', [STRANGER, /is a web server \(HTTP\/2\)/]],
  ['https1', [STRANGER, /is a TLS server without HTTP\/2/]],
  ['https2', [STRANGER, /is a web server \(HTTP\/2 with TLS\)/]],
  ['ssh', [STRANGER, /is an SSH server/]],
  ['redis', [STRANGER, /is Redis/]],
  ['mysql', [STRANGER, /is a MySQL server/]],
  ['else', [STRANGER, /is a program that says "\[31mhello"/]],
  ['closes', [AWAY, /accepts connections and closes them/]],
  ['resets', [AWAY, /accepts connections and closes them/]],
  ['TLS coordinator', [DENIED, /speaks TLS, and this side came in plaintext/], [AWAY, /^$/]],
  ['plaintext coordinator', [AWAY, /^$/], [DENIED, /speaks plaintext, and this side came with/]],
];

async function security() {
  return (await clientConnection({ certs: join(certs, 'operator') })).security;
}

describe.each([false, true])('a question with TLS: %s', (isSecure) => {
  const named = CASES.map(([name, plain, tls]) => [name, ...((isSecure && tls) || plain)] as const);
  it.each(named.filter(([, , sentence]) => sentence.source !== '^$'))(
    'that meets %s is told %s',
    async (name, code, sentence) => {
      const address = at[name] as string;
      const question = {
        address,
        timeoutMs: 5000,
        security: isSecure ? await security() : undefined,
      };
      const error = await fetchStatus(question).then(
        () => undefined,
        (thrown: unknown) => clearerError(TesseraError.from(thrown), { address, isSecure }),
      );
      expect(error?.sentence).toMatch(sentence);
      expect(error?.sentence).toContain(address);
      expect(error).toMatchObject({ code, hint: expect.any(String) });
    },
  );
});

it('a session that meets TLS in plaintext, and the other way round, ends with that', async () => {
  for (const [name, shown] of [
    ['TLS coordinator', undefined],
    ['plaintext coordinator', await security()],
  ] as const) {
    const calls = grpcSessionCalls(at[name] as string, { security: shown });
    const closed = deferred<TesseraError | undefined>();
    calls.open(5000, { onMessage: () => {}, onClosed: closed.resolve });
    const error = await closed.promise;
    expect(error).toMatchObject({
      code: 'ACCESS_DENIED',
      hint: expect.stringContaining('--certs'),
    });
    calls.close();
  }
});

it('a gateway whose coordinator is away is not taken for another program', async () => {
  const asked = fetchStatus({ address: at['gateway'] as string, timeoutMs: 5000 });
  await expect(asked).rejects.toMatchObject({
    code: 'COORDINATOR_UNREACHABLE',
    sentence: expect.stringContaining('gateway'),
  });
});

it('who says nothing is told from who is not there', async () => {
  const look = { tlsFirst: true, lookMs: 100 };
  expect(await probeAddress(at['silent'] as string, look)).toEqual({ what: 'silent' });
  const gone = createTcp();
  await listen('gone', gone);
  gone.close();
  await once(gone, 'close');
  expect(await probeAddress(at['gone'] as string, look)).toEqual({ what: 'nothing' });
  const place = { address: 'x:1', isSecure: false, error: new TesseraError('TIMEOUT', 'late') };
  expect(errorFor({ what: 'nothing' }, place)).toBeUndefined();
  expect(errorFor({ what: 'silent' }, place)?.sentence).toMatch(/says nothing/);
  expect(errorFor({ what: 'noAnswer' }, place)?.hint).toMatch(/firewall/);
});

it('what listens on a port that is taken is named', async () => {
  for (const [name, holder, hint] of [
    ['http1', 'a web server (HTTP/1)', /another port/],
    ['plaintext coordinator', 'a gRPC server, such as a coordinator', /tessera status 127/],
  ] as const) {
    const start = startServer(at[name] as string, [], { limits: LIMITS, report: () => {} });
    await expect(start).rejects.toMatchObject({
      code: 'PORT_IN_USE',
      sentence: expect.stringContaining(`already: ${holder}`),
      hint: expect.stringMatching(hint),
    });
  }
});
