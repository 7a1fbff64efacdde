/** @file The sums of parameters: what they are, that ranges add up, and that what differs shows. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { addSums, parameterSums, sumsText } from '../../shared/training/parameter-sums.ts';

const words = fc.uint32Array({ minLength: 1, maxLength: 60 });
const valuesOf = (bits: Uint32Array) => new Float32Array(bits.slice().buffer);

/** The definition once more, in whole numbers of any size. */
function defined(bits: Uint32Array): { bits: number; places: number } {
  const word = (value: bigint) => BigInt.asUintN(32, value);
  const mix = (value: bigint) => {
    let mixed = value;
    mixed = word((mixed ^ (mixed >> 16n)) * 0x85ebca6bn);
    mixed = word((mixed ^ (mixed >> 13n)) * 0xc2b2ae35n);
    return mixed ^ (mixed >> 16n);
  };
  const sums = { bits: 0n, places: 0n };
  for (const [index, value] of bits.entries()) {
    sums.bits = word(sums.bits + BigInt(value));
    sums.places = word(sums.places + mix(word(BigInt(value) + BigInt(index) * 0x9e3779b9n)));
  }
  return { bits: Number(sums.bits), places: Number(sums.places) };
}

it('are sums of bits, and of bits mixed with their places: any bits, NaN and -0 too', () => {
  fc.assert(
    fc.property(words, (bits) => {
      expect(parameterSums(valuesOf(bits))).toEqual(defined(bits));
    }),
  );
});

it('of the ranges of a vector add up to its own, in any order, wherever it lies in memory', () => {
  fc.assert(
    fc.property(words, fc.nat(), fc.nat(), (bits, one, other) => {
      const around = valuesOf(Uint32Array.of(7, ...bits, 9));
      const vector = around.subarray(1, 1 + bits.length);
      const cuts = [one, other].map((cut) => cut % (bits.length + 1)).sort((a, b) => a - b);
      const [first = 0, second = 0] = cuts;
      const parts = [
        parameterSums(vector, second),
        parameterSums(vector, 0, first),
        parameterSums(vector, first, second),
      ];
      expect(parts.reduce(addSums)).toEqual(parameterSums(vector));
    }),
  );
});

it('both differ when one value has other bits, be it in the sign of a zero', () => {
  fc.assert(
    fc.property(words, fc.nat(), fc.integer({ min: 1, max: 0xffff_ffff }), (bits, at, flip) => {
      const index = at % bits.length;
      const changed = bits.with(index, ((bits[index] as number) ^ flip) >>> 0);
      const [before, after] = [bits, changed].map((those) => parameterSums(valuesOf(those)));
      expect(after?.bits).not.toBe(before?.bits);
      expect(after?.places).not.toBe(before?.places);
    }),
  );
});

it('differ when values change places, or changes cancel out', () => {
  fc.assert(
    fc.property(words, fc.nat(), fc.nat(), fc.nat(), (bits, one, other, by) => {
      const [i, j] = [one % bits.length, other % bits.length];
      const [a, b] = [bits[i] as number, bits[j] as number];
      fc.pre(a !== b);
      const sums = parameterSums(valuesOf(bits));
      const swapped = parameterSums(valuesOf(bits.with(i, b).with(j, a)));
      expect(swapped.bits).toBe(sums.bits);
      expect(swapped.places).not.toBe(sums.places);
      const amount = by + 1;
      fc.pre((a + amount) % 2 ** 32 !== b || (b - amount) % 2 ** 32 !== a);
      const balanced = bits.with(i, (a + amount) >>> 0).with(j, (b - amount) >>> 0);
      expect(parameterSums(valuesOf(balanced)).places).not.toBe(sums.places);
    }),
    // By chance one in 2^32 is the same: a fixed seed, so that this never comes at a bad time.
    { seed: 16 },
  );
});

it('are written as two words of eight digits', () => {
  expect(sumsText({ bits: 0xa1b2c3d, places: 0xffff_ffff })).toBe('0a1b2c3d-ffffffff');
});
