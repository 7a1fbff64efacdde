/** @file Resampling in plain JavaScript: what the kernels must make, and what runs where there are none. Pure. */
import type { Raster } from './raster.ts';
import { FRACTION_BITS, type Taps } from './taps.ts';

const HALF = 2 ** (FRACTION_BITS - 1);

/** Resamples each row. Shapes  [height, width, channels] -> [height, N, channels]. */
export function plainRows({ pixels, width, height, channels }: Raster, taps: Taps): Raster {
  const { numTargets } = taps;
  // Clamped: what goes beyond black or white stays there.
  const target = new Uint8ClampedArray(numTargets * height * channels);
  const weigh = channels === 3 ? weighColours : weighChannels;
  const all = Array.from({ length: numTargets }, (_, x) => weightsOf(taps, x));
  for (let y = 0; y < height; y += 1) {
    for (const [x, weights] of all.entries()) {
      const from = (y * width + (taps.firsts[x] as number)) * channels;
      weigh(pixels, from, weights, target, (y * numTargets + x) * channels, channels);
    }
  }
  return { pixels: new Uint8Array(target.buffer), width: numTargets, height, channels };
}

/** Resamples each column. Shapes  [height, width, channels] -> [N, width, channels]. */
export function plainColumns({ pixels, width, channels }: Raster, taps: Taps): Raster {
  const rowBytes = width * channels;
  const { numTargets } = taps;
  const target = new Uint8ClampedArray(numTargets * rowBytes);
  const sums = new Int32Array(rowBytes);
  for (let y = 0; y < numTargets; y += 1) {
    sums.fill(HALF);
    for (const [tap, weight] of weightsOf(taps, y).entries()) {
      const row = ((taps.firsts[y] as number) + tap) * rowBytes;
      for (let i = 0; i < rowBytes; i += 1) {
        sums[i] = (sums[i] as number) + Math.imul(weight, pixels[row + i] as number);
      }
    }
    for (let i = 0; i < rowBytes; i += 1) {
      target[y * rowBytes + i] = (sums[i] as number) >> FRACTION_BITS;
    }
  }
  return { pixels: new Uint8Array(target.buffer), width, height: numTargets, channels };
}

function weightsOf({ weights, counts, stride }: Taps, place: number): Int32Array {
  return weights.subarray(place * stride, place * stride + (counts[place] as number));
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
