/** @file Long vectors outside the kernels' memory go through it block by block, with the bits of the plain loops. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { firstNonFinite as plainSearch } from '../../shared/core/floats.ts';
import * as plain from '../../shared/kernels/bfloat16.ts';
import * as byBlocks from '../../shared/kernels/values.ts';
import { kernelsFor } from '../../shared/kernels/vectors.ts';

const RUNS = { numRuns: 40 };
/** Around the least length and the size of a block. */
const lengths = fc.oneof(
  fc.integer({ min: 1000, max: 1100 }),
  fc.integer({ min: 8100, max: 8300 }),
  fc.integer({ min: 16_000, max: 20_000 }),
);
/** Finite values of all sizes. */
function valuesOf(length: number, seed: number): Float32Array {
  const words = Uint32Array.from(
    { length },
    (_, i) => Math.imul(i + seed, 0x9e37_79b1) & 0xbf7f_ffff,
  );
  return new Float32Array(words.buffer);
}
const bitsOf = (values: Float32Array) =>
  Buffer.from(values.buffer, values.byteOffset, values.byteLength);
const same = (found: Float32Array, expected: Float32Array) =>
  expect(bitsOf(found).equals(bitsOf(expected))).toBe(true);

describe('by blocks, the same bits come of', () => {
  it('rounding, adding, and 16 bits there and back, also within one memory', () => {
    fc.assert(
      fc.property(lengths, fc.nat(1e6), fc.nat(900), (length, seed, first) => {
        const [a, b] = [valuesOf(length, seed), valuesOf(length, seed + 7)];
        expect(kernelsFor(a)).toBeUndefined();
        const [rounded, plainRounded] = [a.slice(), a.slice()];
        byBlocks.roundBfloat16(rounded, first, length - 3);
        plain.roundBfloat16(plainRounded.subarray(first, length - 3));
        same(rounded, plainRounded);
        const [sum, plainSum] = [a.slice(), a.slice()];
        byBlocks.addBfloat16Into(sum, b, first, length - 3);
        plain.addBfloat16Into(plainSum.subarray(first, length - 3), b.subarray(first, length - 3));
        same(sum, plainSum);
        const back = new Float32Array(length);
        const halves = new Uint16Array(back.buffer, 2 * length);
        byBlocks.toBfloat16(halves, a);
        byBlocks.fromBfloat16(back, halves);
        same(back, a.map(plain.roundToBfloat16));
      }),
      RUNS,
    );
  });

  it('the look for what is not finite', () => {
    fc.assert(
      fc.property(lengths, fc.nat(1e6), fc.nat(20_000), fc.boolean(), (length, seed, at, isBad) => {
        const values = valuesOf(length, seed);
        if (isBad) values[at % length] = seed % 2 === 0 ? Number.NaN : Number.NEGATIVE_INFINITY;
        for (const [first, limit] of [
          [0, length],
          [at % length, length],
          [0, at % length],
        ] as const) {
          const found = byBlocks.firstNonFinite(values, first, limit);
          expect(found).toBe(plainSearch(values, first, limit));
        }
      }),
      RUNS,
    );
  });
});
