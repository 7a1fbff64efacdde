/**
 * @file Resizing with the arithmetic of Pillow, which torchvision and timm resize with: the same bytes.
 *
 * libvips differs: it enlarges half a pixel off (six levels in the mean), and halves with a box before it filters
 * (20 levels at hard edges).
 *
 * Source  Pillow's Resample.c: separable, the filter widened by the ratio where it shrinks, coefficients in fixed
 *         point, 8 bits between the two passes.
 */

import { type Resizing, resamplePlain, resizingPlan } from './passes.ts';
import { cutTo, type Raster } from './raster.ts';
import { resampleByKernels } from './resample-kernel.ts';

/**
 * Resizes an image to `size`: rows first, as Pillow does; columns first where that leaves out more than twice as many rows
 * as columns, as Pillow 13 does (found by trying it; the bytes between the passes are rounded, so the order shows).
 *
 * Shapes  [height, width, channels] -> the same of the new size, or of its box.
 */
export function resample(image: Raster, resizing: Resizing): Raster {
  const { part, passes, cut } = resizingPlan(image, resizing);
  if (passes.length === 0) return cutTo(part, cut);
  return cutTo(resampleByKernels(part, passes) ?? resamplePlain(part, passes), cut);
}
