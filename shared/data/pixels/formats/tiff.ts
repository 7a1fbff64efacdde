/**
 * @file The tags of a TIFF file's first page that mean that libvips would decode something else than the picture.
 *
 * Source  TIFF 6.0, BigTIFF; Adobe's description of DNG.
 */

const SUBFILE_TYPE = 254;
const COMPRESSION = 259;
const PHOTOMETRIC = 262;
const SUB_IFDS = 330;
const YCBCR = 6;
const JPEG_COMPRESSIONS: readonly number[] = [6, 7];
/** More entries than any real file has. */
const ENTRIES_MAX = 4096;

/**
 * Why the first page of a TIFF file is not read: its colours are ones that libvips takes for RGB, or it is the
 * preview of a raw photo. Nothing where it is read, or libvips says why not.
 */
export function tiffRefusal(bytes: Uint8Array): string | undefined {
  const tags = firstTags(bytes);
  const isJpeg = JPEG_COMPRESSIONS.includes(tags.get(COMPRESSION) ?? 1);
  if (tags.get(PHOTOMETRIC) === YCBCR && !isJpeg) {
    return 'its colours are YCbCr without JPEG compression';
  }
  const isReduced = ((tags.get(SUBFILE_TYPE) ?? 0) & 1) === 1;
  return isReduced && tags.has(SUB_IFDS)
    ? 'its first page is a small preview, as in camera raw files'
    : undefined;
}

/** The tags of the first page, with their first value where that is a whole number. */
function firstTags(bytes: Uint8Array): ReadonlyMap<number, number> {
  const tags = new Map<number, number>();
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const isLittle = bytes[0] === 0x49;
  const isBig = bytes.length >= 16 && view.getUint16(2, isLittle) === 43;
  if (bytes.length < 8) return tags;
  const start = isBig ? Number(view.getBigUint64(8, isLittle)) : view.getUint32(4, isLittle);
  const [countBytes, entryBytes, valueAt] = isBig ? [8, 20, 12] : [2, 12, 8];
  if (start + countBytes > bytes.length) return tags;
  const count = isBig
    ? Number(view.getBigUint64(start, isLittle))
    : view.getUint16(start, isLittle);
  for (let entry = 0; entry < Math.min(count, ENTRIES_MAX); entry += 1) {
    const at = start + countBytes + entry * entryBytes;
    if (at + entryBytes > bytes.length) break;
    // Short numbers lie at the beginning of the four or eight bytes of a value.
    const isShort = view.getUint16(at + 2, isLittle) === 3;
    const value = isShort
      ? view.getUint16(at + valueAt, isLittle)
      : view.getUint32(at + valueAt, isLittle);
    tags.set(view.getUint16(at, isLittle), value);
  }
  return tags;
}
