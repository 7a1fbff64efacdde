/**
 * @file The few calls that locks are made of: the seam between `lock.ts` and a disk.
 *
 * Time is the disk's own, that of the file server where there is one: clocks of machines differ, and are set.
 */
import { constants } from 'node:fs';
import { type FileHandle, link, open, rm, stat, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { errnoOf } from '../../core/errno.ts';
import { makeFolders } from '../../files/make-folders.ts';
import { openRegularFile, type RegularFile, readOpenFile } from '../../files/regular-file.ts';

/** Where a lock lies. */
export interface LockPlace {
  /** Its folder, and the file itself, by numbers of disk and file. */
  readonly folder: string;
  readonly file: string;
  /** Whether a file of this disk keeps its number for as long as it is there. */
  readonly isLasting: boolean;
  /** Names that the file has. */
  readonly names: number;
}

/** A lock as it is found. */
export interface FoundLock {
  readonly text: string;
  /** When it was written last. */
  readonly touchedMs: number;
  readonly place: LockPlace;
}

/** A disk, as locks need it. Failures are node's errors, with their codes. */
export interface LockDisk {
  /** Undefined where there is none; what is not a file is refused in words. What is too long for a lock has no text. */
  read(path: string): Promise<FoundLock | undefined>;
  /**
   * Makes a lock atomically, so that no reader sees half of it, unless there is one. `textOf` gets its place;
   * `scratch` is its name until it is complete. Returns the time by the disk's clock.
   */
  make(
    path: string,
    scratch: string,
    textOf: (place: LockPlace) => string,
  ): Promise<{ isMade: boolean; nowMs: number }>;
  /** Touches a lock that still has this text; returns whether it had. */
  touch(path: string, text: string): Promise<boolean>;
  /** Fine if there is none. */
  remove(path: string): Promise<void>;
  makeFolder(path: string): Promise<unknown>;
}

/** A lock has some 400. */
const LOCK_BYTES_MAX = 16 * 1024;
/** What file systems without hard links say to one. */
const NO_LINKS = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'];

/**
 * Disks of Linux on which a file keeps its number: ext, XFS, Btrfs, F2FS, ZFS, bcachefs, tmpfs, overlays. Network disks,
 * FUSE and FAT invent inode numbers, and may change them.
 */
const LASTING = new Set([
  ...[0xef53, 0x58465342, 0x9123683e, 0xf2f52010],
  ...[0x2fc12fc1, 0xca451a4e, 0x01021994, 0x794c7630],
]);

/** This machine's disk. */
export const machineLockDisk: LockDisk = {
  async read(path) {
    await using file = await opened(path);
    return file && (await readLock(file, path));
  },
  async make(path, scratch, textOf) {
    try {
      await writeLock(scratch, textOf);
      const nowMs = (await stat(scratch)).mtimeMs;
      return { isMade: await linked(scratch, path, textOf), nowMs };
    } finally {
      await rm(scratch, { force: true });
    }
  },
  async touch(path, text) {
    await using file = await opened(path, constants.O_RDWR);
    // By the open file: another's lock that takes this place meanwhile is not written into.
    if (file === undefined || (await readLock(file, path)).text !== text) return false;
    // Unlike a time that we name, a write has the disk's time; it needs room only where writes are copies.
    const now = new Date();
    await file.handle.write(text, 0).catch(() => file.handle.utimes(now, now));
    return true;
  },
  remove: (path) => rm(path, { force: true }),
  makeFolder: makeFolders,
};

async function opened(path: string, access?: number): Promise<RegularFile | undefined> {
  try {
    return await openRegularFile(path, undefined, access);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

async function readLock(file: RegularFile, path: string): Promise<FoundLock> {
  const { mtimeMs: touchedMs } = await file.handle.stat();
  // What is longer is not a lock, whatever it is.
  const isLock = file.size <= LOCK_BYTES_MAX;
  const text = isLock ? new TextDecoder().decode(await readOpenFile(file)) : '';
  return { text, touchedMs, place: await placeOf(file.handle, path) };
}

async function writeLock(path: string, textOf: (place: LockPlace) => string): Promise<void> {
  const file = await open(path, 'wx');
  try {
    await file.writeFile(textOf(await placeOf(file, path)));
  } finally {
    await file.close();
  }
}

/** Renames the written file; returns false if there is a file of that name. */
async function linked(
  scratch: string,
  path: string,
  textOf: (place: LockPlace) => string,
): Promise<boolean> {
  try {
    await link(scratch, path).catch((error: unknown) => {
      if (!NO_LINKS.includes(errnoOf(error))) throw error;
      return writeLock(path, textOf);
    });
    return true;
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return false;
    throw error;
  }
}

async function placeOf(file: FileHandle, path: string): Promise<LockPlace> {
  const folder = dirname(path);
  const own = await file.stat({ bigint: true });
  const around = await stat(folder, { bigint: true });
  const { type } = await statfs(folder);
  return {
    folder: `${around.dev}:${around.ino}`,
    file: `${own.dev}:${own.ino}`,
    isLasting: process.platform === 'linux' && LASTING.has(type),
    names: Number(own.nlink),
  };
}
