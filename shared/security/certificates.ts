/**
 * @file Certificates: one authority for a cluster, and short-lived leaves below it, each with one role.
 *
 * The only door to the library that writes X.509. Keys are P-256: what every TLS 1.3 stack has, and small.
 * Source  RFC 5280; roles lie in the subject's OU.
 */
import 'reflect-metadata';
import { createPrivateKey, randomBytes, webcrypto, type X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import * as x509 from '@peculiar/x509';
import { TesseraError } from '../core/errors.ts';
import { certificateOf } from './credentials.ts';

/** What a certificate's owner may be in a cluster. */
const CERTIFICATE_ROLES = ['coordinator', 'worker', 'operator'] as const;
export type CertificateRole = (typeof CERTIFICATE_ROLES)[number];

/** A certificate and its key, as PEM. */
export interface KeyPairPem {
  readonly certificate: string;
  readonly key: string;
}

/** A request for a leaf certificate. */
export interface LeafRequest {
  readonly name: string;
  readonly role: CertificateRole;
  /** Names and addresses under which a coordinator is dialled. */
  readonly hosts: readonly string[];
  readonly days: number;
}

/** What a certificate says. */
export interface CertificateFacts {
  readonly name: string;
  /** Undefined for an authority, or a certificate that is none of ours. */
  readonly role: CertificateRole | undefined;
  readonly isAuthority: boolean;
  readonly hosts: readonly string[];
  readonly validFrom: Date;
  readonly validTo: Date;
  /** SHA-256, in hex. */
  readonly fingerprint: string;
}

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const DAY_MS = 86_400_000;
/** Clocks of one cluster differ by some minutes. */
const SKEW_MS = 5 * 60_000;

/** Makes an authority that signs leaves, and nothing below them. */
export async function createAuthority(name: string, days: number): Promise<KeyPairPem> {
  const keys = await newKeys();
  const certificate = await signed({
    subject: `CN=${name}`,
    days,
    publicKey: keys.publicKey,
    issuer: { name: `CN=${name}`, key: keys.privateKey, keyId: undefined },
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(
        x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign,
        true,
      ),
    ],
  });
  return { certificate, key: await pemOfKey(keys.privateKey) };
}

/**
 * Issues a leaf: a coordinator's is good for serving alone, the others' for calling alone.
 *
 * Throws  DATA_INVALID when the authority's key cannot be read or is none of its certificate's; USAGE when a name or a
 *         host is none.
 */
export async function issueCertificate(
  authority: KeyPairPem,
  request: LeafRequest,
): Promise<KeyPairPem> {
  const keys = await newKeys();
  const { serverAuth, clientAuth } = x509.ExtendedKeyUsage;
  const isServer = request.role === 'coordinator';
  const certificate = await signed({
    subject: `CN=${checkName(request.name)}, OU=${request.role}`,
    days: request.days,
    publicKey: keys.publicKey,
    issuer: await readAuthority(authority),
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([isServer ? serverAuth : clientAuth]),
      ...(request.hosts.length === 0 ? [] : [alternativeNames(request.hosts)]),
    ],
  });
  return { certificate, key: await pemOfKey(keys.privateKey) };
}

/** Reads a certificate. Throws  DATA_INVALID when it is not a certificate. */
export function describeCertificate(pem: string | Uint8Array, path: string): CertificateFacts {
  let certificate: X509Certificate;
  try {
    certificate = certificateOf(pem);
  } catch (cause) {
    throw new TesseraError('DATA_INVALID', `${path} is not a certificate`, { cause });
  }
  const parts = certificate.subject?.split('\n') ?? [];
  const all = (key: string) =>
    parts.filter((part) => part.startsWith(key)).map((part) => part.slice(key.length));
  const units = all('OU=');
  const hosts = (certificate.subjectAltName ?? '').split(', ').filter((host) => host !== '');
  return {
    name: all('CN=')[0] ?? '',
    // A certificate with two roles has none.
    role: units.length === 1 ? roleOf(units[0]) : undefined,
    isAuthority: certificate.ca,
    hosts: hosts.map((host) => host.replace(/^(?:DNS|IP Address):/, '')),
    validFrom: new Date(certificate.validFrom),
    validTo: new Date(certificate.validTo),
    fingerprint: certificate.fingerprint256.replaceAll(':', '').toLowerCase(),
  };
}

/** The role that an OU names, if it names one. */
function roleOf(unit: string | undefined): CertificateRole | undefined {
  return CERTIFICATE_ROLES.find((role) => role === unit);
}

interface SigningRequest {
  readonly subject: string;
  readonly days: number;
  readonly publicKey: webcrypto.CryptoKey;
  readonly issuer: {
    readonly name: string | x509.Name;
    readonly key: webcrypto.CryptoKey;
    /** Hex; undefined where it has none, or signs itself. */
    readonly keyId: string | undefined;
  };
  readonly extensions: x509.Extension[];
}

async function signed(request: SigningRequest): Promise<string> {
  const nowMs = Date.now();
  const { keyId } = request.issuer;
  // The first bit clear: a serial number is positive.
  const serial = randomBytes(16);
  serial[0] = (serial[0] as number) & 0x7f;
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serial.toString('hex'),
    subject: request.subject,
    issuer: request.issuer.name,
    notBefore: new Date(nowMs - SKEW_MS),
    notAfter: new Date(nowMs + request.days * DAY_MS),
    signingAlgorithm: ALGORITHM,
    publicKey: request.publicKey,
    signingKey: request.issuer.key,
    extensions: [
      ...request.extensions,
      // All our CAs have one name: by these ids TLS distinguishes them, instead of failing at a signature.
      await x509.SubjectKeyIdentifierExtension.create(request.publicKey),
      ...(keyId === undefined ? [] : [new x509.AuthorityKeyIdentifierExtension(keyId)]),
    ],
  });
  return `${certificate.toString('pem')}\n`;
}

function newKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
}

async function pemOfKey(key: webcrypto.CryptoKey): Promise<string> {
  const bytes = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', key));
  const lines = bytes.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN PRIVATE KEY-----\n${lines.join('\n')}\n-----END PRIVATE KEY-----\n`;
}

async function readAuthority({ certificate, key }: KeyPairPem): Promise<SigningRequest['issuer']> {
  try {
    if (!certificateOf(certificate).checkPrivateKey(createPrivateKey(key))) {
      throw new Error('the key is of another certificate');
    }
    const { subjectName, extensions } = new x509.X509Certificate(certificate);
    const ownId = extensions.find((one) => one instanceof x509.SubjectKeyIdentifierExtension);
    const [pkcs8] = x509.PemConverter.decode(key);
    if (pkcs8 === undefined) throw new Error('there is no key in it');
    return {
      name: subjectName,
      keyId: ownId?.keyId,
      key: await webcrypto.subtle.importKey('pkcs8', pkcs8, ALGORITHM, false, ['sign']),
    };
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new TesseraError(
      'DATA_INVALID',
      `the authority's ca.crt and ca.key cannot be used: ${reason}`,
      {
        hint: 'give the folder that `tessera certs init` made',
        cause,
      },
    );
  }
}

function alternativeNames(hosts: readonly string[]): x509.SubjectAlternativeNameExtension {
  return new x509.SubjectAlternativeNameExtension(
    hosts.map(checkHost).map((value) => ({ type: isIP(value) === 0 ? 'dns' : 'ip', value })),
  );
}

/** At most 64 characters fit in a common name (RFC 5280, ub-common-name). */
const NAME = /^[a-z0-9][a-z0-9._-]{0,63}$/i;
const LABEL = '[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?';
/** The last label of an address that is none (10.0.0.999) is a number; no domain's is. */
const HOST = new RegExp(`^(?:\\*\\.)?(?:${LABEL}\\.)*(?!\\d+$)${LABEL}$`, 'i');
const HOST_LENGTH_MAX = 253;

/** A name of a credential and of its folder. Throws  USAGE when it is none. */
function checkName(name: string): string {
  if (NAME.test(name)) return name;
  throw new TesseraError('USAGE', `${JSON.stringify(name)} is not a valid name for a credential`, {
    hint: 'use 1 to 64 letters, digits, dots, dashes and underscores, such as gpu2',
  });
}

/** A host without its port. Throws  USAGE when it is none. */
export function checkHost(host: string): string {
  const isAddress = isIP(host) !== 0 && !host.includes('%');
  if (isAddress || (host.length <= HOST_LENGTH_MAX && HOST.test(host))) return host;
  throw new TesseraError('USAGE', `${JSON.stringify(host)} is not a host name or address`, {
    hint: 'give it as workers use it but without a port, such as gpu1.local, 10.0.0.1 or fd00::1',
  });
}
