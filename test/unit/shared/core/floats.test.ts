/** @file Rounding to half precision, against what IEEE 754 says of every half and of what lies between two. */
import { describe, expect, it } from 'vitest';
import { fromHalves, toHalves } from '../../../../shared/core/floats.ts';

const HALVES = Uint16Array.from({ length: 2 ** 16 }, (_, bits) => bits);
const isNumber = (bits: number) => (bits & 0x7c00) !== 0x7c00 || (bits & 0x3ff) === 0;
/** The value of a half, by its definition. */
function numberOf(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const [exponent, fraction] = [(bits >> 10) & 31, bits & 0x3ff];
  if (exponent === 31) return sign * Number.POSITIVE_INFINITY;
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25));
}

describe('half precision', () => {
  it('every half is the float32 that it stands for, and comes back', () => {
    const numbers = HALVES.filter(isNumber);
    expect(fromHalves(numbers)).toEqual(Float32Array.from(numbers, numberOf));
    expect(toHalves(fromHalves(numbers))).toEqual(numbers);
    expect(Number.isNaN(fromHalves(toHalves(Float32Array.of(Number.NaN)))[0])).toBe(true);
  });

  it('between two halves the nearest is taken, in the middle the even one', () => {
    // Exact in float32: a half has 11 bits, the middle of two has 12.
    const below = HALVES.filter((bits) => (bits & 0x7fff) < 0x7bff);
    const middles = Float32Array.from(below, (bits) => (numberOf(bits) + numberOf(bits + 1)) / 2);
    expect(toHalves(middles)).toEqual(below.map((bits) => bits + (bits & 1)));
    const words = new Int32Array(middles.buffer);
    const nudged = (by: number) => new Float32Array(words.map((word) => word + by).buffer);
    expect(toHalves(nudged(-1))).toEqual(below);
    expect(toHalves(nudged(1))).toEqual(below.map((bits) => bits + 1));
  });

  it('what is too large becomes infinity, what is too small 0', () => {
    const values = Float32Array.of(65504, 65519.99, 65520, -1e30, 2 ** -25, -(2 ** -25), 2 ** -24);
    const expected = [0x7bff, 0x7bff, 0x7c00, 0xfc00, 0, 0x8000, 1];
    expect([...toHalves(values)]).toEqual(expected);
  });
});
