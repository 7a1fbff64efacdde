/**
 * @file Credentials as they lie on a disk: a folder with `ca.crt`, `tls.crt` and `tls.key`, or a file with a token.
 */
import {
  createHash,
  createPrivateKey,
  randomBytes,
  timingSafeEqual,
  X509Certificate,
} from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { TesseraError } from '../core/errors.ts';
import { reasonOf } from './errno.ts';

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

/** Shortest token: 96 bits of base64. */
const TOKEN_LENGTH_MIN = 16;
const TOKEN_LENGTH_MAX = 512;
const HINT = 'tessera certs init makes an authority and a folder for each role';

/**
 * Reads a credential folder; the three must belong together.
 *
 * Throws  ACCESS_DENIED, naming the file: not there, not readable, expired, not signed by this authority, a key that
 *         others may read or that is another certificate's.
 */
async function readCredentials(folder: string): Promise<TlsMaterial> {
  const path = (file: keyof typeof CREDENTIAL_FILES) => join(folder, CREDENTIAL_FILES[file]);
  const authority = await readAuthority(path('authority'));
  const certificate = await readPem(path('certificate'));
  const key = await readPem(path('key'));
  await refuseOpenKey(path('key'));
  const leaf = parse(certificate, path('certificate'));
  if (!leaf.checkPrivateKey(parseKey(key, path('key')))) {
    throw denied(`${path('key')} is not the key of ${CREDENTIAL_FILES.certificate}`);
  }
  if (!leaf.verify(parse(authority, path('authority')).publicKey)) {
    throw denied(
      `${path('certificate')} was not signed by ${CREDENTIAL_FILES.authority} beside it`,
    );
  }
  if (new Date(leaf.validTo).getTime() < Date.now()) {
    throw denied(
      `${path('certificate')} has expired on ${leaf.validTo}`,
      'issue a new one: tessera certs issue',
    );
  }
  return { authority, identity: { certificate, key } };
}

/** Reads an authority's certificate. Throws  ACCESS_DENIED, naming the file. */
export async function readAuthority(path: string): Promise<Buffer> {
  const pem = await readPem(path);
  parse(pem, path);
  return pem;
}

/**
 * Reads a token: the first line of a file, or of stdin for `-`. Never from a flag, which every user of a machine can see.
 *
 * Throws  ACCESS_DENIED, naming the file: not there, or too short to be a secret.
 */
export async function readToken(path: string): Promise<string> {
  const token = (path === '-' ? await firstLineOfStdin() : firstLine(await readPem(path))).trim();
  if (
    /^[\x21-\x7e]+$/.test(token) &&
    token.length >= TOKEN_LENGTH_MIN &&
    token.length <= TOKEN_LENGTH_MAX
  ) {
    return token;
  }
  throw denied(
    `${path === '-' ? 'stdin' : path} holds no token of ${TOKEN_LENGTH_MIN} to ${TOKEN_LENGTH_MAX} visible characters`,
    'tessera certs token makes one',
  );
}

/** A token that nobody can guess. */
export function newToken(): string {
  return randomBytes(32).toString('base64url');
}

/** A token that is known by its hash alone, and compared in constant time. */
export class KnownToken {
  readonly #hash: Buffer;

  constructor(token: string) {
    this.#hash = hashOf(token);
  }

  /** Whether somebody has shown this token. */
  is(shown: string): boolean {
    return timingSafeEqual(hashOf(shown), this.#hash);
  }
}

function hashOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

function firstLine(text: Buffer): string {
  return text.toString('utf8').split('\n', 1)[0] ?? '';
}

/** Only the first line: whoever gave it may keep the pipe open. */
function firstLineOfStdin(): Promise<string> {
  return new Promise((resolve) => {
    const lines = createInterface({ input: process.stdin });
    let first = '';
    lines.once('line', (line) => {
      first = line;
      lines.close();
    });
    lines.once('close', () => resolve(first));
  });
}

async function readPem(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw new TesseraError('ACCESS_DENIED', `cannot read ${path}: ${reasonOf(cause)}`, {
      hint: HINT,
      cause,
    });
  }
}

/** A key that others can read is no secret any more. */
async function refuseOpenKey(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  const { mode } = await stat(path);
  if ((mode & 0o077) !== 0) throw denied(`${path} can be read by others`, `chmod 600 ${path}`);
}

function parse(pem: Buffer, path: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch (cause) {
    throw new TesseraError('ACCESS_DENIED', `${path} is no certificate`, { hint: HINT, cause });
  }
}

function parseKey(pem: Buffer, path: string) {
  try {
    return createPrivateKey(pem);
  } catch (cause) {
    throw new TesseraError('ACCESS_DENIED', `${path} is no private key`, { hint: HINT, cause });
  }
}

function denied(sentence: string, hint = HINT): TesseraError {
  return new TesseraError('ACCESS_DENIED', sentence, { hint });
}

/** How often a credential folder is looked at for new certificates. */
const RELOAD_MS = 30_000;

/** A credential folder that is read again when it changes; what cannot be used is said, and the last good one kept. */
export class CredentialFolder {
  #current: TlsMaterial;
  readonly #folder: string;
  readonly #listeners: (() => void)[] = [];
  readonly #timer: NodeJS.Timeout;

  private constructor(folder: string, first: TlsMaterial, onTrouble: (error: unknown) => void) {
    this.#folder = folder;
    this.#current = first;
    this.#timer = setInterval(() => void this.reload().catch(onTrouble), RELOAD_MS);
    this.#timer.unref();
  }

  /** Reads a folder and watches it from then on. Throws  ACCESS_DENIED as `readCredentials` does. */
  static async open(
    folder: string,
    onTrouble: (error: unknown) => void,
  ): Promise<CredentialFolder> {
    return new CredentialFolder(folder, await readCredentials(folder), onTrouble);
  }

  get current(): TlsMaterial {
    return this.#current;
  }

  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  /** Looks now. Throws  ACCESS_DENIED when what is there cannot be used; then nothing has changed. */
  async reload(): Promise<void> {
    const next = await readCredentials(this.#folder);
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
