/** @file Credential folders and tokens on a disk: what is taken, what is refused by name; and what `tessera certs` makes. */
import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as x509 from '@peculiar/x509';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { initCerts, issueCerts } from '../../../../cli/certs/certs.ts';
import { serverSecurity } from '../../../../shared/exchange/grpc/security.ts';
import { describeCertificate } from '../../../../shared/security/certificates.ts';
import {
  type CertificateUse,
  CredentialFolder,
  readAuthority,
} from '../../../../shared/security/credentials.ts';
import { readToken } from '../../../../shared/security/tokens.ts';

const folder = mkdtempSync(join(tmpdir(), 'tessera-credentials-'));
const certs = join(folder, 'certs');
const TOKEN = 'a-token-of-23-characters';

beforeAll(async () => {
  vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  await initCerts({ folder: certs, days: 1, authorityDays: 2 });
});
afterAll(() => {
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true });
});

const open = async (path: string, use: CertificateUse = 'calling') =>
  (await CredentialFolder.open(path, { use, onFault: () => {} })).close();

const denied = (sentence: RegExp) => ({
  code: 'ACCESS_DENIED',
  sentence: expect.stringMatching(sentence),
});

interface Made {
  readonly certificate: x509.X509Certificate;
  readonly key: webcrypto.CryptoKey;
  readonly pem: string;
}
interface Wish {
  readonly above?: Made;
  readonly isAuthority?: boolean;
  readonly fromMs?: number;
  readonly toMs?: number;
}

/** A certificate such as an authority of somebody else's own makes. */
async function made(name: string, wish: Wish = {}): Promise<Made> {
  const { above, isAuthority = false, fromMs = -60_000, toMs = 60_000 } = wish;
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const certificate = await x509.X509CertificateGenerator.create({
    subject: `CN=${name}, OU=worker`,
    issuer: above?.certificate.subject ?? `CN=${name}, OU=worker`,
    notBefore: new Date(Date.now() + fromMs),
    notAfter: new Date(Date.now() + toMs),
    signingAlgorithm: algorithm,
    publicKey: keys.publicKey,
    signingKey: above?.key ?? keys.privateKey,
    extensions: [new x509.BasicConstraintsExtension(isAuthority, undefined, true)],
  });
  return { certificate, key: keys.privateKey, pem: `${certificate.toString('pem')}\n` };
}

async function writeFolder(name: string, authority: string, chain: readonly Made[]) {
  const path = join(folder, name);
  mkdirSync(path);
  writeFileSync(join(path, 'ca.crt'), authority);
  writeFileSync(join(path, 'tls.crt'), chain.map(({ pem }) => pem).join(''));
  const [leaf] = chain as [Made];
  const key = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', leaf.key)).toString('base64');
  const pem = `-----BEGIN PRIVATE KEY-----\n${key}\n-----END PRIVATE KEY-----\n`;
  writeFileSync(join(path, 'tls.key'), pem, { mode: 0o600 });
  return path;
}

describe('a credential folder', () => {
  it('may come from an authority with another between it and the leaf', async () => {
    const root = await made('root', { isAuthority: true });
    const between = await made('between', { isAuthority: true, above: root });
    const leaf = await made('leaf', { above: between });
    await open(await writeFolder('chain', root.pem, [leaf, between]));
    const cut = await writeFolder('cut', root.pem, [leaf]);
    await expect(open(cut)).rejects.toMatchObject(
      denied(/cut\/tls\.crt was not signed by ca\.crt/),
    );
  });

  it('may trust the authority before it too', async () => {
    const before = await made('before', { isAuthority: true });
    const now = await made('now', { isAuthority: true });
    const leaf = await made('leaf', { above: now });
    await open(await writeFolder('two', before.pem + now.pem, [leaf]));
  });

  it('is refused when something that may not has signed it', async () => {
    const root = await made('root', { isAuthority: true });
    const worker = await made('worker', { above: root });
    const leaf = await made('leaf', { above: worker });
    const path = await writeFolder('usurped', root.pem, [leaf, worker]);
    await expect(open(path)).rejects.toMatchObject(denied(/was not signed by/));
  });

  it('is refused before its time, and when its authority has had its', async () => {
    const root = await made('root', { isAuthority: true });
    const early = await made('early', { above: root, fromMs: 30_000 });
    const path = await writeFolder('early', root.pem, [early]);
    await expect(open(path)).rejects.toMatchObject(denied(/early\/tls\.crt is not valid before/));
    const dead = await made('dead', { isAuthority: true, toMs: -30_000 });
    const leaf = await made('leaf', { above: dead });
    const late = await writeFolder('late', dead.pem, [leaf]);
    await expect(open(late)).rejects.toMatchObject(denied(/late\/ca\.crt has expired/));
    await expect(readAuthority(join(late, 'ca.crt'))).rejects.toMatchObject(denied(/has expired/));
  });

  it("is for its use alone: a worker's does not serve, a coordinator's does not call", async () => {
    await open(join(certs, 'worker'));
    await open(join(certs, 'coordinator'), 'serving');
    await expect(open(join(certs, 'worker'), 'serving')).rejects.toMatchObject(
      denied(/worker\/tls\.crt is not for serving/),
    );
    await expect(open(join(certs, 'coordinator'))).rejects.toMatchObject(
      denied(/coordinator\/tls\.crt is not for calling/),
    );
  });

  it('holds files, not what never ends', async () => {
    const path = join(folder, 'endless');
    mkdirSync(path);
    for (const file of readdirSync(join(certs, 'worker'))) {
      copyFileSync(join(certs, 'worker', file), join(path, file));
    }
    rmSync(join(path, 'tls.crt'));
    symlinkSync('/dev/zero', join(path, 'tls.crt'));
    await expect(open(path)).rejects.toMatchObject(denied(/tls\.crt: it is a device/));
  });

  it('needs the certificate of an authority to trust', async () => {
    const leaf = join(certs, 'worker', 'tls.crt');
    await expect(readAuthority(leaf)).rejects.toMatchObject(denied(/not the certificate of a CA/));
  });
});

describe('a token', () => {
  const file = (name: string, text: string, mode = 0o600) => {
    const path = join(folder, name);
    writeFileSync(path, text);
    chmodSync(path, mode);
    return path;
  };

  it.each([
    ['no line end', TOKEN],
    ['CR and LF', `${TOKEN}\r\n`],
    ['more lines', `${TOKEN}\nmore\n`],
  ])('is the first line of a file with %s', async (name, text) => {
    expect(await readToken(file(name, text))).toBe(TOKEN);
  });

  it.each([
    ['empty', ''],
    ['short', 'short\n'],
    ['of two words', 'sixteen characters and a space\n'],
    ['long', `${'x'.repeat(513)}\n`],
  ])('is not %s', async (name, text) => {
    await expect(readToken(file(name, text))).rejects.toMatchObject(denied(/holds no token/));
  });

  it('that others can read is no secret', async () => {
    const path = file('seen', TOKEN, 0o644);
    await expect(readToken(path)).rejects.toMatchObject(denied(/seen can be read by others/));
  });

  it('that root has given to our group is not open to others; one of the user, or for all, is', async () => {
    const path = join(folder, 'of the group');
    writeFileSync(path, TOKEN);
    chmodSync(path, 0o440);
    const isRoot = process.getuid?.() === 0;
    const read = readToken(path);
    // As a Secret of Kubernetes with an fsGroup is mounted.
    if (isRoot) expect(await read).toBe(TOKEN);
    else await expect(read).rejects.toMatchObject(denied(/can be read by others/));
    if (isRoot) {
      chownSync(path, 0, 54_321);
      await expect(readToken(path)).rejects.toMatchObject(denied(/can be read by others/));
      chownSync(path, 54_321, 0);
      await expect(readToken(path)).rejects.toMatchObject(denied(/can be read by others/));
      chownSync(path, 0, 0);
    }
    for (const mode of [0o444, 0o644, 0o660]) {
      chmodSync(path, mode);
      await expect(readToken(path)).rejects.toMatchObject(denied(/can be read by others/));
    }
  });

  it.each([['-'], [join(folder, 'one')]])('cannot be for both roles (%s)', async (path) => {
    const flags = { certs, tokenFile: path, operatorTokenFile: path };
    await expect(serverSecurity(flags, TOKEN, () => {})).rejects.toMatchObject({ code: 'USAGE' });
  });
});

describe('tessera certs', () => {
  const issue = { folder: certs, role: 'worker', days: 1 } as const;

  it.each(['..', '.', '', '../up', 'a/b', '-x', 'x, OU=operator', 'x+OU=operator', '#41', 'a\nb'])(
    'takes no name that is a path or a piece of a subject: %j',
    async (name) => {
      await expect(issueCerts({ ...issue, name })).rejects.toMatchObject({ code: 'USAGE' });
      expect(readdirSync(certs).sort()).toEqual(
        ['ca.crt', 'ca.key', 'coordinator', 'operator', 'worker'].sort(),
      );
    },
  );

  it.each(['10.0.0.1:50051', '[::1]', '10.0.0.999', 'http://x', 'a b', '', 'fe80::1%eth0'])(
    'takes no host that TLS could not compare: %j',
    async (host) => {
      const wish = { ...issue, role: 'coordinator', name: 'c', host: [host] } as const;
      await expect(issueCerts(wish)).rejects.toMatchObject({ code: 'USAGE' });
    },
  );

  it('takes hosts as they are dialled', async () => {
    const host = ['gpu1.local', '*.example.org', '10.0.0.1', 'fd00::1'];
    const out = join(folder, 'hosts');
    await issueCerts({ ...issue, role: 'coordinator', name: 'c', host, out });
    const path = join(out, 'tls.crt');
    const { hosts } = describeCertificate(readFileSync(path), path);
    expect(hosts).toEqual(expect.arrayContaining(['gpu1.local', '*.example.org', '10.0.0.1']));
  });

  it('refuses a host for who is never dialled, and a life beyond the authority', async () => {
    const wish = { ...issue, name: 'w2' };
    await expect(issueCerts({ ...wish, host: ['x'] })).rejects.toMatchObject({ code: 'USAGE' });
    await expect(issueCerts({ ...wish, days: 9 })).rejects.toMatchObject({
      sentence: expect.stringMatching(/beyond the authority's/),
    });
  });

  it('touches nothing where a part of an authority or a key is', async () => {
    for (const kept of ['ca.crt', 'ca.key', 'worker/tls.key']) {
      const path = mkdtempSync(join(folder, 'kept-'));
      mkdirSync(join(path, 'worker'));
      writeFileSync(join(path, kept), 'precious');
      const before = readdirSync(path, { recursive: true }).length;
      await expect(initCerts({ folder: path, days: 1, authorityDays: 2 })).rejects.toMatchObject({
        code: 'CANNOT_WRITE',
      });
      expect(readFileSync(join(path, kept), 'utf8')).toBe('precious');
      expect(readdirSync(path, { recursive: true })).toHaveLength(before);
    }
  });

  it('gives no key away through a link that somebody has put in its way', async () => {
    const path = mkdtempSync(join(folder, 'link-'));
    symlinkSync(join(folder, 'stolen.key'), join(path, 'ca.key'));
    await expect(initCerts({ folder: path, days: 1, authorityDays: 2 })).rejects.toMatchObject({
      code: 'CANNOT_WRITE',
    });
    expect(readdirSync(folder)).not.toContain('stolen.key');
  });

  it('says where it cannot write', async () => {
    writeFileSync(join(folder, 'in-the-way'), '');
    const path = join(folder, 'in-the-way', 'certs');
    await expect(initCerts({ folder: path, days: 1, authorityDays: 2 })).rejects.toMatchObject({
      code: 'CANNOT_WRITE',
      sentence: expect.stringContaining(path),
    });
  });

  it('keeps keys to their owner whatever the umask', async () => {
    const before = process.umask(0);
    try {
      const path = join(folder, 'umask');
      await initCerts({ folder: path, days: 1, authorityDays: 2 });
      const mode = (name: string) => statSync(join(path, name)).mode & 0o777;
      expect(['', 'ca.key', 'ca.crt', 'worker/tls.key', 'worker/tls.crt'].map(mode)).toEqual([
        ...[0o700, 0o600, 0o644, 0o600, 0o644],
      ]);
    } finally {
      process.umask(before);
    }
  });

  it('shows no role for a certificate with two', async () => {
    const twice = await x509.X509CertificateGenerator.createSelfSigned({
      name: 'CN=x, OU=operator, OU=worker',
      keys: await webcrypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, [
        'sign',
        'verify',
      ]),
      signingAlgorithm: { name: 'ECDSA', hash: 'SHA-256' },
    });
    expect(describeCertificate(twice.toString('pem'), 'x').role).toBeUndefined();
  });
});
