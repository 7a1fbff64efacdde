/** @file bfloat16: the upper half of a float32. The nearest one is taken, ties go to the even one; NaN stays NaN. */

const buffer = new ArrayBuffer(4);
const asValue = new Float32Array(buffer);
const asBits = new Uint32Array(buffer);

/** The bfloat16 nearest to a value, as a number: it is a float32 whose lower 16 bits are 0. */
export function roundToBfloat16(value: number): number {
  asValue[0] = value;
  asBits[0] = bfloat16Of(asBits[0] as number) << 16;
  return asValue[0];
}

/** The bfloat16 nearest to a float32, both as bits. */
export function bfloat16Of(bits: number): number {
  if ((bits & 0x7fff_ffff) > 0x7f80_0000) return (bits | 0x0040_0000) >>> 16;
  return (bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16;
}

/** Rounds values in place. */
export function roundBfloat16(values: Float32Array): void {
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
  for (let i = 0; i < words.length; i += 1) words[i] = bfloat16Of(words[i] as number) << 16;
}

/** Adds `source` to `target` in float32, then rounds to bfloat16. */
export function addBfloat16Into(target: Float32Array, source: Float32Array): void {
  for (let i = 0; i < target.length; i += 1) {
    target[i] = roundToBfloat16((target[i] as number) + (source[i] as number));
  }
}

/** Rounds `source` into `target`, 16 bits a value. */
export function toBfloat16(target: Uint16Array, source: Float32Array): void {
  const words = new Uint32Array(source.buffer, source.byteOffset, source.length);
  for (let i = 0; i < words.length; i += 1) target[i] = bfloat16Of(words[i] as number);
}

/** The values of bfloat16 bits, which is exact. */
export function fromBfloat16(target: Float32Array, source: Uint16Array): void {
  const words = new Uint32Array(target.buffer, target.byteOffset, target.length);
  for (let i = 0; i < words.length; i += 1) words[i] = (source[i] as number) << 16;
}
