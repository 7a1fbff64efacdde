/**
 * @file Which pixels a resampled pixel is made of, and how much each counts: the filters and the fixed point of Pillow.
 *
 * Source  Pillow's Resample.c: the filter is widened by the ratio where it shrinks, its weights add up to 1.
 */
import type { DataConfig } from '../options.ts';

/** A filter by its name. */
export type Interpolation = DataConfig['interpolation'];

/** How far a filter reaches. */
const SUPPORTS: Readonly<Record<Interpolation, number>> = { bicubic: 2, bilinear: 1, lanczos: 3 };

/** Keys' cubic with a = -0.5. */
function bicubic(x: number): number {
  const d = Math.abs(x);
  if (d < 1) return (1.5 * d - 2.5) * d * d + 1;
  return d < 2 ? ((-0.5 * d + 2.5) * d - 4) * d + 2 : 0;
}

/** The sinc within a wider sinc. */
function lanczos(x: number): number {
  return x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0;
}

function sinc(x: number): number {
  return x === 0 ? 1 : Math.sin(x * Math.PI) / (x * Math.PI);
}

/** The value of a filter at a distance. Named calls are compiled into the loop, which those of a table are not. */
function valueAt(x: number, interpolation: Interpolation): number {
  if (interpolation === 'bicubic') return bicubic(x);
  return interpolation === 'bilinear' ? Math.max(0, 1 - Math.abs(x)) : lanczos(x);
}

/** Bits behind the point of a weight: a sum of weighted 8-bit values stays within an int32. */
export const FRACTION_BITS = 22;
const ONE = 2 ** FRACTION_BITS;

/** Some of the new pixels of a line. */
export interface Range {
  readonly first: number;
  readonly count: number;
}

/** What each new pixel of a range is made of. Shapes  firsts, counts [N]; weights [N, stride], 0 behind a count. */
export interface Taps {
  readonly numTargets: number;
  readonly firsts: Int32Array;
  readonly counts: Int32Array;
  /** In fixed point. */
  readonly weights: Int32Array;
  /** The largest count. */
  readonly stride: number;
}

/** The taps of a range of the `to` pixels that a line of `from` pixels becomes. */
export function tapsOf(from: number, to: number, range: Range, interpolation: Interpolation): Taps {
  const scale = from / to;
  const widening = Math.max(scale, 1);
  const reach = SUPPORTS[interpolation] * widening;
  const firsts = new Int32Array(range.count);
  const counts = new Int32Array(range.count);
  const centreOf = (place: number) => (range.first + place + 0.5) * scale;
  let countMax = 0;
  for (let place = 0; place < range.count; place += 1) {
    const first = Math.max(0, Math.trunc(centreOf(place) - reach + 0.5));
    const limit = Math.min(from, Math.trunc(centreOf(place) + reach + 0.5));
    firsts[place] = first;
    counts[place] = limit - first;
    countMax = Math.max(countMax, limit - first);
  }
  const stride = countMax;
  const weights = new Int32Array(range.count * stride);
  const values = new Float64Array(countMax);
  for (let place = 0; place < range.count; place += 1) {
    const [first, count] = [firsts[place] as number, counts[place] as number];
    const centre = centreOf(place);
    let sum = 0;
    for (let tap = 0; tap < count; tap += 1) {
      const value = valueAt((tap + first - centre + 0.5) / widening, interpolation);
      values[tap] = value;
      sum += value;
    }
    for (let tap = 0; tap < count; tap += 1) {
      weights[place * stride + tap] = fixed((values[tap] as number) / sum);
    }
  }
  return { numTargets: range.count, firsts, counts, weights, stride };
}

/** The nearest fixed-point number. */
function fixed(weight: number): number {
  return Math.trunc(weight * ONE + (weight < 0 ? -0.5 : 0.5));
}
