/**
 * @file TrivialAugment and RandAugment: random operations on the pixels of a training image.
 *
 * Source  TrivialAugmentWide: arXiv:2103.10158; RandAugment: arXiv:1909.13719; operations, strengths and the
 *         arithmetic of pixels as in torchvision on Pillow images (nearest neighbours, black outside).
 */

import { randomInteger } from '../../core/random.ts';
import type { DataConfig } from '../options.ts';
import { OPERATIONS, type OperationName } from './pixel-operations.ts';

/** One operation and how strongly it is applied. */
export interface PolicyStep {
  readonly operation: OperationName;
  /** In the operation's own unit: degrees, pixels, a factor, bits, a level. */
  readonly strength: number;
}

/** Steps between no effect and the strongest. */
const LEVELS = 31;

/** Strength of each operation at a share of the way from none to the strongest. */
type Strengths = Readonly<Record<OperationName, (share: number, size: number) => number>>;

const none = () => 0;

const TRIVIAL: Strengths = {
  identity: none,
  shearX: (share) => 0.99 * share,
  shearY: (share) => 0.99 * share,
  translateX: (share) => Math.trunc(32 * share),
  translateY: (share) => Math.trunc(32 * share),
  rotate: (share) => 135 * share,
  brightness: (share) => 0.99 * share,
  colour: (share) => 0.99 * share,
  contrast: (share) => 0.99 * share,
  sharpness: (share) => 0.99 * share,
  posterize: (share) => 8 - roundHalfEven(6 * share),
  solarize: (share) => 255 * (1 - share),
  autoContrast: none,
  equalize: none,
};

const RAND: Strengths = {
  ...TRIVIAL,
  shearX: (share) => 0.3 * share,
  shearY: (share) => 0.3 * share,
  translateX: (share, size) => Math.trunc((150 / 331) * size * share),
  translateY: (share, size) => Math.trunc((150 / 331) * size * share),
  rotate: (share) => 30 * share,
  brightness: (share) => 0.9 * share,
  colour: (share) => 0.9 * share,
  contrast: (share) => 0.9 * share,
  sharpness: (share) => 0.9 * share,
  posterize: (share) => 8 - roundHalfEven(4 * share),
};

/** Operations whose strength has a direction. */
const SIGNED: ReadonlySet<OperationName> = new Set([
  'shearX',
  'shearY',
  'translateX',
  'translateY',
  'rotate',
  'brightness',
  'colour',
  'contrast',
  'sharpness',
]);

const NAMES = Object.keys(TRIVIAL) as OperationName[];

/** First counter of these draws: those before it are the crop's, the flip's and the shift's. */
const FIRST_DRAW = 16;

/** What the policy does to sample `index` in `epoch`. Units  imageSize in pixels. */
export function planPolicy(
  { policy, randOps, randMagnitude }: DataConfig['augment'],
  place: {
    readonly seed: number;
    readonly epoch: number;
    readonly index: number;
    readonly imageSize: number;
  },
): PolicyStep[] {
  if (policy === 'none') return [];
  const { seed, epoch, index, imageSize } = place;
  const draw = (limit: number, purpose: number) =>
    randomInteger(limit, seed, 'augment', epoch, index, FIRST_DRAW + purpose);
  const strengths = policy === 'trivial' ? TRIVIAL : RAND;
  return Array.from({ length: policy === 'trivial' ? 1 : randOps }, (_, step) => {
    const operation = NAMES[draw(NAMES.length, 3 * step)] as OperationName;
    const level = policy === 'trivial' ? draw(LEVELS, 3 * step + 1) : randMagnitude;
    const strength = strengths[operation](level / (LEVELS - 1), imageSize);
    const isOpposite = SIGNED.has(operation) && draw(2, 3 * step + 2) === 1;
    return { operation, strength: isOpposite ? -strength : strength };
  });
}

/** Applies a policy. Shapes  pixels [imageSize, imageSize, channels], which stay as they are. */
export function applyPolicy(
  pixels: Uint8Array,
  imageSize: number,
  steps: readonly PolicyStep[],
): Uint8Array {
  let image = { pixels, size: imageSize, channels: pixels.length / imageSize ** 2 };
  for (const { operation, strength } of steps) {
    image = { ...image, pixels: OPERATIONS[operation](image, strength) };
  }
  return image.pixels;
}

/** As PyTorch rounds. */
function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  if (value - floor !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}
