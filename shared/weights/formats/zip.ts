/**
 * @file The zip format, as far as weights and data sets need it: the directory at the end, entries stored or deflated.
 *
 * Written here since stored entries are views of the file: a library that copies each would need the
 * memory of a model twice.
 *
 * Source  PKWARE APPNOTE.TXT 6.3.9, sections 4.3.7, 4.3.12, 4.3.14 to 4.3.16, 4.4.2 and 4.5.3.
 */
import { crc32, inflateRawSync } from 'node:zlib';
import { TesseraError } from '../../core/errors.ts';

/** Entries by name; each returns its content. */
export type ZipEntries = ReadonlyMap<string, () => Uint8Array>;

/** One entry of a zip, as its directory describes it. */
export interface ZipEntry {
  readonly name: string;
  /** Unix file type and permissions; 0 where the maker knew none. */
  readonly mode: number;
  readonly isEncrypted: boolean;
  /** Unpacked. */
  readonly bytes: number;
  readonly crc32: number;
  /** Throws  DATA_INVALID when it is not what the directory says. */
  content(): Uint8Array;
}

const LOCAL = 0x04034b50;
const CENTRAL = 0x02014b50;
const END = 0x06054b50;
const END64 = 0x06064b50;
const LOCATOR64 = 0x07064b50;
const LOCAL_BYTES = 30;
const CENTRAL_BYTES = 46;
const END_BYTES = 22;
const END64_BYTES = 56;
const LOCATOR64_BYTES = 20;
const COMMENT_BYTES_MAX = 0xffff;
const MADE_BY_UNIX = 3;
const ENCRYPTED = 1;
/** What a field holds whose value is in the zip64 extension. */
const IN_EXTENSION = 0xffff_ffff;
const EXTENSION64 = 1;
const STORED = 0;
const DEFLATED = 8;
/** What all deflated entries may unpack to: for each byte of the file, and in any case. */
const RATIO_MAX = 100;
const UNPACKED_BYTES_FREE = 64 * 1024 ** 2;
/** The value for a checksum that was not computed (torch.serialization.set_crc32_options). */
const NO_CRC32 = 0;

/** Whether bytes begin like a zip. */
export function isZip(bytes: Uint8Array): boolean {
  return bytes.length >= END_BYTES && viewOf(bytes).getUint32(0, true) === LOCAL;
}

/**
 * Reads a zip of tensors; stored entries are views of `bytes`.
 *
 * Throws  DATA_INVALID when it is damaged or cut short, now or when an entry is asked for.
 */
export function readZip(bytes: Uint8Array): ZipEntries {
  const entries = zipEntries(bytes, { mayLackChecksums: true });
  return new Map(entries.map((entry) => [entry.name, entry.content]));
}

/** All entries of a zip, in order, also those that are there twice. Throws  DATA_INVALID when it is damaged. */
export function zipEntries(
  bytes: Uint8Array,
  { mayLackChecksums = false } = {},
): readonly ZipEntry[] {
  const view = viewOf(bytes);
  const budget = { left: Math.max(UNPACKED_BYTES_FREE, RATIO_MAX * bytes.length) };
  const { offset, size } = findDirectory(view);
  const entries: ZipEntry[] = [];
  let at = offset;
  while (at < offset + size) {
    const { entry, next } = readEntry(view, at);
    const content = () => {
      const unpacked = contentOf(bytes, entry, budget);
      const isUnchecked = mayLackChecksums && entry.crc32 === NO_CRC32;
      if (!isUnchecked && crc32(unpacked) !== entry.crc32) {
        throw damaged(`the checksum of ${entry.name} is wrong`);
      }
      return unpacked;
    };
    entries.push({ ...entry, content });
    at = next;
  }
  return entries;
}

/** Where an entry lies in its file, and how it is packed. */
export interface PackedEntry extends Omit<ZipEntry, 'content'> {
  readonly method: number;
  readonly packedBytes: number;
  /** Of its local header. */
  readonly offset: number;
}

/** How many bytes at the end of a zip hold its end records. */
export const ZIP_TAIL_BYTES = COMMENT_BYTES_MAX + END_BYTES + LOCATOR64_BYTES + END64_BYTES;
export const LOCAL_HEADER_BYTES = LOCAL_BYTES;

/**
 * Where the directory of a zip lies, by the last bytes of the file; `at` is where those begin.
 *
 * Throws  DATA_INVALID when it is damaged or cut short.
 */
export function locateDirectory(tail: Uint8Array, at: number): { offset: number; size: number } {
  return findDirectory(viewOf(tail), at);
}

/** The entries of a directory, in order. Throws  DATA_INVALID when it is damaged. */
export function readDirectory(directory: Uint8Array): readonly PackedEntry[] {
  const view = viewOf(directory);
  const entries: PackedEntry[] = [];
  for (let at = 0; at < directory.length; ) {
    const { entry, next } = readEntry(view, at);
    entries.push(entry);
    at = next;
  }
  return entries;
}

/** Where the content of an entry begins behind its local header. Throws  DATA_INVALID when that is none. */
export function contentOffset(header: Uint8Array, { name, offset }: PackedEntry): number {
  const view = viewOf(header);
  need(view, 0, LOCAL_BYTES);
  if (view.getUint32(0, true) !== LOCAL) throw damaged(`${name} is not where it says`);
  return offset + LOCAL_BYTES + view.getUint16(26, true) + view.getUint16(28, true);
}

function findDirectory(view: DataView, base = 0): { offset: number; size: number } {
  const end = findEnd(view);
  const size = view.getUint32(end + 12, true);
  const offset = view.getUint32(end + 16, true);
  const locator = end - LOCATOR64_BYTES;
  const is64 = locator >= 0 && view.getUint32(locator, true) === LOCATOR64;
  const directory = is64 ? directory64(view, number64(view, locator + 8) - base) : { offset, size };
  if (directory.offset + directory.size > base + end) {
    throw damaged('its directory is outside the file');
  }
  return directory;
}

/** The end record is the last thing but for a comment. */
function findEnd(view: DataView): number {
  const last = view.byteLength - END_BYTES;
  for (let at = last; at >= Math.max(0, last - COMMENT_BYTES_MAX); at -= 1) {
    if (view.getUint32(at, true) === END) return at;
  }
  throw damaged('it has no directory, as if it were truncated');
}

function directory64(view: DataView, at: number): { offset: number; size: number } {
  if (at < 0) throw damaged('its zip64 directory is not where it says');
  need(view, at, END64_BYTES);
  if (view.getUint32(at, true) !== END64) throw damaged('its zip64 directory is not where it says');
  return { size: number64(view, at + 40), offset: number64(view, at + 48) };
}

function readEntry(view: DataView, at: number): { entry: PackedEntry; next: number } {
  need(view, at, CENTRAL_BYTES);
  if (view.getUint32(at, true) !== CENTRAL) throw damaged('its directory has no valid entry');
  const nameBytes = view.getUint16(at + 28, true);
  const extraBytes = view.getUint16(at + 30, true);
  const commentBytes = view.getUint16(at + 32, true);
  const extra = at + CENTRAL_BYTES + nameBytes;
  const next = extra + extraBytes + commentBytes;
  need(view, at, next - at);
  const name = new TextDecoder().decode(
    new Uint8Array(view.buffer, view.byteOffset + at + CENTRAL_BYTES, nameBytes),
  );
  // Only the fields that are too small for their value are in the extension, in this order.
  const fields = [24, 20, 42].map((field) => view.getUint32(at + field, true));
  const large = extension64(view, extra, extra + extraBytes);
  const [size = 0, packedBytes = 0, offset = 0] = fields.map((value) =>
    value === IN_EXTENSION ? (large.shift() ?? value) : value,
  );
  const entry = {
    ...{ name, bytes: size, packedBytes, offset },
    mode: view.getUint8(at + 5) === MADE_BY_UNIX ? view.getUint16(at + 40, true) : 0,
    isEncrypted: (view.getUint16(at + 8, true) & ENCRYPTED) === ENCRYPTED,
    method: view.getUint16(at + 10, true),
    crc32: view.getUint32(at + 16, true),
  };
  return { entry, next };
}

/** The 64-bit values of the zip64 extension, if there is one. */
function extension64(view: DataView, from: number, end: number): number[] {
  for (let at = from; at + 4 <= end; at += 4 + view.getUint16(at + 2, true)) {
    if (view.getUint16(at, true) !== EXTENSION64) continue;
    const bytes = Math.min(view.getUint16(at + 2, true), end - at - 4);
    return Array.from({ length: Math.floor(bytes / 8) }, (_, i) => number64(view, at + 4 + 8 * i));
  }
  return [];
}

function contentOf(
  file: Uint8Array,
  { name, method, packedBytes, bytes, offset }: PackedEntry,
  budget: { left: number },
): Uint8Array {
  const view = viewOf(file);
  need(view, offset, LOCAL_BYTES);
  if (view.getUint32(offset, true) !== LOCAL) throw damaged(`${name} is not where it says`);
  const start =
    offset + LOCAL_BYTES + view.getUint16(offset + 26, true) + view.getUint16(offset + 28, true);
  need(view, start, packedBytes);
  const packed = file.subarray(start, start + packedBytes);
  if (method === STORED && packedBytes === bytes) return packed;
  if (method !== DEFLATED) {
    throw damaged(`${name} is packed in an unknown way (method ${method})`);
  }
  budget.left -= bytes;
  if (budget.left < 0) throw damaged(`it would unpack to too many bytes, ${name} included`);
  const content = inflated(name, packed, bytes);
  if (content.length !== bytes) throw damaged(`${name} has another size than it says`);
  return content;
}

function inflated(name: string, packed: Uint8Array, bytes: number): Uint8Array {
  try {
    // One chunk with room for all is not copied: a full one would be followed by a second.
    const chunkSize = Math.max(64, bytes + 1);
    const content = inflateRawSync(packed, { chunkSize, maxOutputLength: Math.max(1, bytes) });
    return new Uint8Array(content.buffer, content.byteOffset, content.length);
  } catch (cause) {
    throw damaged(`${name} cannot be unpacked`, cause);
  }
}

function number64(view: DataView, at: number): number {
  need(view, at, 8);
  const value = Number(view.getBigUint64(at, true));
  if (!Number.isSafeInteger(value)) throw damaged('it states a size that cannot be');
  return value;
}

function need(view: DataView, at: number, bytes: number): void {
  if (at + bytes > view.byteLength) throw damaged('it is cut short');
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function damaged(what: string, cause?: unknown): TesseraError {
  return new TesseraError('DATA_INVALID', `the zip is damaged: ${what}`, {
    hint: 'copy or download the file again',
    cause,
  });
}
