/** @file CRC-32C (Castagnoli), the checksum of TFRecord; Node has CRC-32 alone. Pure. */

/** The polynomial, its bits reversed. Source  RFC 3720, 12.1. */
const POLYNOMIAL = 0x82f6_3b78;

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let rest = byte;
  for (let bit = 0; bit < 8; bit += 1) rest = (rest >>> 1) ^ (rest & 1 ? POLYNOMIAL : 0);
  return rest;
});

/** CRC-32C of pieces as if they were one. */
export function crc32c(pieces: Iterable<Uint8Array>): number {
  let crc = 0xffff_ffff;
  for (const piece of pieces) {
    for (let at = 0; at < piece.length; at += 1) {
      crc = (crc >>> 8) ^ (TABLE[(crc ^ (piece[at] as number)) & 0xff] as number);
    }
  }
  return ~crc >>> 0;
}
