/**
 * @file Resizing with the arithmetic of Pillow, which torchvision and timm resize with: the same bytes.
 *
 * libvips differs: it enlarges half a pixel off (six levels in the mean), and halves with a box before it filters
 * (20 levels at hard edges).
 *
 * Source  Pillow's Resample.c: separable, the filter widened by the ratio where it shrinks, coefficients in fixed
 *         point, 8 bits between the two passes.
 */
import type { DataConfig } from '../options.ts';

/** How far a filter reaches, and its value at a distance. */
interface Filter {
  readonly support: number;
  at(x: number): number;
}

/** A filter by its name. */
export type Interpolation = DataConfig['interpolation'];

/** Keys' cubic with a = -0.5, the triangle, and the sinc within a wider sinc. */
const FILTERS: Readonly<Record<Interpolation, Filter>> = {
  bicubic: {
    support: 2,
    at(x) {
      const d = Math.abs(x);
      if (d < 1) return (1.5 * d - 2.5) * d * d + 1;
      return d < 2 ? ((-0.5 * d + 2.5) * d - 4) * d + 2 : 0;
    },
  },
  bilinear: { support: 1, at: (x) => Math.max(0, 1 - Math.abs(x)) },
  lanczos: { support: 3, at: (x) => (x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0) },
};

function sinc(x: number): number {
  return x === 0 ? 1 : Math.sin(x * Math.PI) / (x * Math.PI);
}

/** Pixels in rows. Shapes  pixels [height, width, channels]. */
export interface Raster {
  readonly pixels: Uint8Array;
  readonly width: number;
  readonly height: number;
  readonly channels: number;
}

/**
 * Resizes an image to `size`: rows first, as Pillow does; columns first where that leaves out more than twice as many rows
 * as columns, as Pillow 13 does (found by trying it; the bytes between the passes are rounded, so the order shows).
 *
 * Shapes  [height, width, channels] -> the same of the new size.
 */
export function resample(
  image: Raster,
  size: { readonly width: number; readonly height: number },
  interpolation: Interpolation,
): Raster {
  const filter = FILTERS[interpolation];
  const across = (from: Raster) =>
    from.width === size.width ? from : resampleRows(from, size.width, filter);
  const down = (from: Raster) =>
    from.height === size.height ? from : resampleColumns(from, size.height, filter);
  const isTall =
    image.height > size.height && image.height - size.height > 2 * (image.width - size.width);
  return isTall ? across(down(image)) : down(across(image));
}

/** Bits behind the point of a weight: a sum of weighted 8-bit values stays within an int32. */
const FRACTION_BITS = 22;
const HALF = 2 ** (FRACTION_BITS - 1);

/** The pixels that a new pixel is made of: the first, and how much each counts, in fixed point. */
interface Taps {
  readonly first: number;
  readonly weights: Int32Array;
}

function resampleRows({ pixels, width, height, channels }: Raster, to: number, filter: Filter) {
  const all = tapsOf(width, to, filter);
  // Clamped: what goes beyond black or white stays there.
  const target = new Uint8ClampedArray(to * height * channels);
  const weigh = channels === 3 ? weighColours : weighChannels;
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < to; x += 1) {
      const { first, weights } = all[x] as Taps;
      const from = (y * width + first) * channels;
      weigh(pixels, from, weights, target, (y * to + x) * channels, channels);
    }
  }
  return { pixels: new Uint8Array(target.buffer), width: to, height, channels };
}

/** One new pixel of a row. */
function weighChannels(
  source: Uint8Array,
  from: number,
  weights: Int32Array,
  target: Uint8ClampedArray,
  to: number,
  channels: number,
): void {
  for (let channel = 0; channel < channels; channel += 1) {
    let sum = HALF;
    for (let tap = 0, at = from + channel; tap < weights.length; tap += 1, at += channels) {
      sum += (weights[tap] as number) * (source[at] as number);
    }
    target[to + channel] = sum >> FRACTION_BITS;
  }
}

/** The same for red, green and blue at once: most images, and in half the time. */
function weighColours(
  source: Uint8Array,
  from: number,
  weights: Int32Array,
  target: Uint8ClampedArray,
  to: number,
): void {
  let red = HALF;
  let green = HALF;
  let blue = HALF;
  for (let tap = 0, at = from; tap < weights.length; tap += 1, at += 3) {
    const weight = weights[tap] as number;
    red = (red + Math.imul(weight, source[at] as number)) | 0;
    green = (green + Math.imul(weight, source[at + 1] as number)) | 0;
    blue = (blue + Math.imul(weight, source[at + 2] as number)) | 0;
  }
  target[to] = red >> FRACTION_BITS;
  target[to + 1] = green >> FRACTION_BITS;
  target[to + 2] = blue >> FRACTION_BITS;
}

function resampleColumns({ pixels, width, height, channels }: Raster, to: number, filter: Filter) {
  const rowBytes = width * channels;
  const target = new Uint8ClampedArray(to * rowBytes);
  const sums = new Int32Array(rowBytes);
  for (const [y, { first, weights }] of tapsOf(height, to, filter).entries()) {
    sums.fill(HALF);
    for (const [tap, weight] of weights.entries()) {
      const row = (first + tap) * rowBytes;
      for (let i = 0; i < rowBytes; i += 1) {
        sums[i] = (sums[i] as number) + Math.imul(weight, pixels[row + i] as number);
      }
    }
    for (let i = 0; i < rowBytes; i += 1) {
      target[y * rowBytes + i] = (sums[i] as number) >> FRACTION_BITS;
    }
  }
  return { pixels: new Uint8Array(target.buffer), width, height: to, channels };
}

function tapsOf(from: number, to: number, filter: Filter): Taps[] {
  const scale = from / to;
  const widening = Math.max(scale, 1);
  const reach = filter.support * widening;
  return Array.from({ length: to }, (_, at) => {
    const centre = (at + 0.5) * scale;
    const first = Math.max(0, Math.trunc(centre - reach + 0.5));
    const limit = Math.min(from, Math.trunc(centre + reach + 0.5));
    const raw = Float64Array.from({ length: limit - first }, (_, tap) =>
      filter.at((tap + first - centre + 0.5) / widening),
    );
    const sum = raw.reduce((a, b) => a + b, 0);
    return { first, weights: Int32Array.from(raw, (weight) => fixed(weight / sum)) };
  });
}

/** The nearest fixed-point number. */
function fixed(weight: number): number {
  return Math.trunc(weight * 2 ** FRACTION_BITS + (weight < 0 ? -0.5 : 0.5));
}
