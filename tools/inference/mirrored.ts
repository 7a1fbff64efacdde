/** @file Test-time augmentation: an image and its mirror image, whose probabilities are averaged. Pure. */
import type { LeafFunction } from './rows.ts';
import { softmax } from './top-classes.ts';

/** Logits of images and of their mirror images together: the logarithm of the mean of their probabilities. */
export function withMirrored(
  logitsOf: LeafFunction,
  { side, numClasses }: { readonly side: number; readonly numClasses: number },
): LeafFunction {
  return async (images) => {
    const own = await logitsOf(images);
    const other = await logitsOf(mirrored(images, side));
    const both = new Float32Array(own.length);
    for (let first = 0; first < own.length; first += numClasses) {
      const [one, two] = [own, other].map((all) =>
        softmax(all.subarray(first, first + numClasses)),
      );
      for (let at = 0; at < numClasses; at += 1) {
        both[first + at] = Math.log(((one?.[at] as number) + (two?.[at] as number)) / 2);
      }
    }
    return both;
  };
}

/** Images from right to left. Shapes  [..., side, side]. */
export function mirrored(images: Float32Array, side: number): Float32Array {
  const copy = images.slice();
  for (let row = 0; row < copy.length; row += side) copy.subarray(row, row + side).reverse();
  return copy;
}
