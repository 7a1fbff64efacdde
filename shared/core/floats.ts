/** @file The bits of float32 values, and of binary16 ones, which they are rounded to. */

/** What the values of a vector are rounded to; float32 holds both. By the names of configs. */
export const VALUE_TYPES = ['f32', 'bf16'] as const;

export type ValueType = (typeof VALUE_TYPES)[number];

/** Bits of the infinity of binary16. */
export const HALF_INFINITY = 0x7c00;
/** Float32 bits of 65536 and of 2 ** -14, the smallest normal half. */
const HALF_OVERFLOW = 0x4780_0000;
const HALF_NORMAL = 0x3880_0000;

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

/** The float32 of a binary16, both as bits. Source  IEEE 754 binary16: 1 sign, 5 exponent (bias 15) and 10 fraction bits. */
export function halfToFloat32Bits(half: number): number {
  const sign = (half & 0x8000) << 16;
  const exponent = (half >> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0x1f) return sign | 0x7f80_0000 | (fraction << 13);
  if (exponent > 0) return sign | ((exponent + 112) << 23) | (fraction << 13);
  if (fraction === 0) return sign;
  // A subnormal half is a normal float32: shift its leading 1 into the place of the implicit one.
  const shift = Math.clz32(fraction) - 21;
  return sign | ((113 - shift) << 23) | (((fraction << shift) & 0x3ff) << 13);
}

/** The binary16 nearest to a float32, both as bits; ties go to the even one, what is too large to infinity. */
export function halfOf(bits: number): number {
  const sign = (bits >>> 16) & 0x8000;
  const size = bits & 0x7fff_ffff;
  if (size > 0x7f80_0000) return sign | 0x7e00;
  if (size >= HALF_OVERFLOW) return sign | HALF_INFINITY;
  if (size >= HALF_NORMAL)
    return sign | ((size - 0x3800_0000 + 0xfff + ((size >>> 13) & 1)) >>> 13);
  // Below the normal ones, halves are multiples of 2 ** -24.
  const shift = 126 - (size >>> 23);
  if (shift > 24) return sign;
  const fraction = (size & 0x7f_ffff) | 0x80_0000;
  const whole = fraction >>> shift;
  const rest = fraction & ((1 << shift) - 1);
  const tie = 1 << (shift - 1);
  return sign | (whole + Number(rest > tie || (rest === tie && (whole & 1) === 1)));
}

/** Values rounded to binary16, as bits. */
export function toHalves(values: Float32Array): Uint16Array<ArrayBuffer> {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const halves = new Uint16Array(values.length);
  for (let index = 0; index < bits.length; index += 1)
    halves[index] = halfOf(bits[index] as number);
  return halves;
}

/** The values of binary16 bits. */
export function fromHalves(halves: Uint16Array): Float32Array {
  const bits = new Int32Array(halves.length);
  for (let index = 0; index < bits.length; index += 1) {
    bits[index] = halfToFloat32Bits(halves[index] as number);
  }
  return new Float32Array(bits.buffer);
}
