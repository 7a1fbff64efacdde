/** @file Resampling by the SIMD kernels, in a small memory of the thread: the bytes of `resample-plain.ts`. */
import {
  growTo,
  type KernelMemory,
  type Kernels,
  kernelMemory,
  kernelsOn,
} from '../../kernels/module.ts';
import type { Pass } from './passes.ts';
import type { Raster } from './raster.ts';
import type { Taps } from './taps.ts';

/** The first size of the memory, and the most that it may take: larger images are left to the plain loops. */
const FIRST_BYTES = 4 * 2 ** 20;
const BYTES_MAX = 64 * 2 ** 20;

/** What kernels read beyond the end of an image, beside the taps. */
const BEYOND_BYTES = 16;

let loaded: { readonly memory: KernelMemory; readonly kernels: Kernels | undefined } | undefined;

/** Resamples in one direction and then in the other, undefined where the kernels cannot: the caller has plain loops. */
export function resampleByKernels(image: Raster, passes: readonly Pass[]): Raster | undefined {
  if (image.channels !== 1 && image.channels !== 3) return undefined;
  const layout = layoutOf(image, passes);
  if (layout.bytes > BYTES_MAX) return undefined;
  loaded ??= load();
  const { memory, kernels } = loaded;
  if (kernels === undefined) return undefined;
  growTo(memory, layout.bytes);
  const { buffer } = memory;
  new Uint8Array(buffer, layout.source, image.pixels.length).set(image.pixels);
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

function load() {
  const memory = kernelMemory(FIRST_BYTES);
  return { memory, kernels: kernelsOn(memory) };
}

function sizeAfter(size: Omit<Raster, 'pixels'>, { isRows, taps }: Pass) {
  return isRows ? { ...size, width: taps.numTargets } : { ...size, height: taps.numTargets };
}

/** Where everything lies in the memory: the image, and for each pass its taps and what it makes. */
function layoutOf(image: Raster, passes: readonly Pass[]) {
  let bytes = 0;
  const take = (size: number) => {
    const at = bytes;
    bytes = Math.ceil((bytes + size) / 16) * 16;
    return at;
  };
  let size: Omit<Raster, 'pixels'> = image;
  const slack = Math.max(...passes.map(({ taps }) => taps.stride + 8)) * image.channels;
  const raster = () => take(size.width * size.height * size.channels + slack + BEYOND_BYTES);
  const source = raster();
  const placed = passes.map((pass) => {
    const { numTargets, stride: taps } = pass.taps;
    const step = pass.isRows && image.channels === 1 ? 8 : 2;
    const stride = Math.ceil(taps / step) * step;
    size = sizeAfter(size, pass);
    return {
      ...{ pass, stride, target: raster(), firsts: take(numTargets * 4) },
      ...{ lows: take(numTargets * stride * 2), highs: take(numTargets * stride * 2) },
    };
  });
  return { source, passes: placed, bytes: bytes + BEYOND_BYTES };
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
