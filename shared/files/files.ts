/**
 * @file Files and folders that are there whole or not at all, whatever dies in between.
 *
 * Everything is built under a hidden name beside its target, flushed to the disk, and then renamed.
 * Hidden names carry the process that made them, so that what a crash left behind is known as such.
 */
import { randomBytes } from 'node:crypto';
import { basename, dirname, join, resolve } from 'node:path';
import { errnoOf, isShortage, remedyOf } from '../core/errno.ts';
import { TesseraError } from '../core/errors.ts';
import { type Disk, machineDisk } from './disk.ts';
import type { FileRoom } from './regular-file.ts';
import { whyNot } from './why-not.ts';

/** A file's content, in order. */
export type Pieces = Iterable<Uint8Array>;

/** `.NAME.new-PID-ID`: being built; `old`: replaced, until its successor is there; `gone`: being removed. */
type Fate = 'new' | 'old' | 'gone';
const HIDDEN_NAME = /^\.(.+)\.(new|old|gone)-(\d+)-[0-9a-f]{12}$/;

/** Hidden names that this process works on, by the disk that it sees. */
const namesInUse = new WeakMap<Disk, Set<string>>();
/** Folders whose own names are known to be durable, by the disk that holds them. */
const durableFolders = new WeakMap<Disk, Set<string>>();

/**
 * Writes a file whole, replacing the one of that name.
 *
 * Throws  CANNOT_WRITE; what was there before is then still there, untouched.
 */
export async function writeFileAtomically(
  path: string,
  pieces: Pieces,
  disk: Disk = machineDisk,
): Promise<void> {
  await replacing(disk, path, async (temporary) => {
    await writeFlushed(disk, temporary, pieces);
    await disk.rename(temporary, path);
  });
}

/**
 * Writes a folder of files whole, replacing the one of that name; its parent is made where needed, and so are folders in
 * it that names such as `samples/wide.png` have.
 *
 * Throws  CANNOT_WRITE; what was there before is then still there, untouched.
 */
export async function writeFolderAtomically(
  path: string,
  files: readonly { readonly name: string; readonly pieces: Pieces }[],
  disk: Disk = machineDisk,
): Promise<void> {
  await buildFolderAtomically(
    path,
    async (temporary) => {
      const folders = [...new Set(files.map(({ name }) => dirname(name)))].filter(
        (it) => it !== '.',
      );
      for (const folder of folders) await disk.makeFolder(join(temporary, folder));
      for (const { name, pieces } of files) await writeFlushed(disk, join(temporary, name), pieces);
      for (const folder of folders) await disk.flushFolder(join(temporary, folder));
    },
    disk,
  );
}

/**
 * Builds a folder by `build`, which fills the empty folder that it is given, and then puts it in place of the one of
 * that name.
 *
 * Throws  CANNOT_WRITE, or what `build` throws; what was there before is then still there, untouched.
 */
export async function buildFolderAtomically(
  path: string,
  build: (temporary: string) => Promise<void>,
  disk: Disk = machineDisk,
): Promise<void> {
  await replacing(disk, path, async (temporary) => {
    await disk.makeFolder(temporary);
    await build(temporary);
    await disk.flushFolder(temporary);
    await putInPlace(disk, temporary, path);
  });
}

/**
 * Removes a folder at one stroke: it is never there in parts under its name. `ready` has the last word before it goes.
 *
 * Throws  CANNOT_WRITE; what `ready` throws.
 */
export async function removeFolderAtomically(
  path: string,
  disk: Disk = machineDisk,
  ready?: () => Promise<void>,
): Promise<void> {
  const goAway = async (temporary: string) => {
    await ready?.();
    await disk.rename(path, temporary);
  };
  await replacing(disk, path, goAway, 'gone');
}

/**
 * Repairs a folder after a crash: half-built and half-removed entries are deleted, and what was being
 * replaced comes back unless its successor is there.
 */
export async function sweepFolder(folder: string, disk: Disk = machineDisk): Promise<void> {
  for (const hidden of await disk.list(folder)) {
    const [, name, fate, pid] = HIDDEN_NAME.exec(hidden) ?? [];
    const path = join(resolve(folder), hidden);
    if (name === undefined || inUse(disk).has(path)) continue;
    if (Number(pid) !== disk.processId && disk.isAlive(Number(pid))) continue;
    const target = join(folder, name);
    if (fate === 'old' && !disk.exists(target)) await disk.rename(path, target);
    else await disk.remove(path);
  }
}

/** How a file is read. */
interface ReadOptions {
  readonly disk?: Disk | undefined;
  readonly bytesMax?: number;
  readonly room?: FileRoom | undefined;
}

/**
 * Reads a regular file of any size that fits in memory, or of at most `bytesMax`; the bytes begin at the start of their
 * buffer, or are in memory that `room` gives.
 *
 * Throws  DATA_INVALID, naming the path and the cause in words.
 */
export async function readWholeFile(
  path: string,
  options?: ReadOptions & { readonly room?: undefined },
): Promise<Uint8Array<ArrayBuffer>>;
export async function readWholeFile(path: string, options: ReadOptions): Promise<Uint8Array>;
export async function readWholeFile(
  path: string,
  { disk = machineDisk, bytesMax, room }: ReadOptions = {},
): Promise<Uint8Array> {
  try {
    return await disk.read(path, bytesMax, room);
  } catch (cause) {
    throw cannotRead(path, cause);
  }
}

/** The error for an untrusted file that cannot be read. */
export function cannotRead(path: string, cause: unknown): TesseraError {
  if (cause instanceof TesseraError) return cause;
  const code = isShortage(cause) ? 'SYSTEM' : 'DATA_INVALID';
  return new TesseraError(code, `cannot read ${path}: ${whyNot(path, cause)}`, {
    hint: remedyOf(cause),
    cause,
  });
}

/** A file or folder that cannot be written, in words. */
export function cannotWrite(path: string, cause: unknown, hint = remedyOf(cause)): TesseraError {
  if (cause instanceof TesseraError) return cause;
  return new TesseraError('CANNOT_WRITE', `cannot write ${path}: ${whyNot(path, cause)}`, {
    hint,
    cause,
  });
}

/** Makes a folder for results, and those above it. Throws  CANNOT_WRITE. */
export async function makeFolder(path: string, disk: Disk = machineDisk): Promise<void> {
  await disk.makeFolder(path).catch((error: unknown) => {
    throw cannotWrite(path, error);
  });
}

/**
 * Makes the names in a folder durable, and its own: who put something there may have died, or erred, before that.
 *
 * Throws  CANNOT_WRITE.
 */
export async function makeNamesDurable(folder: string, disk: Disk = machineDisk): Promise<void> {
  try {
    await makeDurableFolder(disk, folder);
    await disk.flushFolder(folder);
  } catch (error) {
    throw cannotWrite(folder, error);
  }
}

/** Runs `work` with a hidden name beside `path`, and leaves nothing under that name. */
async function replacing(
  disk: Disk,
  path: string,
  work: (temporary: string) => Promise<void>,
  fate: Fate = 'new',
): Promise<void> {
  const parent = dirname(resolve(path));
  const temporary = hiddenName(disk, path, fate);
  inUse(disk).add(temporary);
  try {
    await makeDurableFolder(disk, parent);
    // Leftovers that cannot be removed do not prevent the write.
    await sweepFolder(parent, disk).catch(() => undefined);
    await work(temporary);
    await disk.flushFolder(parent);
  } catch (error) {
    throw cannotWrite(path, error);
  } finally {
    await disk.remove(temporary).catch(() => undefined);
    inUse(disk).delete(temporary);
  }
}

/**
 * Makes a folder, and its name durable all the way up: who made it, perhaps in an earlier attempt that failed half-way,
 * may not have come to that.
 */
async function makeDurableFolder(disk: Disk, folder: string): Promise<void> {
  await disk.makeFolder(folder);
  const known = setOf(durableFolders, disk);
  if (known.has(folder)) return;
  for (let name = folder; dirname(name) !== name; name = dirname(name)) {
    await disk.flushFolder(dirname(name)).catch((error: unknown) => {
      // What we may not read we did not make.
      if (errnoOf(error) !== 'EACCES' && errnoOf(error) !== 'EPERM') throw error;
    });
  }
  known.add(folder);
}

/** No call swaps two folders: the one in the way steps aside, and comes back if the rename fails. */
async function putInPlace(disk: Disk, temporary: string, path: string): Promise<void> {
  if (!disk.exists(path)) return disk.rename(temporary, path);
  const aside = hiddenName(disk, path, 'old');
  inUse(disk).add(aside);
  try {
    await disk.rename(path, aside);
    await disk.rename(temporary, path).catch(async (error: unknown) => {
      await disk.rename(aside, path);
      throw error;
    });
    await disk.flushFolder(dirname(path));
    await disk.remove(aside);
  } finally {
    inUse(disk).delete(aside);
  }
}

function inUse(disk: Disk): Set<string> {
  return setOf(namesInUse, disk);
}

function setOf(sets: WeakMap<Disk, Set<string>>, disk: Disk): Set<string> {
  const known = sets.get(disk) ?? new Set();
  sets.set(disk, known);
  return known;
}

function hiddenName(disk: Disk, path: string, fate: Fate): string {
  const id = randomBytes(6).toString('hex');
  return join(dirname(resolve(path)), `.${basename(path)}.${fate}-${disk.processId}-${id}`);
}

async function writeFlushed(disk: Disk, path: string, pieces: Pieces): Promise<void> {
  const file = await disk.create(path);
  try {
    for (const piece of pieces) await file.write(piece);
    await file.flush();
  } finally {
    await file.close();
  }
}
