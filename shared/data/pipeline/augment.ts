/** @file Random changes of a training image: a pure function of seed, epoch and sample. */

import { randomInteger, randomUnit } from '../../core/random.ts';
import type { DataConfig } from '../options.ts';
import type { CropRegion } from '../pixels/geometry.ts';

/** What happens to one image in one epoch. */
export interface Augmentation {
  /** Part of the image that is resized to the whole; undefined for the usual resize. */
  readonly cropRegion: CropRegion | undefined;
  /** Whether left and right change places. */
  readonly flip: boolean;
  /** Pixels to the right, after the flip. */
  readonly shiftX: number;
  /** Pixels down. */
  readonly shiftY: number;
}

/** What happens to a test image: nothing. */
export const NO_AUGMENTATION: Augmentation = {
  cropRegion: undefined,
  flip: false,
  shiftX: 0,
  shiftY: 0,
};

/** Last counter of each draw, so that turning one change off does not change the others. */
const DRAW = { flip: 0, shiftX: 1, shiftY: 2, area: 3, aspect: 4, left: 5, top: 6 } as const;

/** Natural logarithm of the widest random crop's width over its height. */
const LOG_ASPECT_MAX = Math.log(4 / 3);

/** Whether every epoch uses another part of a training image. */
export function hasRandomCrop(config: DataConfig): boolean {
  return config.augment.cropScale.some((share) => share !== 1);
}

/**
 * The changes of sample `index` in `epoch`.
 *
 * Source  random resized crops with aspect ratios 3/4 to 4/3: Szegedy et al. 2015 (arXiv:1409.4842), section 6.
 */
export function augmentation(
  config: DataConfig,
  seed: number,
  epoch: number,
  index: number,
): Augmentation {
  const { shift, flip, cropScale } = config.augment;
  const unit = (draw: keyof typeof DRAW) => randomUnit(seed, 'augment', epoch, index, DRAW[draw]);
  const offset = (draw: keyof typeof DRAW) =>
    randomInteger(2 * shift + 1, seed, 'augment', epoch, index, DRAW[draw]) - shift;
  const [areaMin, areaMax] = cropScale;
  return {
    cropRegion: hasRandomCrop(config)
      ? {
          area: areaMin + (areaMax - areaMin) * unit('area'),
          aspect: Math.exp((2 * unit('aspect') - 1) * LOG_ASPECT_MAX),
          left: unit('left'),
          top: unit('top'),
        }
      : undefined,
    flip: flip && unit('flip') < 0.5,
    shiftX: offset('shiftX'),
    shiftY: offset('shiftY'),
  };
}
