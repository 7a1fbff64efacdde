/** @file Resampling by the SIMD kernels, in a small memory of the thread: the bytes of `resample-plain.ts`. */
import { isLent, Places, pixelKernels } from './kernels.ts';
import type { Pass } from './passes.ts';
import type { Raster } from './raster.ts';
import type { Taps } from './taps.ts';

/** What kernels read beyond the end of an image, beside the taps. */
const BEYOND_BYTES = 16;

/** Resamples in one direction and then in the other, undefined where the kernels cannot: the caller has plain loops. */
export function resampleByKernels(image: Raster, passes: readonly Pass[]): Raster | undefined {
  if (image.channels !== 1 && image.channels !== 3) return undefined;
  const layout = layoutOf(image, passes);
  const loaded = pixelKernels(layout.bytes);
  if (loaded === undefined) return undefined;
  const { kernels, buffer } = loaded;
  if (!layout.isThere) {
    new Uint8Array(buffer, layout.source, image.pixels.length).set(image.pixels);
  }
  let from = layout.source;
  let size: Omit<Raster, 'pixels'> = image;
  for (const { pass, stride, target, firsts, lows, highs } of layout.passes) {
    writeTaps(buffer, pass.taps, { firsts, lows, highs, stride });
    const { numTargets } = pass.taps;
    const { width, height, channels } = size;
    const places = [target, numTargets, firsts, lows, highs, stride] as const;
    if (!pass.isRows) kernels.resampleColumns(from, width * channels, height, ...places);
    else if (channels === 3) kernels.resampleColours(from, width, height, ...places);
    else kernels.resampleGreys(from, width, height, ...places);
    size = sizeAfter(size, pass);
    from = target;
  }
  const { width, height, channels } = size;
  const pixels = new Uint8Array(buffer, from, width * height * channels).slice();
  return { pixels, width, height, channels };
}

function sizeAfter(size: Omit<Raster, 'pixels'>, { isRows, taps }: Pass) {
  return isRows ? { ...size, width: taps.numTargets } : { ...size, height: taps.numTargets };
}

/** Where everything lies in the memory: the image, and for each pass its taps and what it makes. */
function layoutOf(image: Raster, passes: readonly Pass[]) {
  const place = isLent(image.pixels) ? image.pixels.byteOffset : undefined;
  const places = new Places(place);
  let size: Omit<Raster, 'pixels'> = image;
  const slack = Math.max(...passes.map(({ taps }) => taps.stride + 8)) * image.channels;
  const raster = () => places.take(size.width * size.height * size.channels + slack + BEYOND_BYTES);
  // Pixels that are lent from this memory stay where they are, at no multiple of 16 where rows were left out.
  if (place !== undefined) places.take(image.pixels.length + 16 + slack + BEYOND_BYTES);
  const source = place ?? raster();
  const placed = passes.map((pass) => {
    const { numTargets, stride: taps } = pass.taps;
    const step = pass.isRows && image.channels === 1 ? 8 : 2;
    const stride = Math.ceil(taps / step) * step;
    size = sizeAfter(size, pass);
    return {
      ...{ pass, stride, target: raster(), firsts: places.take(numTargets * 4) },
      ...{
        lows: places.take(numTargets * stride * 2),
        highs: places.take(numTargets * stride * 2),
      },
    };
  });
  return { source, isThere: place !== undefined, passes: placed, bytes: places.end + BEYOND_BYTES };
}

/** Writes taps as the kernels take them: weights in two halves of 15 bits and the rest. */
function writeTaps(
  buffer: SharedArrayBuffer,
  { numTargets, firsts, weights, stride: taps }: Taps,
  to: {
    readonly firsts: number;
    readonly lows: number;
    readonly highs: number;
    readonly stride: number;
  },
): void {
  new Int32Array(buffer, to.firsts, numTargets).set(firsts);
  const lows = new Int16Array(buffer, to.lows, numTargets * to.stride);
  const highs = new Int16Array(buffer, to.highs, numTargets * to.stride);
  for (let place = 0; place < numTargets; place += 1) {
    for (let tap = 0; tap < to.stride; tap += 1) {
      const weight = tap < taps ? (weights[place * taps + tap] as number) : 0;
      lows[place * to.stride + tap] = weight & 0x7fff;
      highs[place * to.stride + tap] = weight >> 15;
    }
  }
}
