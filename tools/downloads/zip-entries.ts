/**
 * @file The directory of a zip, with what must be known to unpack it safely: modes, sizes and checksums.
 *
 * `shared/weights/formats/zip.ts` reads the zips that PyTorch writes, by name; here every entry counts, also one there twice.
 *
 * Source  PKWARE APPNOTE.TXT 6.3.9, sections 4.3.7, 4.3.12 and 4.3.16.
 */
import { crc32, inflateRawSync } from 'node:zlib';
import { TesseraError } from '../../shared/core/errors.ts';

/** One entry of a zip, as its directory describes it. */
export interface ZipEntry {
  readonly name: string;
  /** Unix file type and permissions; 0 where the maker knew none. */
  readonly mode: number;
  readonly isEncrypted: boolean;
  readonly method: number;
  readonly crc32: number;
  readonly packedBytes: number;
  readonly bytes: number;
  readonly offset: number;
}

const END = 0x06054b50;
const END_BYTES = 22;
const CENTRAL = 0x02014b50;
const CENTRAL_BYTES = 46;
const LOCAL = 0x04034b50;
const LOCAL_BYTES = 30;
const COMMENT_BYTES_MAX = 65_535;
/** Stands for a value that is in the zip64 extension. */
const IN_EXTENSION = 0xffffffff;
const MADE_BY_UNIX = 3;

/** All entries of a zip, in order. Throws  DATA_INVALID, naming `archive`, when it is damaged. */
export function zipEntries(archive: string, bytes: Buffer): readonly ZipEntry[] {
  const end = findEnd(archive, bytes);
  const directoryBytes = bytes.readUInt32LE(end + 12);
  const offset = bytes.readUInt32LE(end + 16);
  if (offset === IN_EXTENSION || directoryBytes === IN_EXTENSION) {
    throw damaged(archive, 'it is larger than 4 GiB (zip64): unpack it with another tool');
  }
  if (offset + directoryBytes > end) throw damaged(archive, 'its directory lies outside it');
  const entries: ZipEntry[] = [];
  for (let at = offset; at < offset + directoryBytes; ) {
    if (at + CENTRAL_BYTES > end || bytes.readUInt32LE(at) !== CENTRAL) {
      throw damaged(archive, 'its directory has no valid entry');
    }
    const { entry, next } = readEntry(bytes, at);
    if (next > end) throw damaged(archive, 'its directory is cut short');
    entries.push(entry);
    at = next;
  }
  return entries;
}

/** The content of an entry. Throws  DATA_INVALID when it is not what the directory says. */
export function zipContent(archive: string, bytes: Buffer, entry: ZipEntry): Uint8Array {
  const { name, offset } = entry;
  if (offset + LOCAL_BYTES > bytes.length || bytes.readUInt32LE(offset) !== LOCAL) {
    throw damaged(archive, `${name} is not where it says`);
  }
  const start =
    offset + LOCAL_BYTES + bytes.readUInt16LE(offset + 26) + bytes.readUInt16LE(offset + 28);
  if (start + entry.packedBytes > bytes.length) throw damaged(archive, `${name} is cut short`);
  const content = unpacked(archive, bytes.subarray(start, start + entry.packedBytes), entry);
  if (content.length !== entry.bytes || crc32(content) !== entry.crc32) {
    throw damaged(archive, `the size or checksum of ${name} does not hold`);
  }
  return content;
}

function unpacked(archive: string, packed: Buffer, { name, method, bytes }: ZipEntry): Uint8Array {
  if (method === 0) return packed;
  if (method !== 8)
    throw damaged(archive, `${name} is packed in an unknown way (method ${method})`);
  try {
    return inflateRawSync(packed, { maxOutputLength: Math.max(1, bytes) });
  } catch (cause) {
    throw damaged(archive, `${name} cannot be unpacked`, cause);
  }
}

function readEntry(bytes: Buffer, at: number): { entry: ZipEntry; next: number } {
  const nameBytes = bytes.readUInt16LE(at + 28);
  const extras = bytes.readUInt16LE(at + 30) + bytes.readUInt16LE(at + 32);
  const isUnix = bytes.readUInt8(at + 5) === MADE_BY_UNIX;
  const entry = {
    name: bytes.toString('utf8', at + CENTRAL_BYTES, at + CENTRAL_BYTES + nameBytes),
    mode: isUnix ? bytes.readUInt16LE(at + 40) : 0,
    isEncrypted: (bytes.readUInt16LE(at + 8) & 1) === 1,
    method: bytes.readUInt16LE(at + 10),
    crc32: bytes.readUInt32LE(at + 16),
    packedBytes: bytes.readUInt32LE(at + 20),
    bytes: bytes.readUInt32LE(at + 24),
    offset: bytes.readUInt32LE(at + 42),
  };
  return { entry, next: at + CENTRAL_BYTES + nameBytes + extras };
}

/** The end record is the last thing but for a comment. */
function findEnd(archive: string, bytes: Buffer): number {
  const last = bytes.length - END_BYTES;
  for (let at = last; at >= Math.max(0, last - COMMENT_BYTES_MAX); at -= 1) {
    if (bytes.readUInt32LE(at) === END) return at;
  }
  throw damaged(archive, 'it has no directory, as if it were cut short');
}

function damaged(archive: string, what: string, cause?: unknown): TesseraError {
  return new TesseraError('DATA_INVALID', `${archive} cannot be unpacked: ${what}`, {
    hint: 'remove the file and download it again',
    cause,
  });
}
