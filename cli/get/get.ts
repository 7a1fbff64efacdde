/** @file `tessera weights get` and `tessera data get`: files from the table of `shared/catalog`, verified and ready for use. */

import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { DATA, type KnownData } from '../../shared/catalog/data.ts';
import { type CatalogKind, cacheFolder, OUT_FOLDERS } from '../../shared/catalog/find.ts';
import { WEIGHTS } from '../../shared/catalog/weights.ts';
import type { ConfigInput } from '../../shared/config/inputs.ts';
import { loadConfig } from '../../shared/config/load.ts';
import { TesseraError } from '../../shared/core/errors.ts';
import { nearest } from '../../shared/core/nearest.ts';
import { formatBytes } from '../../shared/core/units.ts';
import type { KnownFile } from '../../shared/files/known-file.ts';
import { type ShutdownWatch, watchShutdown } from '../../shared/machine/shutdown.ts';
import { buildDataFolder, openedCounts } from '../../tools/downloads/data-folder.ts';
import { type FetchedFile, fetchKnown } from '../../tools/downloads/fetch-known.ts';
import { commandLine, pathWord } from '../terminal/command-text.ts';
import { pointer, print, printJson, say } from '../terminal/output.ts';
import { formatTable } from '../terminal/table.ts';
import { GetProgress } from './get-progress.ts';

/** Flags of both commands. */
export interface GetOptions {
  readonly name: string | undefined;
  /** Folder to put it into: ./data or ./weights unless given. */
  readonly out?: string;
  /** Put it into the user's cache, where runs of every folder find it. */
  readonly cache?: true;
  readonly url?: string;
  readonly list?: true;
  readonly keepArchive?: true;
  readonly json?: true;
}

/** Downloads pretrained weights. Throws  USAGE for a name that is not in the table; what `download` throws. */
export async function runWeightsGet(options: GetOptions): Promise<void> {
  if (options.list) {
    list('weights-list/1', WEIGHTS, options);
    return;
  }
  const known = find(WEIGHTS, options.name, 'weights');
  const file = options.url === undefined ? known : { ...known, url: options.url };
  const out = outOf('weights', options);
  const fetched = await withProgress((watch) => fetchShown(file, out, watch));
  if (options.json) {
    printJson({ schema: 'weights-get/1', name: known.name, url: file.url, ...fetched });
    return;
  }
  print([fetched.path]);
  say(pointer('next', commandLine(['weights', 'inspect', pathWord(fetched.path)])));
}

/** Downloads a data set and makes the folder that `data.source` reads. Throws  as `runWeightsGet`; DATA_INVALID. */
export async function runDataGet(options: GetOptions): Promise<void> {
  if (options.list) {
    const rows = DATA.map((data) => ({ ...data, ...(data.files[0] as KnownFile) }));
    list('data-list/1', rows, options);
    return;
  }
  const known = find(DATA, options.name, 'data');
  const out = outOf('data', options);
  const folder = join(out, known.name);
  const source = known.arrangement === 'idx' ? 'idx' : 'image-folder';
  const wasThere = existsSync(folder);
  if (!wasThere) await withProgress((watch) => bring(known, out, options, watch));
  const counts = await openedCounts(folder, source);
  if (options.json) {
    printJson({ schema: 'data-get/1', name: known.name, folder, source, wasThere, ...counts });
    return;
  }
  print([folder]);
  const { train, test, classes } = counts;
  say(
    `${wasThere ? 'already there' : 'ready'}: ${train} images to train, ${test} to test, ${classes} classes`,
  );
  say(
    pointer(
      'next',
      commandLine(['train', known.config, ...(await settingsFor(known, folder, source))]),
    ),
  );
}

/** Downloads what a config names and this machine has not, to where configs look for it. Throws  as both commands do. */
export async function getInputs(
  absent: readonly (Pick<ConfigInput, 'kind'> & { readonly name: string })[],
  signal: AbortSignal,
): Promise<void> {
  await withProgress(async (watch) => {
    for (const { kind, name } of absent) {
      if (kind === 'data') await bring(find(DATA, name, kind), OUT_FOLDERS.data, {}, watch);
      else await fetchShown(find(WEIGHTS, name, kind), OUT_FOLDERS.weights, watch);
    }
  }, signal);
}

function outOf(kind: CatalogKind, { out, cache }: GetOptions): string {
  if (cache === undefined) return out ?? OUT_FOLDERS[kind];
  if (out === undefined) return cacheFolder(kind, process.env);
  throw new TesseraError('USAGE', '--out and --cache are two places', { hint: 'give one of them' });
}

/** The settings that a preset needs for a set: none, if it finds the set by itself. */
async function settingsFor(known: KnownData, folder: string, source: string): Promise<string[]> {
  const { inputs } = await loadConfig(known.config);
  const isFound = inputs.some(
    ({ kind, name, path }) => kind === 'data' && name === known.name && path === resolve(folder),
  );
  if (isFound) return [];
  return [`data.source=${source}`, `data.path=${resolve(folder)}`].flatMap((setting) => [
    '--set',
    setting,
  ]);
}

/** Progress output and cancellation. */
interface Watch {
  readonly progress: GetProgress;
  readonly signal: AbortSignal;
}

async function withProgress<T>(
  work: (watch: Watch) => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  const shutdown = signal === undefined ? watchShutdown({ announce: say }) : undefined;
  const progress = new GetProgress();
  try {
    return await work({ progress, signal: signal ?? (shutdown as ShutdownWatch).signal });
  } finally {
    progress.close();
    shutdown?.dispose();
  }
}

async function bring(
  known: KnownData,
  out: string,
  options: Pick<GetOptions, 'url' | 'keepArchive'>,
  watch: Watch,
) {
  const downloads = join(out, 'downloads', known.name);
  const archives: string[] = [];
  for (const file of known.files) {
    const from = withUrl(file, options.url, known.files.length);
    archives.push((await fetchShown(from, downloads, watch)).path);
  }
  await buildDataFolder(known, {
    archives,
    folder: join(out, known.name),
    signal: watch.signal,
    onProgress: (what, count) => watch.progress.files(what, count),
  });
  // The records stay: they are what a later download is checked against.
  if (!options.keepArchive) for (const path of archives) await rm(path, { force: true });
}

/** A mirror's address is that of the file, or of the folder of them when there are several. */
function withUrl(file: KnownFile, url: string | undefined, count: number): KnownFile {
  if (url === undefined) return file;
  return { ...file, url: count === 1 ? url : `${url.replace(/\/+$/, '')}/${file.file}` };
}

async function fetchShown(
  file: KnownFile,
  folder: string,
  { progress, signal }: Watch,
): Promise<FetchedFile> {
  progress.line(file.url);
  const fetched = await fetchKnown({
    file,
    folder,
    nowIso: new Date().toISOString(),
    signal,
    onProgress: (now) => progress.bytes(file.file, now),
    onRetry: (reason, pauseMs) =>
      progress.line(`${reason}; trying again in ${Math.ceil(pauseMs / 1000)} s`),
  });
  progress.line(`${fetched.path}: ${formatBytes(fetched.bytes)}, ${voucher(fetched)}`);
  return fetched;
}

function voucher({ checkedBy, sha256, wasThere }: FetchedFile): string {
  const there = wasThere ? 'was there, ' : '';
  if (checkedBy !== 'first download') return `${there}matches the ${checkedBy}`;
  return `${there}sha256 ${sha256}: published nowhere, noted in downloads.json and checked from now on`;
}

function find<T extends { readonly name: string }>(
  table: readonly T[],
  name: string | undefined,
  command: string,
): T {
  const names = table.map((entry) => entry.name);
  const found = table.find((entry) => entry.name === name);
  if (found !== undefined) return found;
  const near = name === undefined ? undefined : nearest(name, names);
  throw new TesseraError(
    'USAGE',
    name === undefined
      ? 'no name was given'
      : `nothing in the catalogue of ${command} is called ${name}`,
    {
      hint: `${near === undefined ? '' : `did you mean ${near}? `}${command} get --list shows all: ${names.join(', ')}`,
    },
  );
}

function list(
  schema: 'data-list/1' | 'weights-list/1',
  entries: readonly (KnownFile & { readonly name: string; readonly description: string })[],
  { json }: GetOptions,
): void {
  if (json) {
    printJson({ schema, entries });
    return;
  }
  const titles = ['NAME', 'CHECKSUM', 'HOST', 'WHAT'].map((title) => ({ title }));
  const rows = entries.map(({ name, digest, url, description }) => [
    name,
    digest === undefined ? 'first-download' : `${digest.algorithm}:${digest.hex.slice(0, 8)}`,
    new URL(url).host,
    description,
  ]);
  print(formatTable(titles, rows));
}
