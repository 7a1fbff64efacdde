/** @file Checksums of texts and tensors; long ones in slices, so that heartbeats are served meanwhile. */
import { createHash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { crc32 } from 'node:zlib';

/** A slice takes a few milliseconds. */
const SLICE_BYTES = 4 * 1024 * 1024;

/** SHA-256 of a text's UTF-8 bytes, in hex. */
export function sha256OfText(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** SHA-256 of the bytes of an array (float32: little endian), in hex. */
export async function sha256OfBytes(array: Uint8Array | Float32Array): Promise<string> {
  const hash = createHash('sha256');
  const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
  await inSlices([bytes], (slice) => hash.update(slice));
  return hash.digest('hex');
}

/** CRC-32 of pieces as if they were one. */
export async function crc32OfPieces(pieces: Iterable<Uint8Array>): Promise<number> {
  let crc = 0;
  await inSlices(pieces, (slice) => {
    crc = crc32(slice, crc);
  });
  return crc;
}

async function inSlices(
  pieces: Iterable<Uint8Array>,
  take: (slice: Uint8Array) => unknown,
): Promise<void> {
  let untilYield = SLICE_BYTES;
  for (const piece of pieces) {
    for (let at = 0; at < piece.length; at += SLICE_BYTES) {
      const slice = piece.subarray(at, at + SLICE_BYTES);
      take(slice);
      untilYield -= slice.length;
      if (untilYield > 0) continue;
      untilYield = SLICE_BYTES;
      await setImmediate();
    }
  }
}
