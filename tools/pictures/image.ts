/** @file An image as pixels: what pictures are made of. */

/** Pixels of an image, one byte each. Shapes  [height, width, 3]. */
export interface RgbImage {
  readonly width: number;
  readonly height: number;
  readonly pixels: Uint8Array;
}

/**
 * An image from the model's input, its normalisation undone.
 *
 * Shapes  values [C, S, S], C 1 or 3; mean and deviation have one value or C.
 */
export function imageOf(
  values: Float32Array,
  size: number,
  { mean, deviation }: { readonly mean: readonly number[]; readonly deviation: readonly number[] },
): RgbImage {
  const area = size * size;
  const channels = values.length / area;
  const pixels = new Uint8Array(area * 3);
  for (let i = 0; i < pixels.length; i += 1) {
    const channel = channels === 1 ? 0 : i % 3;
    const value = values[channel * area + Math.floor(i / 3)] as number;
    const scale = deviation[channel] ?? (deviation[0] as number);
    const level = 255 * (value * scale + (mean[channel] ?? (mean[0] as number)));
    pixels[i] = Math.max(0, Math.min(255, Math.round(level)));
  }
  return { width: size, height: size, pixels };
}
