/** @file The folder by which nodes get their credentials: made, completed, used as it is, or refused. */
import { X509Certificate } from 'node:crypto';
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readAddresses, removeAddresses, writeAddresses } from '../../../launch/up/address-file.ts';
import { isOwn, prepareJoinFolder, refuseOpenFolder } from '../../../launch/up/join-folder.ts';
import { fullNamesIn } from '../../../launch/up/machine.ts';
import { joinFolderOf } from '../../../launch/up/paths.ts';
import { clientSecurity, serverSecurity } from '../../../shared/exchange/grpc/security.ts';
import { clusterCredentials } from '../../../shared/security/cluster-credentials.ts';
import { temporaryFolder } from '../../support/data.ts';

const NODE = { first: 'n1', hosts: ['n1', 'n1.cluster', '10.0.0.1', 'fd00::1', 'fe80::1%eth0'] };

const certificateIn = (folder: string, role: string) =>
  new X509Certificate(readFileSync(join(folder, role, 'tls.crt')));

async function aFolder(): Promise<string> {
  return join(await temporaryFolder(), 'join');
}

/** Writes credentials as a Secret has them: without the authority's key. */
async function asSecret(folder: string, hosts: readonly string[]): Promise<void> {
  for (const { path, text, mode } of await clusterCredentials({ hosts, days: 9 })) {
    mkdirSync(dirname(join(folder, path)), { recursive: true, mode: 0o700 });
    writeFileSync(join(folder, path), text, { mode });
  }
}

/** A folder is watched until the process ends, and so after a test has removed it. */
const ignore = () => {};

describe('the first node', () => {
  it('makes an authority and all credentials, which only the user can read', async () => {
    const folder = await aFolder();
    const made = await prepareJoinFolder(folder, NODE);
    expect(made).toEqual({ folder, certs: join(folder, 'coordinator'), isOurs: true });
    const modes = (path: string) => statSync(join(folder, path)).mode & 0o777;
    expect(['', 'worker', 'coordinator'].map(modes)).toEqual([0o700, 0o700, 0o700]);
    expect(['ca.key', 'worker/tls.key', 'coordinator/tls.key'].map(modes)).toEqual([
      0o600, 0o600, 0o600,
    ]);
    const certificate = certificateIn(folder, 'coordinator');
    for (const host of ['n1', 'n1.cluster', 'localhost']) {
      expect(certificate.checkHost(host)).toBe(host);
    }
    for (const address of ['10.0.0.1', 'fd00::1', '127.0.0.1']) {
      expect(certificate.checkIP(address)).toBe(address);
    }
    // Both ends take them as they are.
    expect(await serverSecurity({ certs: made.certs }, 'x'.repeat(40), ignore)).toBeDefined();
    expect(await clientSecurity({ certs: join(folder, 'worker') }, ignore)).toBeDefined();
  });

  it('keeps what is good, so that workers that wait can still join, and makes what is missing', async () => {
    const folder = await aFolder();
    await prepareJoinFolder(folder, NODE);
    const printOf = (role: string) => certificateIn(folder, role).fingerprint256;
    const [worker, coordinator] = [printOf('worker'), printOf('coordinator')];
    await prepareJoinFolder(folder, NODE);
    expect([printOf('worker'), printOf('coordinator')]).toEqual([worker, coordinator]);
    // It has moved: another name, the same authority.
    await prepareJoinFolder(folder, { first: 'n2', hosts: ['n2'] });
    expect(printOf('worker')).toBe(worker);
    expect(certificateIn(folder, 'coordinator').checkHost('n2')).toBe('n2');
    rmSync(join(folder, 'worker', 'tls.crt'));
    await prepareJoinFolder(folder, { first: 'n2', hosts: ['n2'] });
    expect(printOf('worker')).not.toBe(worker);
    expect(await clientSecurity({ certs: join(folder, 'worker') }, ignore)).toBeDefined();
  });

  it('that died while it made them makes them again, by one authority', async () => {
    const folder = await aFolder();
    await prepareJoinFolder(folder, NODE);
    rmSync(join(folder, 'ca.crt'));
    rmSync(join(folder, 'coordinator'), { recursive: true });
    expect(await isOwn(folder)).toBe(false);
    await prepareJoinFolder(folder, NODE);
    expect(await isOwn(folder)).toBe(true);
    const authority = new X509Certificate(readFileSync(join(folder, 'ca.crt')));
    for (const role of ['coordinator', 'worker', 'operator']) {
      expect(certificateIn(folder, role).verify(authority.publicKey)).toBe(true);
    }
    expect(readdirSync(join(folder, 'worker')).sort()).toEqual(['ca.crt', 'tls.crt', 'tls.key']);
  });

  it('uses what others have put there, if it is for its name', async () => {
    const folder = await aFolder();
    await asSecret(folder, ['digits-0.ring']);
    const secret = { first: 'digits-0.ring', hosts: ['digits-0.ring', 'digits-0'] };
    const used = await prepareJoinFolder(folder, secret);
    expect(used).toEqual({ folder, certs: join(folder, 'coordinator'), isOurs: false });
    const names = readdirSync(folder).sort();
    expect(names).toEqual(['ca.crt', 'coordinator', 'operator', 'worker']);
    await expect(prepareJoinFolder(folder, NODE)).rejects.toMatchObject({
      code: 'ACCESS_DENIED',
      sentence: expect.stringMatching(/is not for n1, .*digits-0\.ring/),
      hint: expect.stringMatching(/tessera certs issue/),
    });
  });

  it('puts no keys where others can write, and trusts none there', async () => {
    const folder = await aFolder();
    mkdirSync(folder);
    chmodSync(folder, 0o777);
    const open = { code: 'ACCESS_DENIED', sentence: expect.stringMatching(/others can write/) };
    await expect(prepareJoinFolder(folder, NODE)).rejects.toMatchObject(open);
    await expect(refuseOpenFolder(folder)).rejects.toMatchObject(open);
    chmodSync(folder, 0o755);
    await prepareJoinFolder(folder, NODE);
    chmodSync(join(folder, 'ca.key'), 0o644);
    await expect(prepareJoinFolder(folder, NODE)).rejects.toMatchObject({ code: 'ACCESS_DENIED' });
  });
});

describe('the address that the first node leaves there', () => {
  it('is read by the nodes of the same start of the job only', async () => {
    const folder = await temporaryFolder();
    expect(await readAddresses(folder, '7.0')).toBeUndefined();
    const addresses = ['n1:4000', '[fd00::1]:4000'];
    await writeAddresses(folder, { life: '7.0', addresses });
    expect(await readAddresses(folder, '7.0')).toEqual(addresses);
    expect(await readAddresses(folder, '7.1')).toBeUndefined();
    await writeAddresses(folder, { life: '', addresses });
    expect(await readAddresses(folder, '')).toEqual(addresses);
    await removeAddresses(folder);
    expect(await readAddresses(folder, '')).toBeUndefined();
  });

  it.each(['', 'n1:4000', 'tessera-join/1\n', 'tessera-join/1\nn1', 'tessera-join/1 7.0\nn1:1'])(
    'is not read from %j',
    async (text) => {
      const folder = await temporaryFolder();
      writeFileSync(join(folder, 'address'), text);
      expect(await readAddresses(folder, '')).toBeUndefined();
    },
  );
});

it('the folder is beside that of the run, and full names are those of a hosts file', () => {
  expect(joinFolderOf('runs/digits-7')).toBe('runs/.join/digits-7');
  expect(joinFolderOf('/shared/run/')).toBe('/shared/.join/run');
  const text =
    '127.0.0.1 localhost\n# digits-1.x digits-1\n10.1.1.1\tdigits-1.ring.ns digits-1 # it\n';
  expect(fullNamesIn(text, 'digits-1')).toEqual(['digits-1.ring.ns']);
  expect(fullNamesIn('', 'digits-1')).toEqual([]);
});
