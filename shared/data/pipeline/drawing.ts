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
