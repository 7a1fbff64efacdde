/** @file Pixels in rows, and parts of them. */
import type { Box } from './geometry.ts';

/** Pixels in rows. Shapes  pixels [height, width, channels]. */
export interface Raster {
  readonly pixels: Uint8Array;
  readonly width: number;
  readonly height: number;
  readonly channels: number;
}

/** A rectangle of an image, or all of it. */
export function cutTo(image: Raster, box: Box | undefined): Raster {
  if (box === undefined) return image;
  const { pixels, width, channels } = image;
  const part = new Uint8Array(box.width * box.height * channels);
  for (let y = 0; y < box.height; y += 1) {
    const first = ((box.top + y) * width + box.left) * channels;
    part.set(pixels.subarray(first, first + box.width * channels), y * box.width * channels);
  }
  return { width: box.width, height: box.height, channels, pixels: part };
}
