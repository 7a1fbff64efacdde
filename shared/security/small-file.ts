/** @file The small files of credentials: certificates, keys and tokens. */
import { openRegularFile, readOpenFile } from '../files/regular-file.ts';

/** A file as it was when it was open. */
export interface SmallFile {
  readonly bytes: Buffer;
  /** Others than its owner may read it; Windows has no such modes. */
  readonly isOpenToOthers: boolean;
}

/** A bundle of certificates is far below this. */
const BYTES_MAX = 1024 ** 2;

/** Reads a file of at most 1 MiB. Throws  an error that says why not, as `readRegularFile` does. */
export async function readSmallFile(path: string): Promise<SmallFile> {
  await using file = await openRegularFile(path, BYTES_MAX);
  const { buffer } = await readOpenFile(file);
  return {
    bytes: Buffer.from(buffer),
    isOpenToOthers: process.platform !== 'win32' && (file.mode & 0o077) !== 0,
  };
}
