/**
 * @file Unpacks wheels side by side into one folder, entry by entry: a wheel is never in memory.
 *
 * Wheels of one vendor share folders (`nvidia/cu13/lib`). Two may hold the same file, not two files of one name. What
 * is Python is left out, programs get their permission to run, and each file is flushed.
 *
 * Source  Python's "Binary distribution format": `NAME.data/purelib` and `platlib` belong to the root.
 */
import { createWriteStream } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { crc32, createInflateRaw } from 'node:zlib';
import { errnoOf } from '../../../shared/core/errno.ts';
import { TesseraError } from '../../../shared/core/errors.ts';
import { cannotRead } from '../../../shared/files/files.ts';
import { openRegularFile, type RegularFile } from '../../../shared/files/regular-file.ts';
import {
  contentOffset,
  LOCAL_HEADER_BYTES,
  locateDirectory,
  type PackedEntry,
  readDirectory,
  ZIP_TAIL_BYTES,
} from '../../../shared/weights/formats/zip.ts';
import { hostileEntry, safeEntryParts } from '../../downloads/entry-names.ts';

/** A file of a wheel, judged. */
interface WheelFile extends PackedEntry {
  /** Below the engine's folder. */
  readonly target: string;
}

/** What is in a wheel. */
export interface WheelContents {
  readonly path: string;
  readonly files: readonly WheelFile[];
  /** Unpacked. */
  readonly bytes: number;
}

const BYTES_MAX = 64 * 1024 ** 3;
const ENTRIES_MAX = 200_000;
const DIRECTORY_BYTES_MAX = 64 * 1024 ** 2;
const [STORED, DEFLATED] = [0, 8];
const FILE_TYPE = 0o170000;
const REGULAR = 0o100000;
const PYTHON = /\.py[ico]?$/;
const PROGRAM = /(^|\/)bin\/[^/]+$/;

/**
 * Reads the directory of a wheel, and judges each entry before anything is written; only what is needed is in the result.
 *
 * Throws  DATA_INVALID, naming wheel and entry, when it is damaged, hostile or too large.
 */
export async function readWheel(
  path: string,
  keeps: (entry: string) => boolean = () => true,
): Promise<WheelContents> {
  await using file = await openWheel(path);
  try {
    const entries = await directoryOf(file);
    if (entries.length > ENTRIES_MAX) throw new Error(`it has more than ${ENTRIES_MAX} entries`);
    const files = entries
      .flatMap((entry) => judged(path, entry))
      .filter(({ target }) => keeps(target));
    const bytes = files.reduce((sum, entry) => sum + entry.bytes, 0);
    if (bytes > BYTES_MAX) throw new Error('it would unpack to too many bytes');
    return { path, files, bytes };
  } catch (error) {
    throw unreadable(path, error);
  }
}

async function openWheel(path: string): Promise<RegularFile> {
  return await openRegularFile(path).catch((cause: unknown) => {
    throw cannotRead(path, cause);
  });
}

async function directoryOf({ handle, size }: RegularFile): Promise<readonly PackedEntry[]> {
  const at = Math.max(0, size - ZIP_TAIL_BYTES);
  const directory = locateDirectory(await bytesAt(handle, at, size - at), at);
  if (directory.size > DIRECTORY_BYTES_MAX) throw new Error('its directory is too large');
  return readDirectory(await bytesAt(handle, directory.offset, directory.size));
}

async function bytesAt(handle: FileHandle, at: number, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  for (let filled = 0; filled < length; ) {
    const { bytesRead } = await handle.read(bytes, filled, length - filled, at + filled);
    if (bytesRead === 0) throw new Error('it is cut short');
    filled += bytesRead;
  }
  return bytes;
}

/** An entry with its place; none for folders and what is Python. */
function judged(path: string, entry: PackedEntry): readonly WheelFile[] {
  const parts = safeEntryParts(path, entry.name);
  const type = entry.mode & FILE_TYPE;
  if (entry.name.endsWith('/')) return [];
  if (type !== 0 && type !== REGULAR) throw hostileEntry(path, entry.name, 'is not a plain file');
  if (entry.isEncrypted) throw hostileEntry(path, entry.name, 'is encrypted');
  const [first = '', second = ''] = parts;
  const isRoot = first.endsWith('.data') && ['purelib', 'platlib'].includes(second);
  const target = (isRoot ? parts.slice(2) : parts).join('/');
  return target === '' || PYTHON.test(target) ? [] : [{ ...entry, target }];
}

/** What unpacking needs besides the wheel. */
export interface Unpacking {
  readonly folder: string;
  /** What the folder has already: the checksum of each file's content. */
  readonly there: Map<string, number>;
  readonly signal: AbortSignal;
  /** Bytes more that have been written. */
  readonly onBytes?: (bytes: number) => void;
}

/**
 * Writes the files of a wheel below the folder.
 *
 * Throws  DATA_INVALID when an entry is not what the directory says, or another wheel has another file of that name;
 *         what Node throws when the disk is full, for the caller to name the folder.
 */
export async function unpackWheel(wheel: WheelContents, unpacking: Unpacking): Promise<void> {
  const { there, signal } = unpacking;
  await using file = await openWheel(wheel.path);
  for (const entry of wheel.files) {
    signal.throwIfAborted();
    const before = there.get(entry.target);
    if (before === entry.crc32) continue;
    if (before !== undefined) {
      throw hostileEntry(wheel.path, entry.name, 'is in another wheel too, with other contents');
    }
    there.set(entry.target, entry.crc32);
    await writeEntry(file, entry, unpacking).catch((error: unknown) => {
      signal.throwIfAborted();
      if (/^E[A-Z]+$/.test(errnoOf(error))) throw error;
      throw unreadable(wheel.path, error);
    });
  }
}

async function writeEntry(
  { handle }: RegularFile,
  entry: WheelFile,
  { folder, signal, onBytes }: Unpacking,
): Promise<void> {
  const { name, target, method, packedBytes, mode } = entry;
  if (method !== STORED && method !== DEFLATED) {
    throw new Error(`${name} is packed in an unknown way (method ${method})`);
  }
  const path = join(folder, ...target.split('/'));
  await mkdir(dirname(path), { recursive: true });
  const start = contentOffset(await bytesAt(handle, entry.offset, LOCAL_HEADER_BYTES), entry);
  const isProgram = PROGRAM.test(target) || (mode & 0o111) !== 0;
  const sink = createWriteStream(path, {
    flags: 'wx',
    mode: isProgram ? 0o755 : 0o644,
    flush: true,
  });
  const checked = checking(entry, onBytes);
  const source = Readable.from(slices(handle, start, packedBytes), { objectMode: false });
  const unpacking = method === DEFLATED ? [createInflateRaw()] : [];
  await pipeline([source, ...unpacking, checked, sink], { signal });
}

/** A part of the file, in pieces. */
async function* slices(handle: FileHandle, start: number, length: number) {
  const SLICE = 1024 ** 2;
  for (let at = 0; at < length; at += SLICE) {
    yield await bytesAt(handle, start + at, Math.min(SLICE, length - at));
  }
}

/** Passes on what an entry holds; fails when it is not what the directory says. */
function checking({ name, bytes, crc32: wanted }: PackedEntry, onBytes?: (bytes: number) => void) {
  let seen = 0;
  let sum = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      seen += chunk.length;
      if (seen > bytes) return done(new Error(`${name} has more bytes than it says`));
      sum = crc32(chunk, sum);
      onBytes?.(chunk.length);
      done(null, chunk);
    },
    flush(done) {
      if (seen !== bytes) return done(new Error(`${name} has another size than it says`));
      done(sum === wanted ? null : new Error(`the checksum of ${name} is wrong`));
    },
  });
}

function unreadable(path: string, cause: unknown): TesseraError {
  if (cause instanceof TesseraError && cause.message.includes(path)) return cause;
  const { sentence } = TesseraError.from(cause);
  return new TesseraError('DATA_INVALID', `${path} cannot be unpacked: ${sentence}`, {
    hint: 'remove the file and run the command again',
    cause,
  });
}
