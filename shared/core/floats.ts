/** @file Facts about the bits of float32 values. */

/** Whether the float32 values whose bits are words[first..limit) are all finite. Reads each once, without a branch. */
export function areFinite(words: Int32Array, first = 0, limit = words.length): boolean {
  let signs = 0;
  for (let index = first; index < limit; index += 1) {
    // An exponent of all ones (NaN or infinity) carries over into the sign bit.
    signs |= ((words[index] as number) & 0x7f80_0000) + 0x0080_0000;
  }
  return signs >= 0;
}
