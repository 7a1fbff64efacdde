/** @file Credentials as they lie on a disk: a folder with `ca.crt`, `tls.crt` and `tls.key`. */
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import { TesseraError } from '../core/errors.ts';
import { openRegularFile, type RegularFile, readOpenFile } from '../files/regular-file.ts';
import { whyNot } from '../files/why-not.ts';

/** Names of the files of a credential folder. */
export const CREDENTIAL_FILES = {
  authority: 'ca.crt',
  certificate: 'tls.crt',
  key: 'tls.key',
} as const;

/** What one end of a TLS connection trusts and shows. PEM. */
export interface TlsMaterial {
  readonly authority: Buffer;
  /** Undefined for who shows a token instead. */
  readonly identity: { readonly certificate: Buffer; readonly key: Buffer } | undefined;
}

/** What a certificate is for: a coordinator serves, all others call. */
export type CertificateUse = 'serving' | 'calling';

/** Extended key usages (RFC 5280, 4.2.1.12), as node names them. */
const PURPOSES: Readonly<Record<CertificateUse, string>> = {
  serving: '1.3.6.1.5.5.7.3.1',
  calling: '1.3.6.1.5.5.7.3.2',
};
const HINT = 'tessera certs init makes a CA and a folder for each role';
const RENEW = 'issue a new one: tessera certs issue CERTS NAME --role ROLE';

/** A certificate, key or token as it was when its file was open. */
interface SmallFile {
  readonly bytes: Buffer;
  /** Others than its owner may read it; Windows has no such modes. */
  readonly isOpenToOthers: boolean;
}

/** A bundle of certificates is far below this. */
const FILE_BYTES_MAX = 1024 ** 2;

/** Certificates with the name of the file that they come from. */
interface CertificateFile {
  readonly path: string;
  readonly certificates: readonly X509Certificate[];
}

/**
 * Reads a credential folder; the three must belong together, and TLS must not refuse them later.
 *
 * Throws  ACCESS_DENIED, naming the file: not there, not readable, expired or not valid yet, not signed by this
 *         authority, for another use, a key that others may read or that is another certificate's.
 */
async function readCredentials(folder: string, use: CertificateUse): Promise<TlsMaterial> {
  const path = (file: keyof typeof CREDENTIAL_FILES) => join(folder, CREDENTIAL_FILES[file]);
  const authority = (await read(path('authority'))).bytes;
  const certificate = (await read(path('certificate'))).bytes;
  const keyFile = await read(path('key'));
  if (keyFile.isOpenToOthers) {
    throw denied(
      `${path('key')} can be read by others`,
      `chmod 600 ${path('key')}; of a Secret of Kubernetes, defaultMode: 0400`,
    );
  }
  const chain = parse(certificate, path('certificate'));
  const [leaf] = chain.certificates as [X509Certificate];
  if (!leaf.checkPrivateKey(parseKey(keyFile.bytes, path('key')))) {
    throw denied(`${path('key')} is not the key of ${CREDENTIAL_FILES.certificate}`);
  }
  checkChain(chain, parse(authority, path('authority')));
  if (leaf.keyUsage !== undefined && !leaf.keyUsage.includes(PURPOSES[use])) {
    throw denied(
      `${chain.path} is not for ${use}`,
      'a coordinator uses the folder of a coordinator, all others that of a worker or an operator',
    );
  }
  return { authority, identity: { certificate, key: keyFile.bytes } };
}

/** Reads an authority's certificate. Throws  ACCESS_DENIED, naming the file. */
export async function readAuthority(path: string): Promise<Buffer> {
  const { bytes } = await read(path);
  const [first] = parse(bytes, path).certificates as [X509Certificate];
  if (!first.ca) throw denied(`${path} is not the certificate of a CA`, 'give the ca.crt');
  checkLife(first, path);
  return bytes;
}

/** A leaf, an authority that TLS trusts, and all between them must be alive. Throws  ACCESS_DENIED. */
function checkChain(chain: CertificateFile, trusted: CertificateFile): void {
  const links = linksUp(chain.certificates, trusted.certificates);
  if (links === undefined) {
    throw denied(
      `${chain.path} was not signed by ${CREDENTIAL_FILES.authority} beside it`,
      'the files may be from two clusters: use the whole folder that tessera certs issue CERTS NAME --role ROLE makes',
    );
  }
  for (const link of links) {
    checkLife(link, trusted.certificates.includes(link) ? trusted.path : chain.path);
  }
}

/** Whether a chain, its leaf first, ends at one of these authorities (PEM), whatever the time is. */
export function isSignedBelow(chain: readonly X509Certificate[], authority: Buffer): boolean {
  return linksUp(chain, parse(authority, CREDENTIAL_FILES.authority).certificates) !== undefined;
}

/** From a leaf up to what has signed itself and is trusted, by way of what came with the leaf; undefined if none is. */
function linksUp(
  [leaf, ...between]: readonly X509Certificate[],
  trusted: readonly X509Certificate[],
): readonly X509Certificate[] | undefined {
  if (leaf === undefined) return undefined;
  const links = [leaf];
  let below = leaf;
  for (let length = between.length + trusted.length; length > 0; length -= 1) {
    const hasSigned = (above: X509Certificate) =>
      above.ca && below.checkIssued(above) && below.verify(above.publicKey);
    const root = trusted.find(hasSigned);
    const above = root ?? between.find(hasSigned);
    if (above === undefined) return undefined;
    links.push(above);
    if (root?.checkIssued(root)) return links;
    below = above;
  }
  return undefined;
}

function checkLife({ validFrom, validTo }: X509Certificate, path: string): void {
  if (new Date(validTo).getTime() < Date.now()) {
    throw denied(`${path} has expired on ${validTo}`, RENEW);
  }
  if (new Date(validFrom).getTime() > Date.now()) {
    throw denied(`${path} is not valid before ${validFrom}`, 'check the clock of this machine');
  }
}

async function read(path: string): Promise<SmallFile> {
  try {
    return await readSmallFile(path);
  } catch (cause) {
    throw new TesseraError('ACCESS_DENIED', `cannot read ${path}: ${whyNot(path, cause)}`, {
      hint: HINT,
      cause,
    });
  }
}

const PEM = /-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----/gs;

/**
 * A certificate of which all that matters can be read: OpenSSL looks at a key or a date only when it is asked for it.
 *
 * Throws  what OpenSSL says, when it is none.
 */
export function certificateOf(pem: string | Uint8Array): X509Certificate {
  const certificate = new X509Certificate(pem);
  const { publicKey, validFrom, validTo } = certificate;
  if (publicKey.type !== 'public' || Number.isNaN(Date.parse(validFrom) + Date.parse(validTo))) {
    throw new Error(`it is valid from ${validFrom} to ${validTo}`);
  }
  return certificate;
}

function parse(bytes: Buffer, path: string): CertificateFile {
  try {
    const texts = bytes.toString('latin1').match(PEM) ?? [];
    if (texts.length === 0) throw new Error('it contains none');
    return { path, certificates: texts.map(certificateOf) };
  } catch (cause) {
    throw new TesseraError('ACCESS_DENIED', `${path} is not a certificate`, { hint: HINT, cause });
  }
}

function parseKey(pem: Buffer, path: string): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch (cause) {
    throw new TesseraError('ACCESS_DENIED', `${path} is not a private key`, { hint: HINT, cause });
  }
}

function denied(sentence: string, hint = HINT): TesseraError {
  return new TesseraError('ACCESS_DENIED', sentence, { hint });
}

/** How often a credential folder is looked at for new certificates. */
const RELOAD_MS = 30_000;

/** How a credential folder is used. */
export interface FolderUse {
  readonly use: CertificateUse;
  /** Called for new files that cannot be used. */
  readonly onFault: (error: unknown) => void;
}

/** A credential folder that is read again when it changes; what cannot be used is said, and the last good one kept. */
export class CredentialFolder {
  #current: TlsMaterial;
  readonly #folder: string;
  readonly #use: CertificateUse;
  readonly #listeners: (() => void)[] = [];
  readonly #timer: NodeJS.Timeout;

  private constructor(folder: string, first: TlsMaterial, { use, onFault }: FolderUse) {
    this.#folder = folder;
    this.#use = use;
    this.#current = first;
    let isLooking = false;
    const look = async () => {
      // A disk that does not answer must not gather questions.
      if (isLooking) return;
      isLooking = true;
      await this.reload().catch(onFault);
      isLooking = false;
    };
    this.#timer = setInterval(() => void look(), RELOAD_MS);
    this.#timer.unref();
  }

  /** Reads a folder and watches it from then on. Throws  ACCESS_DENIED as `readCredentials` does. */
  static async open(folder: string, how: FolderUse): Promise<CredentialFolder> {
    return new CredentialFolder(folder, await readCredentials(folder, how.use), how);
  }

  get current(): TlsMaterial {
    return this.#current;
  }

  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  /** Looks now. Throws  ACCESS_DENIED when what is there cannot be used; then nothing has changed. */
  async reload(): Promise<void> {
    const next = await readCredentials(this.#folder, this.#use);
    if (areSame(next, this.#current)) return;
    this.#current = next;
    for (const listener of this.#listeners) listener();
  }

  close(): void {
    clearInterval(this.#timer);
  }
}

function areSame(one: TlsMaterial, other: TlsMaterial): boolean {
  const { certificate, key } = one.identity ?? {};
  return (
    one.authority.equals(other.authority) &&
    certificate?.equals(other.identity?.certificate ?? Buffer.alloc(0)) === true &&
    key?.equals(other.identity?.key ?? Buffer.alloc(0)) === true
  );
}

/** Reads a file of at most 1 MiB. Throws  an error that says why not, as `readRegularFile` does. */
export async function readSmallFile(path: string): Promise<SmallFile> {
  await using file = await openRegularFile(path, FILE_BYTES_MAX);
  const { buffer } = await readOpenFile(file);
  return {
    bytes: Buffer.from(buffer),
    isOpenToOthers: process.platform !== 'win32' && isOpenToOthers(file),
  };
}

/**
 * Whether others than its owner may read a file. A file of root that our own group may read is not open: so an
 * administrator, or a Secret of Kubernetes with an fsGroup, gives a key to one group.
 */
function isOpenToOthers({ mode, uid, gid }: RegularFile): boolean {
  if ((mode & 0o077) === 0) return false;
  const ours = [...(process.getgroups?.() ?? []), process.getgid?.()];
  return (mode & 0o037) !== 0 || uid !== 0 || !ours.includes(gid);
}
