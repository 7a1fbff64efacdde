/** @file The door of 16-bit floats, against an oracle that computes with numbers and not with bits. */
import fc from 'fast-check';
import { bytesOf, float32Of } from '../../shared/weights/formats/tensor-values.ts';
import { door } from './door.ts';

/** Places of float32 where rounding to 16 bits changes its ways: zero, subnormals, normals, overflow, NaN. */
const EDGES = [
  ...[0, 0x3300_0000, 0x3380_0000, 0x3880_0000, 0x477f_e000, 0x477f_f000, 0x4780_0000],
  ...[0x0000_8000, 0x0001_8000, 0x0080_0000, 0x7f7f_0000, 0x7f7f_8000, 0x7f80_0000, 0x7fc0_0000],
];

/** Bits of float32 values: any, and close to the edges. */
export const floatBits = fc
  .oneof(
    fc.integer(),
    fc.integer({ min: 0x3000_0000, max: 0x4700_0000 }),
    fc.tuple(fc.constantFrom(...EDGES), fc.integer({ min: -3, max: 3 })).map(([at, by]) => at + by),
  )
  .chain((bits) => fc.constantFrom(bits, bits ^ 0x8000_0000))
  .map((bits) => bits | 0);

interface Format {
  readonly dtype: 'F16' | 'BF16';
  readonly exponentMin: number;
  readonly fractionBits: number;
}

const FORMATS: readonly Format[] = [
  { dtype: 'F16', exponentMin: -14, fractionBits: 10 },
  { dtype: 'BF16', exponentMin: -126, fractionBits: 7 },
];

/** The number nearest to `value` that a format has, ties to even: by dividing and rounding. */
function nearestOf(value: number, { dtype, exponentMin, fractionBits }: Format): number {
  if (!Number.isFinite(value) || value === 0) return value;
  const exponent = Math.max(exponentMin, exponentOf(value));
  const unit = 2 ** (exponent - fractionBits);
  const units = Math.abs(value) / unit;
  const floor = Math.floor(units);
  const rest = units - floor;
  const isUp = rest > 0.5 || (rest === 0.5 && floor % 2 === 1);
  const rounded = (floor + Number(isUp)) * unit;
  const largest = dtype === 'F16' ? 65_504 : (2 - 2 ** -7) * 2 ** 127;
  return Math.sign(value) * (rounded > largest ? Number.POSITIVE_INFINITY : rounded);
}

/** The exponent of a double that is not zero; all float32 values are normal doubles. */
function exponentOf(value: number): number {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  return ((view.getUint16(0) >> 4) & 0x7ff) - 1023;
}

export const floatDoors = [
  door({
    name: '16-bit floats',
    numInputs: 2500,
    inputs: fc.tuple(
      fc.array(floatBits, { minLength: 1, maxLength: 4 }),
      fc.constantFrom(...FORMATS),
    ),
    enter([bits, format]) {
      const { dtype } = format;
      const values = new Float32Array(Int32Array.from(bits).buffer);
      const bytes = bytesOf(values, dtype);
      const back = float32Of({ dtype, bytes });
      for (const [at, value] of values.entries()) {
        const expected = nearestOf(value, format);
        if (Object.is(back[at], expected)) continue;
        throw new Error(`${value} became ${back[at]} and not ${expected} in ${dtype}`);
      }
      const again = bytesOf(back, dtype);
      if (Buffer.compare(again, bytes) !== 0) throw new Error('a second round trip changes bits');
    },
    refusals: ['DATA_INVALID'],
    least: { accepted: 0.3, refused: 0.1 },
  }),
];
