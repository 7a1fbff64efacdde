/** @file Decoded pixels as a program takes them: flipped, shifted, normalised, channel by channel. Pure. */
import { toHalves } from '../../core/floats.ts';
import type { DataConfig } from '../options.ts';
import type { Augmentation } from './augment.ts';

/** How pixels are kept: normalised float32, the bits of normalised binary16, or bytes as they are decoded. */
export interface Storages {
  readonly float32: Float32Array<ArrayBuffer>;
  readonly float16: Uint16Array<ArrayBuffer>;
  readonly uint8: Uint8Array<ArrayBuffer>;
}
export type Storage = keyof Storages;
/** Pixels in any storage. */
export type StoredPixels = Storages[Storage];

/** The image at a place of so many, as a view. */
export function imageAt<P extends Float32Array | StoredPixels>(
  images: P,
  place: number,
  places: number,
): P {
  const imageFloats = images.length / places;
  return images.subarray(place * imageFloats, (place + 1) * imageFloats) as P;
}

/** Pixels flipped and then shifted; the uncovered edge is black. Shapes  [imageSize, imageSize, channels]. */
export function moved(pixels: Uint8Array, imageSize: number, change: Augmentation): Uint8Array {
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
export function storedTables(config: DataConfig, storage: Storage): readonly StoredPixels[] {
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
export function writeImage(drawing: Drawing, target: StoredPixels): void {
  const { pixels, imageSize, tables, change } = drawing;
  const { flip, shiftX, shiftY } = change;
  const channels = tables.length;
  const planeSize = imageSize ** 2;
  const left = Math.max(0, shiftX);
  const count = imageSize - Math.abs(shiftX);
  const column = flip ? imageSize - 1 - (left - shiftX) : left - shiftX;
  const step = flip ? -channels : channels;
  for (const [channel, table] of tables.entries()) {
    const plane = target.subarray(channel * planeSize, (channel + 1) * planeSize);
    if (shiftX !== 0 || shiftY !== 0) plane.fill(table[0] as number);
    for (let y = Math.max(0, shiftY); y < imageSize + Math.min(0, shiftY); y += 1) {
      const from = ((y - shiftY) * imageSize + column) * channels + channel;
      writeRow(pixels, from, step, table, plane, y * imageSize + left, count);
    }
  }
}

/** Writes pixels of one channel, each `step` behind the other, as the values of a table. */
function writeRow(
  pixels: Uint8Array,
  first: number,
  step: number,
  table: StoredPixels,
  plane: StoredPixels,
  to: number,
  count: number,
): void {
  for (let at = to, from = first; at < to + count; at += 1, from += step) {
    plane[at] = table[pixels[from] as number] as number;
  }
}
