/** @file The last steps of a leaf, once all its images are in their places: mixed, and rounded to halves. */
import { toHalves } from '../../core/floats.ts';
import type { StoredPixels } from './drawing.ts';
import { type Mixture, mixImages } from './mixing.ts';

/** What is done to the images of a leaf together. */
export interface Finishing {
  /** How each is mixed with another; undefined where none is. */
  readonly mixtures: readonly Mixture[] | undefined;
  readonly imageSize: number;
  /** Whether float32, in which images had to be added up, becomes binary16. */
  readonly isHalved: boolean;
}

/** A leaf's images as they go to the device. */
export interface FinishedImages<P extends StoredPixels = StoredPixels> {
  readonly images: P | StoredPixels;
  /** The share of each image that is its own; undefined where none is mixed. */
  readonly shares: Float32Array | undefined;
}

/** Finishes a leaf, its images in place. Shapes  images [B, C, S, S], weights [B]. */
export function finishLeaf(
  images: StoredPixels,
  weights: Float32Array,
  { mixtures, imageSize, isHalved }: Finishing,
): FinishedImages {
  const shares = mixtures && mixImages({ images, weights }, mixtures, imageSize);
  const isRounded = isHalved && images instanceof Float32Array;
  return { images: isRounded ? toHalves(images) : images, shares };
}
