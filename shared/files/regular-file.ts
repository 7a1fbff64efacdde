/**
 * @file The door to what others put on the disk: regular files only, of a bounded size.
 *
 * A pipe in the place of a file would be waited for without end, a device such as /dev/zero read without end. So what
 * is opened is looked at before anything is read, and no more is read than it had then. Only a secret may come from a
 * pipe, through `tokens.ts`.
 */
import { constants, type ReadStream, type Stats } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { formatBytes } from '../core/units.ts';

/** A file of any kind is held in one array, which has at most this. */
const BYTES_MAX = 4 * 1024 ** 3;
/** Addresses, locks, records and configs are far below it. */
const TEXT_BYTES_MAX = 16 * 1024 ** 2;
/** Reads go in slices: one call moves at most 2 GiB. */
const SLICE_BYTES = 64 * 1024 ** 2;

/** A file that is open for reading; the caller closes it. */
export interface RegularFile extends AsyncDisposable {
  readonly handle: FileHandle;
  /** Bytes that it had when it was opened. */
  readonly size: number;
  /** Who may do what with it, and whose it is, as `stat` says. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

/**
 * Opens a regular file, to be read unless `access` says more; links are followed.
 *
 * Throws  node's error when it cannot be opened; an error in words when it is something else than a file, or larger
 *         than `bytesMax`.
 */
export async function openRegularFile(
  path: string | Buffer,
  bytesMax = Number.POSITIVE_INFINITY,
  access = constants.O_RDONLY,
): Promise<RegularFile> {
  // Without O_NONBLOCK a pipe would block until another process writes.
  const handle = await open(path, access | constants.O_NONBLOCK);
  try {
    const found = await handle.stat();
    if (!found.isFile()) throw new Error(`it is ${kindOf(found)}, not a file`);
    const { size, mode, uid, gid } = found;
    if (size > bytesMax) {
      throw new Error(`it has ${formatBytes(size)}, more than ${formatBytes(bytesMax)}`);
    }
    return { handle, size, mode, uid, gid, [Symbol.asyncDispose]: () => handle.close() };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** Gives memory of so many bytes for a file, such as memory that threads share. */
export type FileRoom = (numBytes: number) => Uint8Array;

/**
 * Reads a regular file whole: what it had when it was opened, into memory that `room` gives.
 *
 * Throws  as `openRegularFile` does, and when it becomes shorter meanwhile.
 */
export async function readRegularFile(
  path: string | Buffer,
  bytesMax?: number,
): Promise<Uint8Array<ArrayBuffer>>;
export async function readRegularFile(
  path: string | Buffer,
  bytesMax: number | undefined,
  room: FileRoom | undefined,
): Promise<Uint8Array>;
export async function readRegularFile(
  path: string | Buffer,
  bytesMax = BYTES_MAX,
  room?: FileRoom,
): Promise<Uint8Array> {
  await using file = await openRegularFile(path, Math.min(bytesMax, BYTES_MAX));
  return await readOpenFile(file, room?.(file.size));
}

/** All of an open file. Throws  when it becomes shorter meanwhile. */
export async function readOpenFile<Memory extends ArrayBufferLike = ArrayBuffer>(
  { handle, size }: RegularFile,
  into?: Uint8Array<Memory>,
): Promise<Uint8Array<Memory>> {
  const bytes = into ?? (new Uint8Array(size) as Uint8Array<Memory>);
  for (let filled = 0; filled < bytes.length; ) {
    const length = Math.min(SLICE_BYTES, bytes.length - filled);
    const { bytesRead } = await handle.read(bytes, filled, length, filled);
    if (bytesRead === 0) throw new Error('it became shorter while being read');
    filled += bytesRead;
  }
  return bytes;
}

/** Reads a short text. Throws  as `readRegularFile` does. */
export async function readTextFile(path: string, bytesMax = TEXT_BYTES_MAX): Promise<string> {
  return new TextDecoder().decode(await readRegularFile(path, bytesMax));
}

/** A regular file in pieces, up to the size that it has now; it is closed with the stream. */
export async function streamRegularFile(
  path: string,
  options: { readonly bytesMax?: number; readonly highWaterMark?: number } = {},
): Promise<ReadStream> {
  const { bytesMax, ...how } = options;
  return streamOpenFile(await openRegularFile(path, bytesMax), how);
}

/** All of an open file in pieces; it is closed with the stream. */
export function streamOpenFile(
  { handle, size }: RegularFile,
  how: { readonly highWaterMark?: number } = {},
): ReadStream {
  // `end` is the last byte, and there is none in an empty file: what is past its end is not there either.
  return handle.createReadStream({ ...how, start: 0, end: Math.max(0, size - 1) });
}

/** What something on a disk is, in words. */
function kindOf(found: Stats): string {
  if (found.isDirectory()) return 'a folder';
  if (found.isFIFO()) return 'a pipe';
  if (found.isSocket()) return 'a socket';
  return found.isCharacterDevice() || found.isBlockDevice() ? 'a device' : 'something else';
}
