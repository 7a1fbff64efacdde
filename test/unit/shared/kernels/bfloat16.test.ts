/** @file bfloat16: the nearest, ties to even, NaN stays NaN. */
import { describe, expect, it } from 'vitest';
import { bfloat16Of, roundToBfloat16 } from '../../../../shared/kernels/bfloat16.ts';

describe('rounding to bfloat16', () => {
  it.each([
    ['an exact value', 0x3f80_0000, 0x3f80],
    ['below half', 0x3f80_7fff, 0x3f80],
    ['a tie, to even below', 0x3f80_8000, 0x3f80],
    ['a tie, to even above', 0x3f81_8000, 0x3f82],
    ['above half', 0x3f80_8001, 0x3f81],
    ['negative zero', 0x8000_0000, 0x8000],
    ['the largest float32, to infinity', 0x7f7f_ffff, 0x7f80],
    ['infinity', 0xff80_0000, 0xff80],
    ['a NaN whose upper half has no fraction', 0x7f80_0001, 0x7fc0],
  ])('%s', (_, bits, half) => expect(bfloat16Of(bits)).toBe(half));

  it('keeps 8 bits of a value', () => expect(roundToBfloat16(1 / 3)).toBe(0.333984375));
});
