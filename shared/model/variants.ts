/** @file The sizes of Vision Transformers by their public names. */
import { TesseraError } from '../core/errors.ts';

/** Width, depth and heads of an encoder. */
export interface EncoderSize {
  /** Width of a token, D. */
  readonly width: number;
  /** Encoder blocks, L. */
  readonly depth: number;
  readonly heads: number;
  /** Hidden width of the MLP. */
  readonly mlpWidth: number;
}

/** Everything that decides the shapes of a ViT's parameters. */
export interface ModelConfig extends EncoderSize {
  /** Side of a (square) input image in pixels. */
  readonly imageSize: number;
  readonly channels: number;
  /** Side of a (square) patch in pixels, P. */
  readonly patchSize: number;
  readonly numClasses: number;
  /** Added to the variance in layer norms; left out where it is `NORM_EPSILON`. */
  readonly normEpsilon?: number | undefined;
}

/** The usual one. Source  timm, torchvision and the paper's code use 1e-6; transformers' default is 1e-12. */
export const NORM_EPSILON = 1e-6;

/** The entry of a model's normEpsilon: none for the usual one, so that such models are what they were. */
export function epsilonOf(normEpsilon: number | undefined): Pick<ModelConfig, 'normEpsilon'> {
  return normEpsilon === undefined || normEpsilon === NORM_EPSILON ? {} : { normEpsilon };
}

/**
 * The public sizes. Source  Ti and S: DeiT (arXiv:2012.12877) table 1; B, L and H: the ViT paper
 * (arXiv:2010.11929) table 1.
 */
export const ENCODER_SIZES: Readonly<Record<string, EncoderSize>> = {
  Ti: { width: 192, depth: 12, heads: 3, mlpWidth: 768 },
  S: { width: 384, depth: 12, heads: 6, mlpWidth: 1536 },
  B: { width: 768, depth: 12, heads: 12, mlpWidth: 3072 },
  L: { width: 1024, depth: 24, heads: 16, mlpWidth: 4096 },
  H: { width: 1280, depth: 32, heads: 16, mlpWidth: 5120 },
};

/**
 * Reads a public name such as `B/16` (size / patch size).
 *
 * Throws  CONFIG_INVALID when the size is not one of the table's.
 */
export function parseVariant(name: string): EncoderSize & { readonly patchSize: number } {
  const match = /^([A-Za-z]+)\/(\d+)$/.exec(name);
  const size = match === null ? undefined : ENCODER_SIZES[match[1] as string];
  const patchSize = Number(match?.[2]);
  if (size === undefined || patchSize < 1) {
    throw new TesseraError('CONFIG_INVALID', `expected a ViT variant such as B/16, got "${name}"`, {
      hint: `sizes are ${Object.keys(ENCODER_SIZES).join(', ')}, followed by / and the patch size`,
    });
  }
  return { ...size, patchSize };
}

/** The parts of a model that its public name leaves open. */
export interface VariantOptions {
  /** Classes, O. */
  readonly classes: number;
  /** Side of an image in pixels (default: 224). */
  readonly imageSize?: number;
  /** 1 for grey images, 3 for RGB (default). */
  readonly channels?: number;
}

/**
 * The model of a public name, such as `B/16`.
 *
 * Throws  CONFIG_INVALID when there is no such size, or its patches do not divide an image.
 */
export function modelConfig(
  name: string,
  { classes, imageSize = 224, channels = 3 }: VariantOptions,
): ModelConfig {
  const size = parseVariant(name);
  if (imageSize % size.patchSize === 0)
    return { imageSize, channels, ...size, numClasses: classes };
  throw new TesseraError(
    'CONFIG_INVALID',
    `patches of ${size.patchSize} pixels do not divide an image of ${imageSize}`,
    { hint: 'choose an image size that is a multiple of the patch size' },
  );
}

/** Patches of an image, N = H * W / P^2; the encoder sees one token more, the class token. */
export function numPatches(model: ModelConfig): number {
  return (model.imageSize / model.patchSize) ** 2;
}
