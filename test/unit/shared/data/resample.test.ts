/** @file The kernels that resample make the bytes of the plain loops, of any image and any part of the result. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Resizing, resampleByLoops } from '../../../../shared/data/pixels/passes.ts';
import { cutTo } from '../../../../shared/data/pixels/raster.ts';
import { resample } from '../../../../shared/data/pixels/resample.ts';
import { resampleByKernels } from '../../../../shared/data/pixels/resample-kernel.ts';
import { tapsOf } from '../../../../shared/data/pixels/taps.ts';

const side = fc.integer({ min: 1, max: 90 });
const sizes = fc.record({ width: side, height: side });
const interpolation = fc.constantFrom('bicubic', 'bilinear', 'lanczos' as const);
/** Noise, and hard edges, where sums go beyond black and white. */
const pixelOf = fc.constantFrom(
  (at: number) => (Math.imul(at, 0x9e37_79b1) >>> 13) & 255,
  (at: number) => (Math.imul(at, 0x9e37_79b1) >>> 31) * 255,
);

function rasterOf(
  { width, height }: { width: number; height: number },
  channels: number,
  of: (at: number) => number,
) {
  const pixels = Uint8Array.from({ length: width * height * channels }, (_, at) => of(at));
  return { pixels, width, height, channels };
}

describe('the kernels', () => {
  it('make the bytes of the plain loops', () => {
    fc.assert(
      fc.property(
        ...([sizes, sizes, interpolation, pixelOf, fc.constantFrom(1, 3)] as const),
        (from, size, interpolation, of, channels) => {
          const image = rasterOf(from, channels, of);
          const resizing = { size, interpolation };
          const [one, other] = [resample(image, resizing), resampleByLoops(image, resizing)];
          expect(Buffer.compare(one.pixels, other.pixels)).toBe(0);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('are what resampled', () => {
    const image = rasterOf({ width: 20, height: 10 }, 3, (at) => at & 255);
    const taps = tapsOf(20, 7, { first: 0, count: 7 }, 'bicubic');
    const made = resampleByKernels(image, [{ isRows: true, taps }]);
    expect(made).toMatchObject({ width: 7, height: 10, channels: 3 });
  });

  it('leave other channels, and what their memory does not hold, to the plain loops', () => {
    const size = { width: 3, height: 2 };
    const two = rasterOf({ width: 8, height: 9 }, 2, (at) => (at * 37) & 255);
    const resizing: Resizing = { size, interpolation: 'bilinear' };
    expect(resample(two, resizing)).toEqual(resampleByLoops(two, resizing));
    const taps = tapsOf(5000, 5000, { first: 0, count: 5000 }, 'bilinear');
    const wide = { pixels: new Uint8Array(75e6), width: 5000, height: 5000, channels: 3 };
    expect(resampleByKernels(wide, [{ isRows: true, taps }])).toBeUndefined();
  });
});

it('a part of the result is what is cut of the whole', () => {
  const share = fc.double({ min: 0, max: 1, noNaN: true });
  fc.assert(
    fc.property(
      ...([sizes, sizes, interpolation, fc.tuple(share, share, share, share)] as const),
      (from, size, interpolation, [x, y, w, h]) => {
        const image = rasterOf(from, 3, (at) => (Math.imul(at, 0x9e37_79b1) >>> 13) & 255);
        const left = Math.floor(x * (size.width - 1));
        const top = Math.floor(y * (size.height - 1));
        const width = 1 + Math.floor(w * (size.width - left - 1));
        const height = 1 + Math.floor(h * (size.height - top - 1));
        const whole = resampleByLoops(image, { size, interpolation });
        const part = resample(image, { size, interpolation, box: { left, top, width, height } });
        const box = { left, top, width, height };
        expect(Buffer.compare(part.pixels, cutTo(whole, box).pixels)).toBe(0);
      },
    ),
    { numRuns: 150 },
  );
});
