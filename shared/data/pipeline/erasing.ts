/**
 * @file Random erasing: a rectangle of a training image is painted over with the mean colour.
 *
 * Source  arXiv:1708.04896; sizes and shapes as in timm's RandomErasing, mode `const`.
 */
import { randomUnit } from '../../core/random.ts';

/** Which image it is. */
export interface ErasingPlace {
  readonly seed: number;
  readonly epoch: number;
  readonly index: number;
}

const AREA = { min: 0.02, max: 1 / 3 } as const;
const LOG_ASPECT_MAX = Math.log(1 / 0.3);
/** Rectangles that are tried until one fits into the image. */
const TRIES = 10;
/** First counter of these draws: those before it are of other changes. */
const FIRST_DRAW = 128;

/** Erases a part of one image in `share` of the cases. Shapes  image [C, S, S], normalised, changed in place. */
export function eraseRandomly(
  image: Float32Array | Uint16Array | Uint8Array,
  imageSize: number,
  share: number,
  { seed, epoch, index }: ErasingPlace,
): void {
  const draw = (purpose: number) => randomUnit(seed, 'augment', epoch, index, FIRST_DRAW + purpose);
  if (share === 0 || draw(0) >= share) return;
  for (let attempt = 0; attempt < TRIES; attempt += 1) {
    const first = 1 + 4 * attempt;
    const area = (AREA.min + (AREA.max - AREA.min) * draw(first)) * imageSize ** 2;
    const aspect = Math.exp((2 * draw(first + 1) - 1) * LOG_ASPECT_MAX);
    const height = Math.round(Math.sqrt(area * aspect));
    const width = Math.round(Math.sqrt(area / aspect));
    if (height >= imageSize || width >= imageSize) continue;
    const top = Math.floor(draw(first + 2) * (imageSize - height + 1));
    const left = Math.floor(draw(first + 3) * (imageSize - width + 1));
    for (let plane = 0; plane < image.length; plane += imageSize ** 2) {
      for (let y = top; y < top + height; y += 1) {
        const start = plane + y * imageSize + left;
        image.fill(0, start, start + width);
      }
    }
    return;
  }
}
