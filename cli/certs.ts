/** @file `tessera certs`: an authority for a cluster, credentials below it, and what they say. */
import { chmod, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TesseraError } from '../shared/core/errors.ts';
import {
  type CertificateFacts,
  type CertificateRole,
  createAuthority,
  describeCertificate,
  issueCertificate,
  type KeyPairPem,
} from '../shared/host/certificates.ts';
import { CREDENTIAL_FILES, newToken } from '../shared/host/credentials.ts';
import { reasonOf } from '../shared/host/errno.ts';
import { formatTable } from './table.ts';
import { pointer, print, printJson, say } from './talk.ts';

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

const AUTHORITY_KEY = 'ca.key';
/** What is for all to read is for nobody to write, whatever the umask. */
const READABLE = { mode: 0o644 };
/** A coordinator is always dialled by its own machine too. */
const OWN_HOSTS = ['localhost', '127.0.0.1', '::1'];

/** Makes an authority and one credential of each role. Throws  CANNOT_WRITE when the folder holds one already. */
export async function initCerts({
  folder,
  host = [],
  days,
  authorityDays,
}: InitOptions): Promise<void> {
  await refuseExisting(join(folder, AUTHORITY_KEY));
  const authority = await createAuthority('tessera', authorityDays);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await writeFile(join(folder, CREDENTIAL_FILES.authority), authority.certificate, READABLE);
  await writeSecret(join(folder, AUTHORITY_KEY), authority.key);
  for (const role of ['coordinator', 'worker', 'operator'] as const) {
    await writeLeaf(authority, { folder, name: role, role, host, days });
  }
  say(
    pointer(
      'authority',
      `${join(folder, AUTHORITY_KEY)} (keep it; no machine of the cluster needs it)`,
    ),
  );
  say(
    pointer(
      'coordinator',
      `tessera coordinator CONFIG --listen HOST:PORT --certs ${join(folder, 'coordinator')}`,
    ),
  );
  say(pointer('workers', `tessera worker HOST:PORT --certs ${join(folder, 'worker')}`));
  say(pointer('operators', `tessera status HOST:PORT --certs ${join(folder, 'operator')}`));
}

/** Issues one more credential. Throws  CANNOT_WRITE when there is one of that name; USAGE; DATA_INVALID. */
export async function issueCerts(options: IssueOptions): Promise<void> {
  const { folder, role, host = [] } = options;
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
  const out = await writeLeaf(authority, options);
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

/** Prints a token that nobody can guess. */
export function printToken(): void {
  print([newToken()]);
}

const COLUMNS = ['file', 'name', 'role', 'hosts', 'valid'].map((title) => ({
  title,
  align: 'left' as const,
}));

async function writeLeaf(authority: KeyPairPem, wish: IssueOptions): Promise<string> {
  const { folder, name, role, host = [], days } = wish;
  const out = wish.out ?? join(folder, name);
  await refuseExisting(join(out, CREDENTIAL_FILES.key));
  const hosts = role === 'coordinator' ? [...new Set([...host, ...OWN_HOSTS])] : [];
  const leaf = await issueCertificate(authority, { name, role, hosts, days });
  await mkdir(out, { recursive: true, mode: 0o700 });
  await writeFile(join(out, CREDENTIAL_FILES.authority), authority.certificate, READABLE);
  // The key first: who watches the folder then never sees a certificate without its key.
  await writeSecret(join(out, CREDENTIAL_FILES.key), leaf.key);
  await writeFile(join(out, CREDENTIAL_FILES.certificate), leaf.certificate, READABLE);
  return out;
}

async function writeSecret(path: string, text: string): Promise<void> {
  await writeFile(path, text, { mode: 0o600 });
  // The mode above is of a new file, less the umask; the file may have been there.
  await chmod(path, 0o600);
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
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new TesseraError('DATA_INVALID', `cannot read ${path}: ${reasonOf(cause)}`, {
      hint: 'tessera certs init makes such a folder',
      cause,
    });
  }
}

function lifeLeft(validTo: Date): string {
  const days = Math.floor((validTo.getTime() - Date.now()) / 86_400_000);
  return days < 0
    ? `expired ${-days} days ago`
    : `${days} days, until ${validTo.toISOString().slice(0, 10)}`;
}
