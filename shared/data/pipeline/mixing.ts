/**
 * @file Mixup and CutMix: an image becomes a mixture of two of its leaf, and its label one of two labels.
 *
 * Partners are found within a leaf, so that a leaf stays a function of (seed, epoch, batch, leaf).
 *
 * Source  mixup: arXiv:1710.09412; CutMix: arXiv:1905.04899; partners and switching as in timm.
 */
import { randomNormal, randomUnit } from '../../core/random.ts';
import type { DataConfig } from '../options.ts';
import { imageAt, type StoredPixels } from './drawing.ts';

/** How one sample is mixed. */
export interface Mixture {
  /** Place of the other image in the leaf. */
  readonly partner: number;
  /** Share of the own image, and of its label. */
  readonly share: number;
  /** CutMix: the part that comes from the partner; mixup has none. */
  readonly box: Box | undefined;
}

/** A rectangle of an image, in pixels; `right` and `bottom` lie outside. */
interface Box {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/** A leaf to be mixed. */
export interface MixingPlace {
  readonly seed: number;
  readonly epoch: number;
  /** Index of each sample of the leaf, in its order. */
  readonly samples: ArrayLike<number>;
  readonly imageSize: number;
}

/** Images of a leaf and the weights of its samples. Shapes  images [B, C, S, S], weights [B]. */
interface LeafImages {
  readonly images: Float32Array | StoredPixels;
  readonly weights: Float32Array;
}

/** Rejections in a row that a gamma number may take; each has a chance of less than 5 %. */
const GAMMA_TRIES = 32;

/** What each sample of a leaf is mixed with: the leaf in reverse, as in timm. */
export function planMixing(augment: DataConfig['augment'], place: MixingPlace): Mixture[] {
  const { seed, epoch, samples, imageSize } = place;
  return Array.from({ length: samples.length }, (_, position) => {
    const counters = [epoch, samples[position] as number] as const;
    const draw = (purpose: number) => randomUnit(seed, 'mix', ...counters, purpose);
    const partner = samples.length - 1 - position;
    if (draw(0) >= augment.mixProbability) return { partner, share: 1, box: undefined };
    const isCut = augment.cutmix > 0 && (augment.mixup === 0 || draw(1) < 0.5);
    const alpha = isCut ? augment.cutmix : augment.mixup;
    const share = randomBeta(alpha, seed, ...counters);
    if (!isCut) return { partner, share, box: undefined };
    const box = boxOf(1 - share, imageSize, draw(2), draw(3));
    const area = (box.right - box.left) * (box.bottom - box.top);
    return { partner, share: 1 - area / imageSize ** 2, box };
  });
}

/**
 * Mixes the images of a leaf in place; those of mixup must be float32. A sample that cannot be read is not mixed: its pair stays as it is.
 *
 * Returns the share of each image that is its own.
 */
export function mixImages(
  { images, weights }: LeafImages,
  plan: readonly Mixture[],
  imageSize: number,
): Float32Array {
  const shares = new Float32Array(weights.length).fill(1);
  const view = (place: number) => imageAt(images, place, weights.length);
  for (const [place, mixture] of plan.entries()) {
    const other = plan[mixture.partner];
    // Each pair once; the middle of an odd leaf is its own partner.
    if (place >= mixture.partner || other === undefined) continue;
    if (weights[place] === 0 || weights[mixture.partner] === 0) continue;
    const [one, two] = [view(place).slice(), view(mixture.partner).slice()];
    mixInto(view(place), two, mixture, imageSize);
    mixInto(view(mixture.partner), one, other, imageSize);
    shares[place] = mixture.share;
    shares[mixture.partner] = other.share;
  }
  return shares;
}

function mixInto(
  target: Float32Array | StoredPixels,
  other: Float32Array | StoredPixels,
  { share, box }: Mixture,
  imageSize: number,
): void {
  if (box === undefined) {
    for (let i = 0; i < target.length; i += 1) {
      target[i] = share * (target[i] as number) + (1 - share) * (other[i] as number);
    }
    return;
  }
  for (let plane = 0; plane < target.length; plane += imageSize ** 2) {
    for (let y = box.top; y < box.bottom; y += 1) {
      const [first, limit] = [plane + y * imageSize + box.left, plane + y * imageSize + box.right];
      target.set(other.subarray(first, limit), first);
    }
  }
}

/** A box of about `area` of the image around a random centre, cut at the edges. */
function boxOf(area: number, imageSize: number, x: number, y: number): Box {
  const half = Math.floor((imageSize * Math.sqrt(area)) / 2);
  const [centreX, centreY] = [Math.floor(x * imageSize), Math.floor(y * imageSize)];
  return {
    left: Math.max(0, centreX - half),
    top: Math.max(0, centreY - half),
    right: Math.min(imageSize, centreX + half),
    bottom: Math.min(imageSize, centreY + half),
  };
}

/** A number of the Beta(alpha, alpha) distribution, from two of the gamma distribution in logarithms. */
export function randomBeta(alpha: number, seed: number, ...counters: number[]): number {
  const [one, two] = [0, 1].map((which) => logGamma(alpha, seed, [...counters, 8 + which]));
  return 1 / (1 + Math.exp((two as number) - (one as number)));
}

/**
 * Logarithm of a number of the Gamma(alpha, 1) distribution.
 *
 * Source  Marsaglia and Tsang, "A simple method for generating gamma variables" (2000), with their power of a
 *         uniform number for alpha < 1, which in logarithms does not underflow.
 */
function logGamma(alpha: number, seed: number, counters: readonly number[]): number {
  const d = alpha + 1 - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  const boost = Math.log(1 - randomUnit(seed, 'mix', ...counters, 0)) / alpha;
  for (let attempt = 1; attempt <= GAMMA_TRIES; attempt += 1) {
    const x = randomNormal(seed, 'mix', ...counters, attempt);
    const v = (1 + c * x) ** 3;
    const u = 1 - randomUnit(seed, 'mix', ...counters, attempt, 2);
    if (v > 0 && Math.log(u) < 0.5 * x * x + d - d * v + d * Math.log(v)) {
      return Math.log(d * v) + boost;
    }
  }
  return Math.log(d) + boost;
}
