/**
 * @file Unpacks zip, tar, tar.gz and gz into a folder, and nowhere else.
 *
 * Only files and folders are made, each below the folder, each once: a link, a device or a name that leads elsewhere
 * ends it. What comes out is bounded, in bytes and in proportion to the archive. The caller hands a folder of its own
 * (`buildFolderAtomically`), so that nothing half-unpacked is left.
 */
import { createWriteStream } from 'node:fs';
import { mkdir, stat, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { type Extract, extract, type Header } from 'tar-stream';
import { errnoOf } from '../../shared/core/errno.ts';
import { TesseraError } from '../../shared/core/errors.ts';
import { formatBytes } from '../../shared/core/units.ts';
import { readRegularFile, streamRegularFile } from '../../shared/files/regular-file.ts';
import { type ZipEntry, zipEntries } from '../../shared/weights/formats/zip.ts';
import { hostileEntry, isMacLitter, safeEntryParts } from './entry-names.ts';

/** Kinds of archives that can be unpacked. */
export type ArchiveKind = 'zip' | 'tar' | 'tar.gz' | 'gz';

/** How much may come out of an archive. */
export interface UnpackLimits {
  readonly bytesMax: number;
  readonly entriesMax: number;
  /** Bytes out for each byte in, beyond the first `ratioFreeBytes`. */
  readonly ratioMax: number;
  readonly ratioFreeBytes: number;
}

const LIMITS: UnpackLimits = {
  bytesMax: 32 * 1024 ** 3,
  entriesMax: 1_000_000,
  ratioMax: 100,
  ratioFreeBytes: 64 * 1024 ** 2,
};

/** A zip is read whole; larger sets come as tar. */
const ZIP_BYTES_MAX = 2 * 1024 ** 3 - 1;
const FILE_TYPE = 0o170000;
const FILE_TYPES: ReadonlyMap<number, string> = new Map([
  [0o120000, 'a symbolic link'],
  [0o060000, 'a block device'],
  [0o020000, 'a character device'],
  [0o010000, 'a pipe'],
  [0o140000, 'a socket'],
]);

/** What to unpack, and where. */
export interface UnpackOptions {
  readonly archive: string;
  readonly kind: ArchiveKind;
  /** An empty folder. */
  readonly folder: string;
  readonly limits?: Partial<UnpackLimits>;
  readonly signal?: AbortSignal;
  readonly onProgress?: (files: number) => void;
}

/**
 * Unpacks an archive.
 *
 * Throws  DATA_INVALID, naming archive and entry, when it is damaged, hostile or too much comes out; CANNOT_WRITE.
 */
export async function unpack(options: UnpackOptions): Promise<void> {
  const { archive, kind } = options;
  const { size } = await stat(archive);
  const budget = new Budget(options, size);
  try {
    if (kind === 'zip') await unpackZip(options, budget, size);
    else if (kind === 'gz') await unpackGzip(options, budget);
    else await unpackTar(options, budget);
  } catch (thrown) {
    options.signal?.throwIfAborted();
    throw inWords(archive, thrown);
  }
}

/** Counts what comes out. */
class Budget {
  readonly #archive: string;
  readonly #limits: UnpackLimits;
  readonly #bytesMax: number;
  readonly #onProgress: ((files: number) => void) | undefined;
  #bytes = 0;
  #entries = 0;

  constructor({ archive, limits, onProgress }: UnpackOptions, archiveBytes: number) {
    this.#archive = archive;
    this.#limits = { ...LIMITS, ...limits };
    const { bytesMax, ratioMax, ratioFreeBytes } = this.#limits;
    this.#bytesMax = Math.min(bytesMax, Math.max(ratioFreeBytes, archiveBytes * ratioMax));
    this.#onProgress = onProgress;
  }

  entry(): void {
    this.#entries += 1;
    if (this.#entries > this.#limits.entriesMax) {
      throw this.#tooMuch(`more than ${this.#limits.entriesMax} entries`);
    }
    this.#onProgress?.(this.#entries);
  }

  take(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes > this.#bytesMax)
      throw this.#tooMuch(`more than ${formatBytes(this.#bytesMax)}`);
  }

  #tooMuch(what: string): TesseraError {
    return new TesseraError('DATA_INVALID', `${this.#archive} would unpack to ${what}`, {
      hint: 'possible decompression bomb, or too large for this command; nothing was unpacked',
    });
  }
}

async function unpackZip(options: UnpackOptions, budget: Budget, size: number): Promise<void> {
  const { archive, signal } = options;
  if (size > ZIP_BYTES_MAX) {
    throw new TesseraError(
      'DATA_INVALID',
      `${archive} has ${formatBytes(size)}, too much for a zip`,
      {
        hint: 'unpack it with another tool',
      },
    );
  }
  const bytes = await readRegularFile(archive, ZIP_BYTES_MAX);
  const entries = readable(archive, () => zipEntries(bytes));
  // Everything is judged before anything is written.
  for (const entry of entries) {
    judgeZipEntry(archive, entry);
    budget.entry();
    budget.take(entry.bytes);
  }
  for (const entry of entries) {
    signal?.throwIfAborted();
    const path = await pathOf(options, entry.name, entry.name.endsWith('/'));
    if (path === undefined) continue;
    const content = readable(archive, entry.content);
    await writeFile(path, content, { flag: 'wx' }).catch(refuseTwice(archive, entry.name));
  }
}

function judgeZipEntry(archive: string, { name, mode, isEncrypted }: ZipEntry): void {
  safeEntryParts(archive, name);
  const special = FILE_TYPES.get(mode & FILE_TYPE);
  if (special !== undefined) throw hostileEntry(archive, name, `is ${special}`);
  if (isEncrypted) throw hostileEntry(archive, name, 'is encrypted');
}

async function unpackTar(options: UnpackOptions, budget: Budget): Promise<void> {
  const entries = extract();
  const source = await streamRegularFile(options.archive);
  const broken = new AbortController();
  const stop = AbortSignal.any([broken.signal, ...(options.signal ? [options.signal] : [])]);
  const parts = options.kind === 'tar' ? [source, entries] : [source, createGunzip(), entries];
  const reading = pipeline(parts, { signal: stop });
  // An entry whose archive breaks off would wait for its rest for ever.
  reading.catch((error: unknown) => broken.abort(error));
  let refusal: unknown;
  const writing = async () => {
    for await (const entry of entries) {
      await writeTarEntry(entry, { options, budget, stop }).catch((error: unknown) => {
        if (!broken.signal.aborted) refusal = error;
        throw error;
      });
    }
  };
  try {
    await Promise.all([writing(), reading]);
  } catch (thrown) {
    // What we refuse breaks the reading too: ours is the reason.
    throw refusal ?? thrown;
  }
}

type TarEntry = Extract extends AsyncIterable<infer Entry> ? Entry : never;

async function writeTarEntry(
  entry: TarEntry,
  at: { readonly options: UnpackOptions; readonly budget: Budget; readonly stop: AbortSignal },
): Promise<void> {
  const { options, budget, stop } = at;
  budget.entry();
  const { name } = entry.header;
  const path = await pathOf(options, name, judgeTarEntry(options.archive, entry.header));
  if (path === undefined) {
    entry.resume();
    return;
  }
  const target = createWriteStream(path, { flags: 'wx' });
  await pipeline(entry, metered(budget), target, { signal: stop }).catch(
    refuseTwice(options.archive, name),
  );
}

/** Whether an entry is a folder. Throws  DATA_INVALID for what is neither file nor folder. */
function judgeTarEntry(archive: string, { name, type }: Header): boolean {
  safeEntryParts(archive, name);
  if (type === 'directory') return true;
  if (type === 'file' || type === 'contiguous-file') return false;
  throw hostileEntry(archive, name, `is a ${type ?? 'entry of unknown kind'}`);
}

/** A lone file, named as the archive without its ending. */
async function unpackGzip(options: UnpackOptions, budget: Budget): Promise<void> {
  const { archive, folder, signal } = options;
  const target = createWriteStream(join(folder, basename(archive, '.gz')), { flags: 'wx' });
  const abort = signal === undefined ? {} : { signal };
  const source = await streamRegularFile(archive);
  await pipeline(source, createGunzip(), metered(budget), target, abort);
}

/** The path of an entry, its folder made; undefined when there is nothing to write. */
async function pathOf({ archive, folder }: UnpackOptions, name: string, isFolder: boolean) {
  const parts = safeEntryParts(archive, name);
  if (isMacLitter(parts) || parts.length === 0) return undefined;
  const path = join(folder, ...parts);
  await mkdir(isFolder ? path : join(path, '..'), { recursive: true }).catch(
    refuseTwice(archive, name),
  );
  return isFolder ? undefined : path;
}

function metered(budget: Budget): Transform {
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      try {
        budget.take(chunk.length);
        done(null, chunk);
      } catch (error) {
        done(error as Error);
      }
    },
  });
}

function refuseTwice(archive: string, name: string) {
  return (error: unknown): never => {
    const code = errnoOf(error);
    if (code !== 'EEXIST' && code !== 'ENOTDIR') throw error;
    throw hostileEntry(archive, name, 'occurs twice');
  };
}

function inWords(archive: string, thrown: unknown): unknown {
  if (thrown instanceof TesseraError) return thrown;
  // The caller, which makes the folder, reports errors of writing.
  if (/^E[A-Z]+$/.test(errnoOf(thrown))) return thrown;
  return unreadable(archive, thrown);
}

/** What `work` reads of an archive. Throws  DATA_INVALID, naming the archive. */
function readable<T>(archive: string, work: () => T): T {
  try {
    return work();
  } catch (thrown) {
    throw unreadable(archive, thrown);
  }
}

function unreadable(archive: string, cause: unknown): TesseraError {
  const { sentence } = TesseraError.from(cause);
  return new TesseraError('DATA_INVALID', `${archive} cannot be unpacked: ${sentence}`, {
    hint: 'remove the file and download it again',
    cause,
  });
}
