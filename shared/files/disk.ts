/**
 * @file The few calls that durable files are made of: the seam between `files.ts` and a disk.
 *
 * The machine's disk in the product; in the simulator one that fills up, tears writes, and forgets at a crash
 * what was not flushed.
 */
import { existsSync } from 'node:fs';
import { open, readdir, rename, rm } from 'node:fs/promises';
import { errnoOf } from '../core/errno.ts';
import { makeFolders } from './make-folders.ts';
import { type FileRoom, readRegularFile } from './regular-file.ts';

/** A file that is being written. */
export interface NewFile {
  write(piece: Uint8Array): Promise<void>;
  /** Makes what was written durable, but not yet its name. */
  flush(): Promise<void>;
  close(): Promise<void>;
}

/** A disk, as one process sees it. Failures are node's errors, with their codes. */
export interface Disk {
  /** Of the process that uses it; hidden names carry it. */
  readonly processId: number;
  isAlive(processId: number): boolean;
  /** Makes a file; there must be none of that name. */
  create(path: string): Promise<NewFile>;
  /** Reads a regular file; others, and larger ones, are refused in words. */
  read(path: string, bytesMax?: number): Promise<Uint8Array<ArrayBuffer>>;
  /** The same into memory that `room` gives, where the disk is the machine's. */
  read(path: string, bytesMax: number | undefined, room: FileRoom | undefined): Promise<Uint8Array>;
  exists(path: string): boolean;
  /** Names in a folder. */
  list(folder: string): Promise<string[]>;
  /** Makes a folder and its parents; returns the topmost one that did not exist. */
  makeFolder(path: string): Promise<string | undefined>;
  /** Makes the names in a folder durable. */
  flushFolder(path: string): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  /** Removes a file or a folder with all in it; fine if there is none. */
  remove(path: string): Promise<void>;
}

/** Writes go in slices: one call moves at most 2 GiB. */
const SLICE_BYTES = 64 * 1024 * 1024;

/** This machine's disk. */
export const machineDisk: Disk = {
  processId: process.pid,
  isAlive: isProcessAlive,
  async create(path) {
    const handle = await open(path, 'wx');
    return {
      async write(piece) {
        for (let written = 0; written < piece.length; ) {
          const length = Math.min(SLICE_BYTES, piece.length - written);
          written += (await handle.write(piece, written, length)).bytesWritten;
        }
      },
      flush: () => handle.sync(),
      close: () => handle.close(),
    };
  },
  read: readRegularFile,
  exists: existsSync,
  list: (folder) => readdir(folder),
  makeFolder: makeFolders,
  async flushFolder(path) {
    // Windows flushes no folders and keeps names durable itself.
    if (process.platform === 'win32') return;
    const handle = await open(path, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  },
  rename,
  remove: (path) => rm(path, { recursive: true, force: true }),
};

/** Whether a process of this machine lives, be it ours or another user's. */
export function isProcessAlive(processId: number): boolean {
  // To the system, 0 and less mean groups of processes, our own among them.
  if (processId < 1) return false;
  try {
    return process.kill(processId, 0);
  } catch (error) {
    return errnoOf(error) === 'EPERM';
  }
}
