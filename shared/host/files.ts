/**
 * @file Files and folders that are there whole or not at all, whatever dies in between.
 *
 * Everything is built under a hidden name beside its target, flushed to the disk, and then renamed.
 * Hidden names carry the process that made them, so that what a crash left behind is known as such.
 */
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { type FileHandle, mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { TesseraError } from '../core/errors.ts';

/** A file's content, in order. */
export type Pieces = Iterable<Uint8Array>;

/** Reads and writes go in slices: one call moves at most 2 GiB. */
const SLICE_BYTES = 64 * 1024 * 1024;

/** `.NAME.new-PID-ID`: being built; `old`: replaced, until its successor is there; `gone`: being removed. */
type Fate = 'new' | 'old' | 'gone';
const HIDDEN_NAME = /^\.(.+)\.(new|old|gone)-(\d+)-[0-9a-f]{12}$/;

/** Hidden names that this process works on. */
const inUse = new Set<string>();

/**
 * Writes a file whole, replacing the one of that name.
 *
 * Throws  CANNOT_WRITE; what was there before is then still there, untouched.
 */
export async function writeFileAtomically(path: string, pieces: Pieces): Promise<void> {
  await replacing(path, async (temporary) => {
    await writeFlushed(temporary, pieces);
    await rename(temporary, path);
  });
}

/**
 * Writes a folder of files whole, replacing the one of that name; its parent is made where needed.
 *
 * Throws  CANNOT_WRITE; what was there before is then still there, untouched.
 */
export async function writeFolderAtomically(
  path: string,
  files: readonly { readonly name: string; readonly pieces: Pieces }[],
): Promise<void> {
  await replacing(path, async (temporary) => {
    await mkdir(temporary);
    for (const { name, pieces } of files) await writeFlushed(join(temporary, name), pieces);
    await flushFolder(temporary);
    await putInPlace(temporary, path);
  });
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
): Promise<void> {
  await replacing(path, async (temporary) => {
    await mkdir(temporary);
    await build(temporary);
    await flushFolder(temporary);
    await putInPlace(temporary, path);
  });
}

/**
 * Removes a folder at one stroke: it is never there in parts under its name.
 *
 * Throws  CANNOT_WRITE.
 */
export async function removeFolderAtomically(path: string): Promise<void> {
  await replacing(path, (temporary) => rename(path, temporary), 'gone');
}

/**
 * Mends what a crash left in a folder: half-built and half-removed things go, and what was being
 * replaced comes back unless its successor is there.
 */
export async function sweepFolder(folder: string): Promise<void> {
  for (const hidden of await readdir(folder)) {
    const [, name, fate, pid] = HIDDEN_NAME.exec(hidden) ?? [];
    const path = join(resolve(folder), hidden);
    if (name === undefined || inUse.has(path) || isOtherLiveProcess(Number(pid))) continue;
    const target = join(folder, name);
    if (fate === 'old' && !existsSync(target)) await rename(path, target);
    else await rm(path, { recursive: true, force: true });
  }
}

/**
 * Reads a file of any size that fits in memory; the bytes begin at the start of their buffer.
 *
 * Throws  DATA_INVALID, naming the path and the cause in words.
 */
export async function readWholeFile(path: string): Promise<Uint8Array<ArrayBuffer>> {
  try {
    const handle = await open(path, 'r');
    try {
      const { size } = await handle.stat();
      const bytes = new Uint8Array(size);
      let filled = 0;
      while (filled < size) {
        const length = Math.min(SLICE_BYTES, size - filled);
        const { bytesRead } = await handle.read(bytes, filled, length, filled);
        if (bytesRead === 0) throw new Error('it became shorter while being read');
        filled += bytesRead;
      }
      return bytes;
    } finally {
      await handle.close();
    }
  } catch (cause) {
    throw new TesseraError('DATA_INVALID', `cannot read ${path}: ${causeOf(cause).words}`, {
      cause,
    });
  }
}

/** Runs `work` with a hidden name beside `path`, and leaves nothing under that name. */
async function replacing(
  path: string,
  work: (temporary: string) => Promise<void>,
  fate: Fate = 'new',
): Promise<void> {
  const parent = dirname(resolve(path));
  const temporary = hiddenName(path, fate);
  inUse.add(temporary);
  try {
    const made = await mkdir(parent, { recursive: true });
    if (made !== undefined) await flushFolder(dirname(made));
    // Others' leavings that cannot be removed are no reason not to write.
    await sweepFolder(parent).catch(() => undefined);
    await work(temporary);
    await flushFolder(parent);
  } catch (error) {
    throw cannotWrite(path, error);
  } finally {
    await rm(temporary, { recursive: true, force: true }).catch(() => undefined);
    inUse.delete(temporary);
  }
}

/** No call swaps two folders: the one in the way steps aside, and comes back if the rename fails. */
async function putInPlace(temporary: string, path: string): Promise<void> {
  if (!existsSync(path)) return rename(temporary, path);
  const aside = hiddenName(path, 'old');
  inUse.add(aside);
  try {
    await rename(path, aside);
    await rename(temporary, path).catch(async (error: unknown) => {
      await rename(aside, path);
      throw error;
    });
    await flushFolder(dirname(path));
    await rm(aside, { recursive: true, force: true });
  } finally {
    inUse.delete(aside);
  }
}

function hiddenName(path: string, fate: Fate): string {
  const id = randomBytes(6).toString('hex');
  return join(dirname(resolve(path)), `.${basename(path)}.${fate}-${process.pid}-${id}`);
}

async function writeFlushed(path: string, pieces: Pieces): Promise<void> {
  const handle = await open(path, 'wx');
  try {
    for (const piece of pieces) await writePiece(handle, piece);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function writePiece(handle: FileHandle, piece: Uint8Array): Promise<void> {
  for (let written = 0; written < piece.length; ) {
    const length = Math.min(SLICE_BYTES, piece.length - written);
    written += (await handle.write(piece, written, length)).bytesWritten;
  }
}

/** Makes the names in a folder durable. Windows flushes no folders and keeps names durable itself. */
async function flushFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function isOtherLiveProcess(pid: number): boolean {
  if (pid === process.pid) return false;
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return errnoOf(error) === 'EPERM';
  }
}

const CAUSES: Readonly<Record<string, { words: string; hint: string }>> = {
  ENOSPC: { words: 'the disk is full', hint: 'free some space or choose a folder elsewhere' },
  EDQUOT: { words: 'the disk quota is used up', hint: 'free some space or raise the quota' },
  EACCES: { words: 'permission denied', hint: 'choose a folder that you may write to' },
  EPERM: { words: 'not permitted', hint: 'choose a folder that you may write to' },
  EROFS: { words: 'the file system is read-only', hint: 'choose a folder that can be written' },
  ENOENT: { words: 'no such file or folder', hint: 'check the path' },
  ENOTDIR: { words: 'a part of the path is a file', hint: 'check the path' },
  EEXIST: { words: 'a file of that name is in the way', hint: 'check the path' },
  EISDIR: { words: 'it is a folder', hint: 'check the path' },
  EMFILE: { words: 'too many open files', hint: 'raise the limit (ulimit -n)' },
  EIO: { words: 'the disk reports an error', hint: 'check the disk' },
};

function causeOf(error: unknown): { words: string; hint: string } {
  const words = error instanceof Error ? error.message : String(error);
  return CAUSES[errnoOf(error)] ?? { words, hint: 'check the path and the disk' };
}

function cannotWrite(path: string, error: unknown): TesseraError {
  if (error instanceof TesseraError) return error;
  const { words, hint } = causeOf(error);
  return new TesseraError('CANNOT_WRITE', `cannot write ${path}: ${words}`, { hint, cause: error });
}

function errnoOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : '';
}
