/**
 * @file The folder by which the nodes of a run get their credentials, as `tessera certs init` lays one out. The first node
 * makes what is missing, if the folder has the authority's key or nothing; a folder that others have filled is used as it is.
 */
import { X509Certificate } from 'node:crypto';
import { access, constants, rename, rm, stat, writeFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { basename, dirname, join } from 'node:path';
import { errnoOf } from '../../shared/core/errno.ts';
import { TesseraError } from '../../shared/core/errors.ts';
import { cannotWrite } from '../../shared/files/files.ts';
import { makeFolders } from '../../shared/files/make-folders.ts';
import { readTextFile } from '../../shared/files/regular-file.ts';
import {
  checkHost,
  createAuthority,
  describeCertificate,
  type KeyPairPem,
} from '../../shared/security/certificates.ts';
import {
  AUTHORITY_KEY,
  authorityFiles,
  type CredentialText,
  leafFiles,
  ROLES,
} from '../../shared/security/cluster-credentials.ts';
import { CREDENTIAL_FILES, readSmallFile } from '../../shared/security/credentials.ts';

/** Life of what is made here. */
const DAYS = 90;
const AUTHORITY_DAYS = 1825;
const DAY_MS = 86_400_000;
/** What ends sooner is made again: a run reads its credentials while it lasts, and makes none. */
const RENEW_DAYS = 30;

/** A folder that has what the first node needs. */
export interface JoinFolder {
  readonly folder: string;
  /** The coordinator's credentials. */
  readonly certs: string;
  /** Whether it has the authority's key: the first node then also writes there where it is. */
  readonly isOurs: boolean;
}

/** Where the first node is dialled. */
export interface DialledAs {
  /** How the others dial it. */
  readonly first: string;
  /** All names and addresses that it may be dialled by. */
  readonly hosts: readonly string[];
}

/**
 * Makes the folder ready for the first node.
 *
 * Throws  ACCESS_DENIED when others may write there, or what is there does not fit; CANNOT_WRITE.
 */
export async function prepareJoinFolder(folder: string, dialled: DialledAs): Promise<JoinFolder> {
  await refuseOpenFolder(folder);
  const certs = join(folder, 'coordinator');
  const isOurs = await isOwn(folder);
  if (!isOurs && (await exists(join(certs, CREDENTIAL_FILES.key)))) {
    await refuseOtherName(certs, dialled.first);
    return { folder, certs, isOurs };
  }
  if (!isOurs)
    await writeCredentials(
      folder,
      authorityFiles(await createAuthority('tessera', AUTHORITY_DAYS)),
    );
  const authority = await readAuthority(folder);
  const hosts = dialled.hosts.filter(isHost);
  for (const role of ROLES) {
    const request = { name: role, role, hosts: role === 'coordinator' ? hosts : [], days: DAYS };
    if (await isGood(join(folder, role), request.hosts, authority)) continue;
    await writeCredentials(join(folder, role), await leafFiles(authority, request));
  }
  return { folder, certs, isOurs: true };
}

/** Whether the folder was made by a first node, or has what it needs to issue more. */
export async function isOwn(folder: string): Promise<boolean> {
  const files = [AUTHORITY_KEY, CREDENTIAL_FILES.authority];
  const found = await Promise.all(files.map((file) => exists(join(folder, file))));
  return found.every((isThere) => isThere);
}

/**
 * Keys are neither put nor looked for where others could put theirs. Fine for a folder that is not there.
 *
 * Throws  ACCESS_DENIED.
 */
export async function refuseOpenFolder(folder: string): Promise<void> {
  const found = await stat(folder).catch(() => undefined);
  if (found === undefined || process.platform === 'win32') return;
  const isOurs = [0, process.getuid?.()].includes(found.uid) && (found.mode & 0o022) === 0;
  // The folder of a Secret of Kubernetes has odd modes, and is read-only.
  if (isOurs || (await isReadOnly(folder))) return;
  throw new TesseraError('ACCESS_DENIED', `others can write into ${folder}, where keys are kept`, {
    hint: `chmod 700 ${folder}, or give another folder with --join-folder`,
  });
}

async function isReadOnly(folder: string): Promise<boolean> {
  return await access(folder, constants.W_OK).then(
    () => false,
    (error: unknown) => errnoOf(error) === 'EROFS',
  );
}

/** Whether a leaf of this authority is there, lasts, and is for these hosts. */
async function isGood(
  folder: string,
  hosts: readonly string[],
  authority: KeyPairPem,
): Promise<boolean> {
  const path = join(folder, CREDENTIAL_FILES.certificate);
  if (!(await exists(path)) || !(await exists(join(folder, CREDENTIAL_FILES.key)))) return false;
  try {
    const pem = await readTextFile(path);
    const { validTo } = describeCertificate(pem, path);
    const lasts = validTo.getTime() > Date.now() + RENEW_DAYS * DAY_MS;
    const { publicKey } = new X509Certificate(authority.certificate);
    return (
      lasts && new X509Certificate(pem).verify(publicKey) && hosts.every((host) => isFor(pem, host))
    );
  } catch {
    // It is made again.
    return false;
  }
}

function isFor(pem: string, host: string): boolean {
  const certificate = new X509Certificate(pem);
  return (isIP(host) === 0 ? certificate.checkHost(host) : certificate.checkIP(host)) !== undefined;
}

/** Throws  ACCESS_DENIED when the coordinator's certificate is not for the name that the others dial. */
async function refuseOtherName(certs: string, first: string): Promise<void> {
  const path = join(certs, CREDENTIAL_FILES.certificate);
  const pem = await readTextFile(path).catch((cause: unknown) => {
    const { sentence } = TesseraError.from(cause);
    throw new TesseraError('ACCESS_DENIED', `cannot read ${path}: ${sentence}`, { cause });
  });
  const { hosts } = describeCertificate(pem, path);
  if (isFor(pem, first)) return;
  throw new TesseraError(
    'ACCESS_DENIED',
    `${path} is not for ${first}, which the other nodes dial: it is for ${hosts.join(', ') || 'no host'}`,
    { hint: `issue one for it: tessera certs issue CERTS NAME --role coordinator --host ${first}` },
  );
}

async function readAuthority(folder: string): Promise<KeyPairPem> {
  const keyPath = join(folder, AUTHORITY_KEY);
  const { bytes, isOpenToOthers } = await readSmallFile(keyPath);
  if (isOpenToOthers) {
    throw new TesseraError('ACCESS_DENIED', `${keyPath} can be read by others`, {
      hint: `chmod 600 ${keyPath}`,
    });
  }
  const certificate = await readTextFile(join(folder, CREDENTIAL_FILES.authority));
  return { certificate, key: bytes.toString() };
}

/** Writes files in their order, each whole, a key never with another mode than its own. Throws  CANNOT_WRITE. */
export async function writeCredentials(
  folder: string,
  files: readonly CredentialText[],
): Promise<void> {
  try {
    await makeFolders(folder, 0o700);
    for (const { path, text, mode } of files) {
      const whole = join(folder, path);
      await makeFolders(dirname(whole), 0o700);
      const temporary = join(dirname(whole), `.${basename(whole)}.${process.pid}`);
      await rm(temporary, { force: true });
      await writeFile(temporary, text, { mode, flag: 'wx' });
      await rename(temporary, whole);
    }
  } catch (cause) {
    throw cannotWrite(folder, cause);
  }
}

function isHost(host: string): boolean {
  try {
    return checkHost(host) === host;
  } catch {
    // Such as fe80::1%eth0, which no certificate can be for.
    return false;
  }
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined;
}
