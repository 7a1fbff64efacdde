/** @file `tessera certs`: an authority for a cluster, credentials below it, and what they say. */
import { lstat, rm, rmdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf } from '../../shared/core/errno.ts';
import { TesseraError } from '../../shared/core/errors.ts';
import { cannotWrite } from '../../shared/files/files.ts';
import { makeFolders } from '../../shared/files/make-folders.ts';
import { readTextFile } from '../../shared/files/regular-file.ts';
import { whyNot } from '../../shared/files/why-not.ts';
import {
  type CertificateFacts,
  type CertificateRole,
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
import { CREDENTIAL_FILES } from '../../shared/security/credentials.ts';
import { newToken } from '../../shared/security/tokens.ts';
import { commandLine, pathWord } from '../terminal/command-text.ts';
import { pointer, print, printJson, say } from '../terminal/output.ts';
import { formatTable } from '../terminal/table.ts';

/** Flags of `certs init`. */
export interface InitOptions {
  readonly folder: string;
  readonly host?: readonly string[];
  readonly days: number;
  readonly authorityDays: number;
}

/** Flags of `certs issue`. */
export interface IssueOptions {
  readonly folder: string;
  readonly name: string;
  readonly role: CertificateRole;
  readonly host?: readonly string[];
  readonly days: number;
  readonly out?: string;
}

const DAY_MS = 86_400_000;

/**
 * Makes an authority and one credential of each role.
 *
 * Throws  CANNOT_WRITE, also when the folder holds a part of one already: nothing is then touched; USAGE for odd hosts.
 */
export async function initCerts({
  folder,
  host = [],
  days,
  authorityDays,
}: InitOptions): Promise<void> {
  // The key may have been taken to a safe place: its certificate is as precious.
  await refuseExisting(join(folder, CREDENTIAL_FILES.authority));
  await refuseExisting(join(folder, AUTHORITY_KEY));
  for (const role of ROLES) await refuseExisting(join(folder, role, CREDENTIAL_FILES.key));
  for (const one of host) checkHost(one);
  const authority = await createAuthority('tessera', authorityDays);
  refuseLongerLife(authority, days);
  await wholeOrNothing([folder, ...ROLES.map((role) => join(folder, role))], async () => {
    await makeFolder(folder);
    for (const file of authorityFiles(authority)) await writeNew(folder, file);
    for (const role of ROLES) await writeLeaf(authority, { folder, name: role, role, host, days });
  });
  say(
    pointer(
      'authority',
      `${join(folder, AUTHORITY_KEY)} (keep it; no machine of the cluster needs it)`,
    ),
  );
  const flags = (role: string) => ['--certs', pathWord(join(folder, role))];
  const listen = ['coordinator', 'CONFIG', '--listen', 'HOST:PORT'];
  say(pointer('coordinator', commandLine([...listen, ...flags('coordinator')])));
  say(pointer('workers', commandLine(['worker', 'HOST:PORT', ...flags('worker')])));
  say(pointer('operators', commandLine(['status', 'HOST:PORT', ...flags('operator')])));
}

/** Issues one more credential. Throws  CANNOT_WRITE when there is one of that name; USAGE; DATA_INVALID. */
export async function issueCerts(options: IssueOptions): Promise<void> {
  const { folder, role, host = [], days } = options;
  if (role !== 'coordinator' && host.length > 0) {
    throw new TesseraError(
      'USAGE',
      `--host is for a coordinator: a ${role} accepts no connections`,
      {
        hint: 'leave --host out, or give --role coordinator',
      },
    );
  }
  if (role === 'coordinator' && host.length === 0) {
    throw new TesseraError(
      'USAGE',
      'a coordinator needs --host: the name or address that workers dial',
      {
        hint: 'tessera certs issue CERTS NAME --role coordinator --host 10.0.0.1',
      },
    );
  }
  const authority = {
    certificate: await readText(join(folder, CREDENTIAL_FILES.authority)),
    key: await readText(join(folder, AUTHORITY_KEY)),
  };
  refuseLongerLife(authority, days);
  const place = options.out ?? join(folder, options.name);
  await refuseExisting(join(place, CREDENTIAL_FILES.key));
  const out = await wholeOrNothing([place], () => writeLeaf(authority, options));
  say(pointer(role, out));
}

/** Shows what certificates say. Throws  DATA_INVALID. */
export async function showCerts(
  paths: readonly string[],
  options: { readonly json?: true },
): Promise<void> {
  const shown: (CertificateFacts & { path: string })[] = [];
  for (const path of paths) {
    const file = (await stat(path).catch(() => undefined))?.isDirectory()
      ? await certificateIn(path)
      : path;
    shown.push({ path: file, ...describeCertificate(await readText(file), file) });
  }
  if (options.json) {
    printJson({ schema: 'certs/1', certificates: shown });
    return;
  }
  const rows = shown.map(({ path, name, role, isAuthority, hosts, validTo }) => [
    path,
    name,
    isAuthority ? 'authority' : (role ?? 'none'),
    hosts.join(' ') || '-',
    lifeLeft(validTo),
  ]);
  print(formatTable(COLUMNS, rows));
}

/** Prints an unguessable token. */
export function printToken(): void {
  print([newToken()]);
}

const COLUMNS = ['file', 'name', 'role', 'hosts', 'valid'].map((title) => ({
  title,
  align: 'left' as const,
}));

async function writeLeaf(authority: KeyPairPem, options: IssueOptions): Promise<string> {
  const { folder, name, role, host = [], days } = options;
  const out = options.out ?? join(folder, name);
  await refuseExisting(join(out, CREDENTIAL_FILES.key));
  const files = await leafFiles(authority, { name, role, hosts: host, days });
  await makeFolder(out);
  for (const file of files) {
    // A key is never written over.
    if (file.mode !== 0o600) await writing(out, () => rm(join(out, file.path), { force: true }));
    await writeNew(out, file);
  }
  return out;
}

/** The check of a certificate includes its CA. Throws  USAGE. */
function refuseLongerLife({ certificate }: KeyPairPem, days: number): void {
  const { validTo } = describeCertificate(certificate, CREDENTIAL_FILES.authority);
  if (Date.now() + (days - 1) * DAY_MS <= validTo.getTime()) return;
  const end = validTo.toISOString().slice(0, 10);
  throw new TesseraError('USAGE', `a life of ${days} days goes beyond the authority's, to ${end}`, {
    hint: 'give fewer --days, or make a new authority: tessera certs init NEW_FOLDER',
  });
}

/**
 * Writes credentials into folders; if the disk becomes full, the new files are removed
 * again, or the next attempt would find half of them in its way.
 */
async function wholeOrNothing<T>(folders: readonly string[], write: () => Promise<T>): Promise<T> {
  const files = [AUTHORITY_KEY, ...Object.values(CREDENTIAL_FILES)];
  const paths = folders.flatMap((folder) => files.map((file) => join(folder, file)));
  const newFiles = await absentOf(paths);
  const newFolders = await absentOf(folders);
  try {
    return await write();
  } catch (error) {
    // What another one has made meanwhile is that one's.
    if (error instanceof Error && errnoOf(error.cause) === 'EEXIST') throw error;
    for (const path of newFiles) await rm(path, { force: true }).catch(() => {});
    for (const folder of newFolders.toReversed()) await rmdir(folder).catch(() => {});
    throw error;
  }
}

/** Those of some paths at which nothing is. */
async function absentOf(paths: readonly string[]): Promise<string[]> {
  const found = await Promise.all(
    paths.map((path) => lstat(path).catch((error: unknown) => errnoOf(error))),
  );
  return paths.filter((_, at) => found[at] === 'ENOENT');
}

async function makeFolder(path: string): Promise<void> {
  await writing(path, () => makeFolders(path, 0o700));
}

/** Writes a new file, never through a link, which could leak a key. A file that others can read is writable only by us. */
async function writeNew(folder: string, { path, text, mode }: CredentialText): Promise<void> {
  const whole = join(folder, path);
  await writing(whole, () => writeFile(whole, text, { mode, flag: 'wx' }));
}

async function writing(path: string, work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (cause) {
    throw cannotWrite(path, cause);
  }
}

async function refuseExisting(path: string): Promise<void> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) return;
  throw new TesseraError('CANNOT_WRITE', `${path} is there already`, {
    hint: 'remove it first, or choose another folder: a key that is overwritten cannot be brought back',
  });
}

async function certificateIn(folder: string): Promise<string> {
  const leaf = join(folder, CREDENTIAL_FILES.certificate);
  return (await stat(leaf).catch(() => undefined))
    ? leaf
    : join(folder, CREDENTIAL_FILES.authority);
}

async function readText(path: string): Promise<string> {
  try {
    return await readTextFile(path);
  } catch (cause) {
    throw new TesseraError('DATA_INVALID', `cannot read ${path}: ${whyNot(path, cause)}`, {
      hint: 'tessera certs init makes such a folder',
      cause,
    });
  }
}

function lifeLeft(validTo: Date): string {
  const days = Math.floor((validTo.getTime() - Date.now()) / DAY_MS);
  return days < 0
    ? `expired ${-days} days ago`
    : `${days} days, until ${validTo.toISOString().slice(0, 10)}`;
}
