/** @file Small files that people name by hand: read whole and within a bound, never waiting for a pipe or a device. */
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { formatBytes } from '../core/units.ts';

/** A file as it was when it was open. */
export interface SmallFile {
  readonly bytes: Buffer;
  /** Who may read it, as `stat` says. */
  readonly mode: number;
}

/** Certificates, keys and tokens have some kilobytes. */
const BYTES_MAX = 1024 ** 2;

/** Reads a file of at most 1 MiB. Throws  an error that says why not: node's, or that it is no file, or too large. */
export async function readSmallFile(path: string): Promise<SmallFile> {
  await using file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const found = await file.stat();
  if (found.isDirectory()) throw new Error('it is a folder');
  if (!found.isFile()) throw new Error('it is a pipe or a device');
  if (found.size > BYTES_MAX) throw new Error(`it has ${formatBytes(found.size)}`);
  const bytes = Buffer.alloc(found.size);
  const { bytesRead } = await file.read(bytes, 0, found.size, 0);
  return { bytes: bytes.subarray(0, bytesRead), mode: found.mode };
}

/** Whether others than its owner may read what has this mode; Windows has no such modes. */
export function isOpenToOthers({ mode }: Pick<SmallFile, 'mode'>): boolean {
  return process.platform !== 'win32' && (mode & 0o077) !== 0;
}
