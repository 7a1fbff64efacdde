/** @file Facts about the bits of float32 values. */

/** Values that one call of `areFinite` checks: short calls are compiled after one chunk, a long loop after several. */
const BLOCK_VALUES = 4096;

/** Index of the first of values[first, limit) that is NaN or infinite; -1 when all are finite. */
export function firstNonFinite(values: Float32Array, first = 0, limit = values.length): number {
  const words = new Int32Array(values.buffer, values.byteOffset, values.length);
  for (let block = first; block < limit; block += BLOCK_VALUES) {
    const blockLimit = Math.min(limit, block + BLOCK_VALUES);
    if (areFinite(words, block, blockLimit)) continue;
    return block + values.subarray(block, blockLimit).findIndex((value) => !Number.isFinite(value));
  }
  return -1;
}

/** Whether the float32 values whose bits are words[first..limit) are all finite. Reads each once, without a branch. */
function areFinite(words: Int32Array, first: number, limit: number): boolean {
  let signs = 0;
  for (let index = first; index < limit; index += 1) {
    // An exponent of all ones (NaN or infinity) carries over into the sign bit.
    signs |= ((words[index] as number) & 0x7f80_0000) + 0x0080_0000;
  }
  return signs >= 0;
}
