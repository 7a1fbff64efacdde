/** @file Who may call what, checked call by call through TLS; and what a listening coordinator gives away. */

import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect as netConnect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as tlsConnect } from 'node:tls';
import { Client, type ServiceError } from '@grpc/grpc-js';
import { service as healthService } from 'grpc-health-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { initCerts, issueCerts } from '../../../../cli/certs/certs.ts';
import { clientConnection } from '../../../../cli/connect/credentials.ts';
import { serveCoordinator } from '../../../../coordinator/service/service.ts';
import { ACCESS_TABLE } from '../../../../shared/contract/access.ts';
import { isLoopback } from '../../../../shared/core/address.ts';
import { deferred } from '../../../../shared/core/async.ts';
import { TesseraError } from '../../../../shared/core/errors.ts';
import { callUnary } from '../../../../shared/exchange/grpc/calls.ts';
import {
  type ClientSecurity,
  channelCredentials,
} from '../../../../shared/exchange/grpc/credentials.ts';
import { fromStatus } from '../../../../shared/exchange/grpc/errors.ts';
import { fetchStatus, stopRun } from '../../../../shared/exchange/grpc/operator.ts';
import { services } from '../../../../shared/exchange/grpc/protos.ts';
import { type RpcServer, startServer } from '../../../../shared/exchange/grpc/server.ts';
import { createLog } from '../../../../shared/machine/log.ts';
import { createAuthority, issueCertificate } from '../../../../shared/security/certificates.ts';
import { CredentialFolder } from '../../../../shared/security/credentials.ts';
import { refuseExposure } from '../../../../shared/security/listen-policy.ts';
import { KnownToken } from '../../../../shared/security/tokens.ts';
import { Way } from '../../../../tools/reach/measure.ts';
import {
  allOf,
  exchangeTo,
  JOIN,
  LIMITS,
  linkTo,
  NODE,
  NotingPort,
  openSession,
} from '../../../support/loopback.ts';

const WORKER_TOKEN = 'worker-token-0123456789';
const OPERATOR_TOKEN = 'operator-token-0123456789';
const SERVING = { use: 'serving', onFault: () => {} } as const;
const folder = mkdtempSync(join(tmpdir(), 'tessera-access-'));
const certs = join(folder, 'certs');
const port = new NotingPort();
let server: RpcServer;
let credentials: Record<string, ClientSecurity>;

beforeAll(async () => {
  await initCerts({ folder: certs, days: 1, authorityDays: 2 });
  const tls = await CredentialFolder.open(join(certs, 'coordinator'), SERVING);
  const tokens = { worker: new KnownToken(WORKER_TOKEN), operator: new KnownToken(OPERATOR_TOKEN) };
  const log = createLog({ component: 'test', level: 'off' });
  server = await serveCoordinator(port, log, {
    listen: '127.0.0.1:0',
    limits: LIMITS,
    security: { tls, tokens },
  });
  credentials = await makeCredentials();
});

afterAll(async () => {
  await server.stop(0);
  rmSync(folder, { recursive: true });
});

async function makeCredentials(): Promise<Record<string, ClientSecurity>> {
  const of = async (name: string) =>
    (await clientConnection({ certs: join(certs, name) })).security!;
  const bare = (await clientConnection({ ca: join(certs, 'ca.crt') })).security!;
  // Of the same name, as all that `certs init` makes are.
  const foreign = await createAuthority('tessera', 1);
  const shown = async (
    authority: Parameters<typeof issueCertificate>[0],
    days: number,
    role: 'worker' | 'coordinator' = 'worker',
  ) => {
    const wish = { name: 'w', role, hosts: [], days } as const;
    const { certificate, key } = await issueCertificate(authority, wish);
    const identity = { certificate: Buffer.from(certificate), key: Buffer.from(key) };
    return { tls: { current: { ...bare.tls.current, identity }, onChange: () => {} } };
  };
  const own = await ownAuthority();
  return {
    nothing: bare,
    'worker certificate': await of('worker'),
    'operator certificate': await of('operator'),
    'coordinator certificate': await shown(own, 1, 'coordinator'),
    'certificate of another authority': await shown(foreign, 1),
    'expired certificate': await shown(own, -0.001),
    'worker token': { ...bare, token: WORKER_TOKEN },
    'operator token': { ...bare, token: OPERATOR_TOKEN },
    'wrong token': { ...bare, token: 'worker-token-0123456788' },
  };
}

async function ownAuthority() {
  const { readFile } = await import('node:fs/promises');
  const [certificate, key] = await Promise.all(
    ['ca.crt', 'ca.key'].map((name) => readFile(join(certs, name), 'utf8')),
  );
  return { certificate: certificate!, key: key! };
}

const EXECUTABLE = { digest: 'a'.repeat(64), title: 'training' };

type Call = (security: ClientSecurity) => Promise<unknown>;

/** Calls by their methods; what passes the gate may still fail for want of a session. */
const CALLS: Readonly<Record<string, Call>> = {
  '/tessera.v1.Control/Session': async (security) => {
    const session = openSession(linkTo(server.address, { security }), JOIN);
    const error = await Promise.race([session.closed, session.welcome.then(() => undefined)]);
    session.stream.close();
    if (error !== undefined) throw error;
  },
  '/tessera.v1.Control/GetStatus': (security) =>
    fetchStatus({ address: server.address, timeoutMs: 5000, security }),
  '/tessera.v1.Control/StopRun': (security) =>
    stopRun({ address: server.address, timeoutMs: 5000, security }, 'test'),
  '/tessera.v1.Exchange/PushNode': (security) =>
    exchangeWith(security).pushNode(NODE, { gradient: new Float32Array(8), features: [] }),
  '/tessera.v1.Exchange/PullParameters': (security) =>
    exchangeWith(security).pull({ version: 3, first: 0 }, new Float32Array(8)),
  '/tessera.v1.Exchange/FetchSamples': (security) =>
    allOf(exchangeWith(security).fetchSamples('train', [0])),
  '/tessera.v1.Exchange/FetchFeatures': (security) =>
    exchangeWith(security).fetchFeatures('train', [0], { width: 3, numSamples: 10 }),
  '/tessera.v1.Exchange/FetchExecutable': (security) =>
    exchangeWith(security).fetchExecutable(EXECUTABLE),
  '/tessera.v1.Exchange/PushExecutable': (security) =>
    exchangeWith(security).pushExecutable(EXECUTABLE, new Uint8Array(8)),
  '/tessera.v1.Exchange/Probe': async (security) => {
    const way = new Way(server.address, { security });
    await way.other().finally(() => way.close());
  },
  '/grpc.health.v1.Health/Check': (security) => health(security),
  '/grpc.health.v1.Health/Watch': (security) => watchHealth(security),
  '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo': (security) => reflection(security),
};

const exchangeWith = (security: ClientSecurity) => exchangeTo(server.address, 's', { security });

function health(security: ClientSecurity): Promise<unknown> {
  const client = new Client(server.address, channelCredentials(security, '127.0.0.1'), {
    'grpc.ssl_target_name_override': 'localhost',
  });
  const { path, requestSerialize, responseDeserialize } = healthService['Check']!;
  return callUnary({ address: server.address, what: 'health', deadlineMs: 5000 }, (options, done) =>
    client.makeUnaryRequest(path, requestSerialize, responseDeserialize, {}, options, done),
  );
}

function watchHealth(security: ClientSecurity): Promise<unknown> {
  const client = new Client(server.address, channelCredentials(security, '127.0.0.1'), {
    'grpc.ssl_target_name_override': 'localhost',
  });
  const { path, requestSerialize, responseDeserialize } = healthService['Watch']!;
  const call = client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, {});
  return new Promise((resolve, reject) => {
    call.once('data', (answer) => {
      resolve(answer);
      call.cancel();
    });
    call.on('error', (error: ServiceError) =>
      reject(fromStatus(error, { address: server.address, what: 'health', isCancelled: false })),
    );
  });
}

function reflection(security: ClientSecurity): Promise<unknown> {
  const client = new Client(server.address, channelCredentials(security, '127.0.0.1'), {
    'grpc.ssl_target_name_override': 'localhost',
  });
  const path = '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo';
  const nothing = { asIs: (bytes: Buffer) => bytes };
  return new Promise((resolve, reject) => {
    const call = client.makeBidiStreamRequest(path, nothing.asIs, nothing.asIs);
    call.on('data', resolve).on('end', () => resolve(undefined));
    call.on('error', (error: ServiceError) =>
      reject(
        fromStatus(error, { address: server.address, what: 'reflection', isCancelled: false }),
      ),
    );
    // `list_services`, field 7, as an empty string.
    call.write(Buffer.from([0x3a, 0x00]));
    call.end();
  });
}

const ROLE_OF: Readonly<Record<string, 'worker' | 'operator' | undefined>> = {
  nothing: undefined,
  'worker certificate': 'worker',
  'operator certificate': 'operator',
  'coordinator certificate': undefined,
  'certificate of another authority': undefined,
  'expired certificate': undefined,
  'worker token': 'worker',
  'operator token': 'operator',
  'wrong token': undefined,
};

const ALL = Object.entries(ROLE_OF).flatMap(([credential, role]) =>
  Object.keys(CALLS).map((method) => {
    const allowed = ACCESS_TABLE[method];
    const isAllowed = allowed === 'any' || (role !== undefined && allowed?.includes(role) === true);
    return [credential, method, isAllowed] as const;
  }),
);

describe('a coordinator that asks for credentials', () => {
  it.each(ALL)('with %s, %s: allowed is %s', async (credential, method, isAllowed) => {
    const answer = await CALLS[method]!(credentials[credential]!).then(
      () => 'allowed',
      (error: unknown) => TesseraError.from(error).code,
    );
    if (isAllowed) expect(answer).not.toBe('ACCESS_DENIED');
    else expect(answer).toBe('ACCESS_DENIED');
  });

  it('changes nothing for those who may not', () => {
    expect(port.nodes).toEqual([]);
    const stops = port.calls.filter(([name]) => name === 'stopRun');
    expect(stops).toHaveLength(2);
  });

  it('has a rule for each method of the contract', () => {
    const methods = [services.Control.service, services.Exchange.service].flatMap((service) =>
      Object.values(service as Record<string, { path: string }>).map(({ path }) => path),
    );
    expect(methods.filter((path) => ACCESS_TABLE[path] === undefined)).toEqual([]);
  });

  it('says what is wrong to who speaks plaintext', async () => {
    await expect(fetchStatus({ address: server.address, timeoutMs: 2000 })).rejects.toMatchObject({
      code: 'COORDINATOR_UNREACHABLE',
    });
  });

  it('is not believed when another authority has signed for it', async () => {
    const other = await createAuthority('tessera', 1);
    const current = { authority: Buffer.from(other.certificate), identity: undefined };
    const security = { tls: { current, onChange: () => {} }, token: WORKER_TOKEN };
    await expect(
      fetchStatus({ address: server.address, timeoutMs: 2000, security }),
    ).rejects.toMatchObject({
      code: 'ACCESS_DENIED',
      sentence: expect.stringContaining('not signed by a trusted CA'),
    });
  });
});

it('names who shows a certificate that is not accepted, and why', async () => {
  const tls = await CredentialFolder.open(join(certs, 'coordinator'), SERVING);
  const told = deferred<readonly [TesseraError, string, string]>();
  const strict = await startServer('127.0.0.1:0', [], {
    limits: LIMITS,
    security: { tls, tokens: {} },
    report: (...what) => told.resolve(what),
  });
  const security = credentials['expired certificate'];
  await fetchStatus({ address: strict.address, timeoutMs: 5000, security }).catch(() => {});
  const [error, what, peer] = await told.promise;
  expect(error.sentence).toMatch(/certificate has expired/);
  expect(error.hint).toMatch(/tessera certs issue/);
  expect([what, peer]).toEqual(['connection', expect.stringMatching(/^127\.0\.0\.1:\d+$/)]);
  tls.close();
  await strict.stop(0);
});

it("is not believed with a worker's certificate", async () => {
  const { security } = await clientConnection({ certs: join(certs, 'worker') });
  const settings = { limits: LIMITS, security: { ...security!, tokens: {} }, report: () => {} };
  const impostor = await startServer('127.0.0.1:0', [], settings);
  const question = { address: impostor.address, timeoutMs: 5000, security };
  await expect(fetchStatus(question)).rejects.toMatchObject({
    code: 'ACCESS_DENIED',
    sentence: expect.stringContaining('not made for that side'),
  });
  await impostor.stop(0);
});

describe('certificates that change', () => {
  it('are taken without a restart, and bad ones are not', async () => {
    const out = join(folder, 'renewed');
    const wish = {
      folder: certs,
      name: 'first',
      role: 'coordinator',
      host: ['localhost'],
      days: 1,
    } as const;
    await issueCerts({ ...wish, out });
    const source = await CredentialFolder.open(out, SERVING);
    const log = createLog({ component: 'test', level: 'off' });
    const settings = {
      listen: 'localhost:0',
      limits: LIMITS,
      security: { tls: source, tokens: {} },
    };
    const renewing = await serveCoordinator(new NotingPort(), log, settings);
    const { security } = await clientConnection({ certs: join(certs, 'operator') });
    const ask = () => fetchStatus({ address: renewing.address, timeoutMs: 5000, security });
    try {
      await ask();
      const before = source.current.identity!.certificate;
      rmSync(out, { recursive: true });
      await expect(source.reload()).rejects.toMatchObject({ code: 'ACCESS_DENIED' });
      await ask();
      await issueCerts({ ...wish, name: 'second', out });
      await source.reload();
      expect(source.current.identity!.certificate.equals(before)).toBe(false);
      await ask();
    } finally {
      source.close();
      await renewing.stop(0);
    }
  });
});

it('a new authority ends the connections of the one before, a renewed certificate ends none', async () => {
  const out = join(folder, 'revoking');
  const wish = { name: 'c', role: 'coordinator', host: ['localhost'], days: 1, out } as const;
  await issueCerts({ ...wish, folder: certs });
  const tls = await CredentialFolder.open(out, SERVING);
  const told = deferred<string>();
  const report = ({ sentence }: TesseraError) => told.resolve(sentence);
  const settings = { limits: LIMITS, security: { tls, tokens: {} }, report };
  const revoking = await startServer('127.0.0.1:0', [], settings);
  const { identity } = credentials['worker certificate']!.tls.current;
  const standing = tlsConnect({
    ...{ port: revoking.port, rejectUnauthorized: false, ALPNProtocols: ['h2'] },
    ...{ cert: identity!.certificate, key: identity!.key },
  });
  const closed = once(
    standing.resume().on('error', () => {}),
    'close',
  );
  await once(standing, 'secureConnect');
  const renew = async (authority: string) => {
    rmSync(out, { recursive: true });
    await issueCerts({ ...wish, folder: authority });
    await tls.reload();
  };
  // Its settings are the first that a server says.
  await once(standing, 'data');
  await renew(certs);
  const other = join(folder, 'other');
  await initCerts({ folder: other, days: 1, authorityDays: 2 });
  expect(standing.readyState).toBe('open');
  await renew(other);
  expect(await told.promise).toMatch(/no longer signed by a trusted CA/);
  await closed;
  tls.close();
  await revoking.stop(0);
});

it('who begins a TLS handshake and does not end it holds no place', async () => {
  const tls = await CredentialFolder.open(join(certs, 'coordinator'), SERVING);
  const security = { tls, tokens: {} };
  const settings = { limits: LIMITS, security, report: () => {}, firstWordsMs: 300 };
  const strict = await startServer('127.0.0.1:0', [], settings);
  const whole = tlsConnect({ port: strict.port, rejectUnauthorized: false, ALPNProtocols: ['h2'] });
  await once(whole.resume(), 'secureConnect');
  const half = netConnect(strict.port, '127.0.0.1');
  half.write(Uint8Array.of(0x16, 3, 1));
  await once(half.resume(), 'close');
  expect(whole.readyState).toBe('open');
  whole.destroy();
  tls.close();
  await strict.stop(0);
});

describe('plaintext', () => {
  it.each([
    ['127.0.0.1:5', true],
    ['127.8.9.1:5', true],
    ['localhost:5', true],
    ['[::1]:5', true],
    ['0.0.0.0:5', false],
    ['[::]:5', false],
    ['10.0.0.1:5', false],
    ['127.0.0.1.evil.example:5', false],
    ['localhost.evil.example:5', false],
  ])('%s is on this machine alone: %s', (address, expected) => {
    expect(isLoopback(address)).toBe(expected);
  });

  it.each([
    ['0.0.0.0:0', 'ADDRESS'],
    ['[::]:0', 'ADDRESS'],
    ['[fd00::1]:0', 'fd00::1'],
    ['gpu1.local:0', 'gpu1.local'],
  ])('is not served at %s, and the command that mends it is for %s', (listen, host) => {
    const hint = expect.stringContaining(`certs init certs --host ${host}\``);
    expect(() => refuseExposure(listen, {})).toThrow(
      expect.objectContaining({ code: 'ACCESS_DENIED', hint }),
    );
    refuseExposure(listen, { insecure: true });
    refuseExposure(listen, { security: {} });
  });

  it.each(['127.0.0.1', ':0', '127.0.0.1:99999', 'unix:/tmp/socket', 'dns:///127.0.0.1:0'])(
    '%s is no address to serve at, whatever else was typed',
    (listen) => {
      expect(() => refuseExposure(listen, { insecure: true })).toThrow(
        expect.objectContaining({ code: 'USAGE' }),
      );
    },
  );

  it('does not leave this machine unless somebody says so', () => {
    expect(() => linkTo('192.0.2.1:50051')).toThrow(/no credentials/);
    expect(() => exchangeTo('192.0.2.1:50051', 's')).toThrow(/no credentials/);
    linkTo('192.0.2.1:50051', { insecure: true }).close();
    exchangeTo('192.0.2.1:50051', 's', { insecure: true }).close();
  });
});
