/**
 * @file From a sample to the model's input: decoded, cropped, flipped, shifted, changed by the policy, normalised,
 * erased.
 *
 * Decoded pixels are cached (within a bound) if every epoch uses the same ones, since decoding costs
 * far more than the rest.
 */

import { assert } from '../../core/errors.ts';
import { toHalves } from '../../core/floats.ts';
import { ByteCache } from '../cache.ts';
import type { DataConfig } from '../options.ts';
import type { CropRegion } from '../pixels/geometry.ts';
import type { EncodedSample } from '../source.ts';
import { type Augmentation, augmentation, NO_AUGMENTATION } from './augment.ts';
import { type DecodeOptions, decodeImage, isPlain } from './decode.ts';
import { eraseRandomly } from './erasing.ts';
import { applyPolicy, planPolicy } from './policy.ts';

/**
 * Images that are read and decoded at one time: two for each of libuv's threads, so that none waits for the disk; more
 * would only keep more files in memory, which may be large.
 */
export const IMAGES_AT_ONCE = 8;

/** How pixels are kept: normalised float32, the bits of normalised binary16, or bytes as they are decoded. */
interface Storages {
  readonly float32: Float32Array<ArrayBuffer>;
  readonly float16: Uint16Array<ArrayBuffer>;
  readonly uint8: Uint8Array<ArrayBuffer>;
}
export type Storage = keyof Storages;
/** Pixels in any storage. */
export type StoredPixels = Storages[Storage];

const ARRAYS = { float32: Float32Array, float16: Uint16Array, uint8: Uint8Array } as const;

/** The image at a place of so many, as a view. */
export function imageAt<P extends Float32Array | StoredPixels>(
  images: P,
  place: number,
  places: number,
): P {
  const imageFloats = images.length / places;
  return images.subarray(place * imageFloats, (place + 1) * imageFloats) as P;
}

/** Prepares the images of one run. Samples that differ must have names that differ. */
export interface ImagePipeline<P = Float32Array<ArrayBuffer>> {
  /** Memory for so many values, all 0. */
  allocate(values: number): P;
  /**
   * Writes one image into `target`; without an epoch it is a test image and not augmented.
   *
   * Shapes  target is [channels, imageSize, imageSize], of `allocate`.
   * Throws  DATA_INVALID when the sample cannot be decoded.
   */
  load(sample: EncodedSample, epoch: number | undefined, target: P): Promise<void>;
}

/** Makes the pipeline of a run; it keeps at most half of `config.cacheBytes`, the other half is for encoded samples. */
export function createImagePipeline<S extends Storage = 'float32'>(
  config: DataConfig,
  options: { readonly imageSize: number; readonly seed: number; readonly storage?: S },
): ImagePipeline<Storages[S]> {
  const { channels, background, resize, cropFraction, cropRounding, interpolation } = config;
  const { imageSize, seed, storage = 'float32' } = options;
  const framing = { imageSize, resize, cropFraction, cropRounding };
  const decodeOptions = { ...framing, channels, background, interpolation };
  const tables = storedTables(config, storage);
  const cache = new ByteCache<Uint8Array>(Math.floor(config.cacheBytes / 2));
  return {
    allocate: (values) => new ARRAYS[storage](values) as Storages[S],
    async load(sample, epoch, target) {
      assert(target.length === channels * imageSize ** 2, `image of ${target.length} floats`);
      const change =
        epoch === undefined ? NO_AUGMENTATION : augmentation(config, seed, epoch, sample.index);
      const pixels = await cachedPixels(cache, sample, decodeOptions, change.cropRegion);
      if (epoch === undefined) {
        writeImage({ pixels, imageSize, tables, change }, target);
        return;
      }
      const place = { seed, epoch, index: sample.index, imageSize };
      const steps = planPolicy(config.augment, place);
      if (steps.length === 0) writeImage({ pixels, imageSize, tables, change }, target);
      else {
        const changed = applyPolicy(moved(pixels, imageSize, change), imageSize, steps);
        writeImage({ pixels: changed, imageSize, tables, change: NO_AUGMENTATION }, target);
      }
      eraseRandomly(target, imageSize, config.augment.erasing, place);
    },
  };
}

/** Decoded pixels, from the cache when they are the same in every epoch. */
async function cachedPixels(
  cache: ByteCache<Uint8Array>,
  sample: EncodedSample,
  options: DecodeOptions,
  region: CropRegion | undefined,
): Promise<Uint8Array> {
  if (region !== undefined || isPlain(sample, options)) return decodeImage(sample, options, region);
  const kept = cache.get(sample.name);
  if (kept !== undefined) return kept;
  const pixels = await decodeImage(sample, options);
  cache.set(sample.name, pixels, pixels.byteLength);
  return pixels;
}

/** Pixels flipped and then shifted; the uncovered edge is black. Shapes  [imageSize, imageSize, channels]. */
function moved(pixels: Uint8Array, imageSize: number, change: Augmentation): Uint8Array {
  const { flip, shiftX, shiftY } = change;
  if (!flip && shiftX === 0 && shiftY === 0) return pixels;
  const channels = pixels.length / imageSize ** 2;
  const target = new Uint8Array(pixels.length);
  for (let y = Math.max(0, shiftY); y < imageSize + Math.min(0, shiftY); y += 1) {
    for (let x = Math.max(0, shiftX); x < imageSize + Math.min(0, shiftX); x += 1) {
      const column = flip ? imageSize - 1 - (x - shiftX) : x - shiftX;
      const from = ((y - shiftY) * imageSize + column) * channels;
      target.set(pixels.subarray(from, from + channels), (y * imageSize + x) * channels);
    }
  }
  return target;
}

/** The 256 normalised values of each channel. */
function normalisationTables({
  channels,
  mean,
  deviation,
}: DataConfig): Float32Array<ArrayBuffer>[] {
  return Array.from({ length: channels }, (_, channel) => {
    const channelMean = mean[channel] ?? (mean[0] as number);
    const channelDeviation = deviation[channel] ?? (deviation[0] as number);
    return Float32Array.from(
      { length: 256 },
      (_, value) => (value / 255 - channelMean) / channelDeviation,
    );
  });
}

/** What the 256 values of each channel are in a storage. */
function storedTables(config: DataConfig, storage: Storage): readonly StoredPixels[] {
  const tables = normalisationTables(config);
  if (storage === 'float32') return tables;
  if (storage === 'float16') return tables.map(toHalves);
  return tables.map(() => Uint8Array.from({ length: 256 }, (_, value) => value));
}

/** What one image is written from. */
interface Drawing {
  /** [imageSize, imageSize, channels]. */
  readonly pixels: Uint8Array;
  readonly imageSize: number;
  readonly tables: readonly StoredPixels[];
  readonly change: Augmentation;
}

/** Writes HWC bytes as normalised CHW values, flipped and then shifted; the uncovered edge is black. */
function writeImage(drawing: Drawing, target: StoredPixels): void {
  const { pixels, imageSize, tables, change } = drawing;
  const channels = tables.length;
  const firstColumn = change.flip ? imageSize - 1 : 0;
  const columnStep = change.flip ? -1 : 1;
  for (const [channel, table] of tables.entries()) {
    const plane = target.subarray(channel * imageSize ** 2, (channel + 1) * imageSize ** 2);
    plane.fill(table[0] as number);
    for (let y = Math.max(0, change.shiftY); y < imageSize + Math.min(0, change.shiftY); y += 1) {
      const row = (y - change.shiftY) * imageSize;
      for (let x = Math.max(0, change.shiftX); x < imageSize + Math.min(0, change.shiftX); x += 1) {
        const column = firstColumn + columnStep * (x - change.shiftX);
        const value = pixels[(row + column) * channels + channel] as number;
        plane[y * imageSize + x] = table[value] as number;
      }
    }
  }
}
