/** @file The doors of credentials: certificates, keys and tokens that are damaged, of others, or of strange kinds. */
import { generateKeyPairSync } from 'node:crypto';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createSecureContext } from 'node:tls';
import fc from 'fast-check';
import { showCerts } from '../../cli/certs/certs.ts';
import { TesseraError } from '../../shared/core/errors.ts';
import {
  createAuthority,
  describeCertificate,
  issueCertificate,
} from '../../shared/security/certificates.ts';
import { CREDENTIAL_FILES, CredentialFolder } from '../../shared/security/credentials.ts';
import { readToken } from '../../shared/security/tokens.ts';
import { mutated } from './bytes.ts';
import { door } from './door.ts';
import { quietly } from './quiet.ts';
import { scratchFolder } from './sandbox.ts';

/** A certificate without a subject, good until 2126. */
export const NAMELESS = `-----BEGIN CERTIFICATE-----
MIH/MIGloAMCAQICAQEwCgYIKoZIzj0EAwIwDDEKMAgGA1UEAxMBYTAgFw0yNjAx
MDEwMDAwMDBaGA8yMTI2MDEwMTAwMDAwMFowADBZMBMGByqGSM49AgEGCCqGSM49
AwEHA0IABIAfZBjDM4kKQ0a5ROmt6USxKYjZJy6LCe9XFAgZ/Uv2iQed4stBcz1z
qKhv+Pf7skVo4Yekz+QKM/QUeY4t/k+jAjAAMAoGCCqGSM49BAMCA0kAMEYCIQCJ
o233qjHfDGYCb5HqkO1w1lAzPe4aP7aOAQFYCIpBfAIhAM6EpjBq13qnN1+LqeJN
HtjdAquXoBUwmIBLhiVDCmF+
-----END CERTIFICATE-----
`;

const root = scratchFolder('credentials');
const folder = join(root, 'worker');
mkdirSync(folder);

const authority = await createAuthority('cluster', 10);
const wish = { name: 'anna', role: 'worker', hosts: [], days: 5 } as const;
const leaf = await issueCertificate(authority, wish);
const other = await createAuthority('others', 10);
const foreign = await issueCertificate(other, wish);
const expired = await issueCertificate(authority, { ...wish, days: -5 });
const pemKey = (type: 'rsa' | 'ed25519') => {
  const { privateKey } =
    type === 'rsa' ? generateKeyPairSync(type, { modulusLength: 1024 }) : generateKeyPairSync(type);
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
};

/** PEM whose inner bytes are changed: it is still PEM. */
function damaged(pem: string): fc.Arbitrary<string> {
  const [begin = '', ...lines] = pem.trim().split('\n');
  const end = lines.pop() ?? '';
  const inner = mutated([Buffer.from(lines.join(''), 'base64')], { changesMax: 1, headBytes: 400 });
  return inner.map((der) => [begin, der.toString('base64'), end, ''].join('\n'));
}
/** A PEM file as it should be, mostly. */
function pems(good: string, others: readonly string[]): fc.Arbitrary<Buffer> {
  return fc
    .oneof(
      { weight: 6, arbitrary: fc.constant(good) },
      { weight: 3, arbitrary: damaged(good) },
      { weight: 2, arbitrary: fc.constantFrom(...others, '', `${others[0]}${good}`, good + good) },
      { weight: 1, arbitrary: mutated([Buffer.from(good)], { changesMax: 2 }).map(String) },
    )
    .map((text) => Buffer.from(text));
}
const authorities = pems(authority.certificate, [other.certificate, leaf.certificate]);
const certificates = pems(leaf.certificate, [
  ...[foreign.certificate, expired.certificate, authority.certificate, leaf.key, NAMELESS],
]);
const keys = pems(leaf.key, [foreign.key, pemKey('rsa'), pemKey('ed25519'), leaf.certificate]);

const TOKEN = 'kT0_aaaaaaaaaaaaaaaaaaaaaaaaaaaa';
const tokens = fc.oneof(
  mutated([Buffer.from(`${TOKEN}\n`), Buffer.from(`${TOKEN}\nmore`)], { changesMax: 1 }),
  fc
    .constantFrom('\u001b[2J'.repeat(9), `${TOKEN}\u0000`, 'é'.repeat(40), 'x'.repeat(513))
    .map((text) => Buffer.from(text)),
);

/** What OpenSSL makes of it is no business of ours; what we take, it must be able to use. */
function use({ authority: ca, identity }: CredentialFolder['current']): void {
  createSecureContext({ ca, ...(identity && { cert: identity.certificate, key: identity.key }) });
}

export const credentialDoors = [
  door({
    name: 'credential folders',
    numInputs: 200,
    inputs: fc.tuple(
      authorities,
      certificates,
      keys,
      fc.constantFrom(...Array(9).fill(0o600), 0o644),
    ),
    async enter([ca, certificate, key, mode]) {
      const files = { authority: ca, certificate, key };
      for (const [file, bytes] of Object.entries(files)) {
        const path = join(folder, CREDENTIAL_FILES[file as keyof typeof files]);
        writeFileSync(path, bytes);
        chmodSync(path, mode);
      }
      const opened = await CredentialFolder.open(folder, { use: 'calling', onFault: () => {} });
      opened.close();
      use(opened.current);
    },
    refusals: ['ACCESS_DENIED'],
    least: { accepted: 0.15, refused: 0.3 },
  }),
  door({
    name: 'certificates to show',
    numInputs: 150,
    inputs: certificates,
    async enter(bytes) {
      const path = join(root, 'shown.crt');
      writeFileSync(path, bytes);
      const { validFrom, validTo } = describeCertificate(bytes, path);
      if (Number.isNaN(validFrom.getTime() + validTo.getTime())) throw new Error('it has no life');
      await quietly(() => showCerts([path], {}));
    },
    refusals: ['DATA_INVALID'],
    least: { accepted: 0.3, refused: 0.08 },
  }),
  door({
    name: 'authorities that sign',
    numInputs: 40,
    inputs: fc.tuple(authorities, pems(authority.key, [other.key, pemKey('rsa')])),
    async enter([certificate, key]) {
      const issuer = { certificate: certificate.toString(), key: key.toString() };
      const signed = await issueCertificate(issuer, wish);
      describeCertificate(signed.certificate, 'leaf');
    },
    refusals: ['DATA_INVALID'],
    least: { accepted: 0.2, refused: 0.2 },
  }),
  door({
    name: 'tokens',
    numInputs: 200,
    inputs: tokens,
    async enter(bytes) {
      const path = join(root, 'token');
      writeFileSync(path, bytes, { mode: 0o600 });
      const token = await readToken(path).catch((error: unknown) => {
        const said = error instanceof TesseraError ? error.message : '';
        if (said.includes(TOKEN.slice(4, 20))) throw new Error('a secret is told');
        throw error;
      });
      if (!/^[!-~]{16,512}$/.test(token)) throw new Error('a strange token came in');
    },
    refusals: ['ACCESS_DENIED'],
    least: { accepted: 0.1, refused: 0.1 },
  }),
];
