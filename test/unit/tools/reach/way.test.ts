/** @file Each fault that can be planted on loopback is named by the check that is about it, and the ones after it are not made. */
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { initCerts } from '../../../../cli/certs/certs.ts';
import { clientConnection } from '../../../../cli/connect/credentials.ts';
import { serveCoordinator } from '../../../../coordinator/service/service.ts';
import { PROTOCOL_VERSION } from '../../../../shared/contract/messages.ts';
import { METHODS } from '../../../../shared/exchange/grpc/bulk/methods.ts';
import { download, takeCalls } from '../../../../shared/exchange/grpc/bulk/server.ts';
import { type RpcServer, startServer } from '../../../../shared/exchange/grpc/server.ts';
import { createLog } from '../../../../shared/machine/log.ts';
import { CredentialFolder } from '../../../../shared/security/credentials.ts';
import { type Check, checkWay, type WayPlan } from '../../../../tools/reach/way.ts';
import { LIMITS, NotingPort } from '../../../support/loopback.ts';

const folder = mkdtempSync(join(tmpdir(), 'tessera-way-'));
const certs = join(folder, 'certs');
const others = join(folder, 'others');
const log = createLog({ component: 'test', level: 'off' });
const port = new NotingPort();
let secure: RpcServer;
let plain: RpcServer;

beforeAll(async () => {
  await initCerts({ folder: certs, days: 1, authorityDays: 2 });
  await initCerts({ folder: others, days: 1, authorityDays: 2 });
  const use = { use: 'serving', onFault: () => {} } as const;
  const tls = await CredentialFolder.open(join(certs, 'coordinator'), use);
  const settings = { listen: '127.0.0.1:0', limits: LIMITS };
  secure = await serveCoordinator(port, log, { ...settings, security: { tls, tokens: {} } });
  plain = await serveCoordinator(port, log, settings);
});

afterAll(async () => {
  await Promise.all([secure.stop(0), plain.stop(0)]);
  rmSync(folder, { recursive: true });
});

/** The checks of a way, with the credentials of a folder or in plaintext. */
async function check(address: string, credentials?: string, plan: Partial<WayPlan> = {}) {
  const checks: Check[] = [];
  const { works, numbers } = await checkWay({
    address,
    credentials: async () =>
      credentials === undefined
        ? undefined
        : (await clientConnection({ certs: credentials })).security,
    ...{ insecure: false, role: undefined, step: undefined },
    onCheck: (each) => checks.push(each),
    ...plan,
  });
  const failed = checks.filter(({ outcome }) => outcome === 'failed');
  return { works, numbers, checks, failed: failed[0] };
}

describe('the way to a coordinator', () => {
  it.each(['worker', 'operator'])('works for the role %s', async (role) => {
    const { works, numbers, checks } = await check(secure.address, join(certs, role));
    expect(checks.map(({ check, outcome }) => `${check}: ${outcome}`)).toEqual([
      ...['credentials', 'name', 'tcp', 'packets', 'tls', 'authority', 'role', 'version'].map(
        (name) => `${name}: passed`,
      ),
      ...['roundTrip: passed', 'bandwidth: passed', 'step: skipped'],
    ]);
    expect(works).toBe(true);
    expect(numbers.roundTrip).toBeGreaterThan(0);
    expect(Math.min(numbers.bandwidth?.there ?? 0, numbers.bandwidth?.back ?? 0)).toBeGreaterThan(
      0,
    );
    expect(checks.find(({ check }) => check === 'role')?.text).toContain(`${role}: good for`);
  });

  it('works in plaintext, and changes nothing in the run', async () => {
    const { works, checks } = await check(plain.address, undefined, { step: async () => '5 %' });
    expect(works).toBe(true);
    expect(checks.at(-1)).toEqual({ check: 'step', outcome: 'passed', text: '5 %' });
    expect(port.calls).toEqual([]);
  });
});

describe('a planted fault is named', () => {
  it('wrong port', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port: free } = server.address() as AddressInfo;
    await new Promise((done) => server.close(done));
    const { failed, checks, works } = await check(`127.0.0.1:${free}`);
    expect(works).toBe(false);
    expect(failed).toMatchObject({
      check: 'tcp',
      text: expect.stringContaining('nothing listens'),
    });
    expect(failed?.hint).toContain('is this its port?');
    expect(checks.at(-1)?.outcome).toBe('skipped');
  });

  it('a port of another program', async () => {
    const server = createServer((socket) => socket.on('error', () => {}).end('SSH-2.0-x\r\n'));
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const { failed } = await check(`127.0.0.1:${(server.address() as AddressInfo).port}`);
    server.close();
    expect(failed).toMatchObject({ check: 'tls', text: expect.stringContaining('an SSH server') });
  });

  it('no DNS', async () => {
    const { failed } = await check('no-such-host.invalid:50051');
    expect(failed).toMatchObject({ check: 'name', code: 'COORDINATOR_UNREACHABLE' });
    expect(failed?.text).toContain('no-such-host.invalid does not resolve');
  });

  it('no TLS there, and none here', async () => {
    const there = await check(plain.address, join(certs, 'worker'));
    expect(there.failed).toMatchObject({
      check: 'tls',
      text: expect.stringContaining('plaintext'),
    });
    const here = await check(secure.address);
    expect(here.failed).toMatchObject({
      check: 'tls',
      text: expect.stringContaining('speaks TLS'),
    });
  });

  it('wrong CA', async () => {
    const { failed } = await check(secure.address, join(others, 'worker'));
    expect(failed).toMatchObject({
      check: 'authority',
      text: expect.stringContaining('not signed by a trusted CA'),
      hint: expect.stringContaining('ca.crt'),
    });
  });

  it('wrong role', async () => {
    const { failed } = await check(secure.address, join(certs, 'operator'), { role: 'worker' });
    expect(failed).toMatchObject({ check: 'role', hint: expect.stringContaining('--role worker') });
    const coordinators = await check(secure.address, join(certs, 'coordinator'));
    expect(coordinators.failed).toMatchObject({ check: 'credentials', code: 'ACCESS_DENIED' });
  });

  it('no credential', async () => {
    const { failed } = await check(secure.address, undefined, {
      credentials: async () => (await clientConnection({ ca: join(certs, 'ca.crt') })).security,
    });
    expect(failed).toMatchObject({
      check: 'role',
      text: expect.stringContaining('none was shown'),
    });
  });

  it.each([
    ['another protocol', PROTOCOL_VERSION + 1],
    ['no probes', undefined],
  ])('other version: %s', async (_, protocolVersion) => {
    const report = () => {};
    const service = { report, messageBytes: LIMITS.messageBytes, streamMs: 5000 };
    const probe = download(service, METHODS.probe, async function* () {
      if (protocolVersion !== undefined)
        yield { protocolVersion, tesseraVersion: '9.1.0', role: '' };
    });
    const server = await startServer('127.0.0.1:0', [], {
      ...{ limits: LIMITS, report },
      takeStream: takeCalls(protocolVersion === undefined ? [] : [probe]),
    });
    const { failed } = await check(server.address);
    await server.stop(0);
    expect(failed).toMatchObject({ check: 'version', code: 'PROTOCOL_MISMATCH' });
    expect(failed?.hint).toContain('install the same version');
    if (protocolVersion !== undefined) expect(failed?.text).toContain('9.1.0');
  });
});
