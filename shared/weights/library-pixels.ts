/** @file How the libraries prepare images for a ViT whose files do not say it. */
import type { FactValues } from './facts.ts';

/** Everything that decides how an image becomes the model's input. */
export type PixelFacts = Pick<
  FactValues,
  'resize' | 'cropFraction' | 'interpolation' | 'mean' | 'deviation'
> & { readonly cropRounding?: FactValues['cropRounding'] | undefined };

/** Names of the pixel facts, as in `data` of a config. */
export const PIXEL_NAMES = [
  'resize',
  'cropFraction',
  'cropRounding',
  'interpolation',
  'mean',
  'deviation',
] as const;

const HALF = [0.5, 0.5, 0.5] as const;
/** Mean and deviation of ImageNet's colours. */
export const IMAGENET = { mean: [0.485, 0.456, 0.406], deviation: [0.229, 0.224, 0.225] } as const;

/** Image size -> crop fraction of timm's default configs: models of 384 pixels see the whole square. */
const timmFraction = (imageSize: number) => (imageSize === 384 ? 1 : 0.9);

/** timm's ViTs (AugReg). Source  timm 1.0 `_cfg` of vision_transformer.py. */
export function timmPixels(imageSize: number): PixelFacts {
  const cropFraction = timmFraction(imageSize);
  return { resize: 'crop', cropFraction, interpolation: 'bicubic', mean: HALF, deviation: HALF };
}

/** The evaluation of DeiT, DINO and MAE: 256 of 224 pixels. Source  their own data loading. */
export const DEIT_PIXELS: PixelFacts = {
  ...{ resize: 'crop', cropFraction: 224 / 256, interpolation: 'bicubic' },
  ...IMAGENET,
};

/** torchvision's first weights. Source  ViT_B_16_Weights.IMAGENET1K_V1.transforms(). */
const TORCHVISION_PIXELS: PixelFacts = { ...DEIT_PIXELS, interpolation: 'bilinear' };

/** torchvision's SWAG weights: the whole short side. Source  ViT_B_16_Weights.IMAGENET1K_SWAG_*.transforms(). */
export const SWAG_PIXELS: PixelFacts = { ...DEIT_PIXELS, cropFraction: 1 };

/** transformers' ViTImageProcessor as it is without a file. */
export const TRANSFORMERS_PIXELS: PixelFacts = {
  ...{ resize: 'stretch', cropFraction: 1, interpolation: 'bilinear', mean: HALF, deviation: HALF },
};

/** The short side of ViT-L/16's first weights in torchvision; the others have 256. */
const L16_RESIZED = 242;

/** torchvision's preset of a model, by its public name and image size. */
export function torchvisionPixels(variant: string | undefined, imageSize: number): PixelFacts {
  const name = `${variant}@${imageSize}`;
  if (/^(?:B\/16@384|L\/16@512|H\/14@(?:518|224))$/.test(name)) return SWAG_PIXELS;
  if (name !== 'L/16@224') return TORCHVISION_PIXELS;
  return { ...TORCHVISION_PIXELS, cropFraction: cropFractionOf(imageSize, L16_RESIZED) };
}

/** The crop fraction that makes an image's short side exactly `resized` before `imageSize` is cut out. */
export function cropFractionOf(imageSize: number, resized: number): number {
  const fraction = imageSize / resized;
  return Math.floor(imageSize / fraction) === resized ? fraction : imageSize / (resized + 0.5);
}
