/** @file Which images are resized exactly, and how libvips shrinks the others. Pure. */
import type { ImageSize } from './geometry.ts';
import type { Interpolation } from './taps.ts';

/** Most pixels that are shrunk exactly, in about 25 ms: libvips is faster with photos of full size. */
export const EXACT_PIXELS_MAX = 2 ** 20;

/** Whether an image is resized here, with the bytes of Pillow, and not by libvips, which is off when it enlarges. */
export function isResampled(from: ImageSize, to: ImageSize): boolean {
  const isEnlarged = to.width > from.width || to.height > from.height;
  return isEnlarged || from.width * from.height <= EXACT_PIXELS_MAX;
}

/** The names of the filters in libvips. */
const KERNELS = { bicubic: 'cubic', bilinear: 'linear', lanczos: 'lanczos3' } as const;

/** How sharp shrinks an image, its proportions as they come. */
export function shrinking(to: ImageSize, interpolation: Interpolation) {
  const kernel = KERNELS[interpolation];
  return { ...to, fit: 'fill', kernel, fastShrinkOnLoad: false } as const;
}
