/** @file Pretrained weights that `tessera weights get` knows by name. */
import type { KnownFile } from '../files/known-file.ts';
import {
  DEIT_PIXELS,
  type PixelFacts,
  SWAG_PIXELS,
  TRANSFORMERS_PIXELS,
  timmPixels,
  torchvisionPixels,
} from '../weights/library-pixels.ts';

/** One set of weights. */
export interface KnownWeights extends KnownFile {
  readonly description: string;
  readonly license: string;
  readonly name: string;
  /** How its library prepares images for it. */
  readonly pixels: PixelFacts;
}

const SWAG = 'CC-BY-NC 4.0 (SWAG)';

/** torchvision's file names carry the first eight digits of their sha256, which it checks at download. */
function torchvision(
  name: string,
  [stem, hex]: readonly [string, string],
  description: string,
  license = 'BSD-3-Clause code; trained on ImageNet-1k',
): KnownWeights {
  const file = `${stem}-${hex}.pth`;
  return {
    name,
    file,
    url: `https://download.pytorch.org/models/${file}`,
    digest: { algorithm: 'sha256', hex },
    description: `torchvision ${description}`,
    license,
    pixels:
      license === SWAG
        ? SWAG_PIXELS
        : torchvisionPixels(name === 'vit_l_16' ? 'L/16' : undefined, 224),
  };
}

/** DeiT's file names carry eight digits of the sha256 too; its own code has them checked (check_hash). */
function deit(name: string, hex: string, description: string): KnownWeights {
  const file = `${name}-${hex}.pth`;
  return {
    name,
    file,
    url: `https://dl.fbaipublicfiles.com/deit/${file}`,
    digest: { algorithm: 'sha256', hex },
    description: `DeiT ${description}, ImageNet-1k`,
    license: 'Apache-2.0',
    pixels: DEIT_PIXELS,
  };
}

/** Hugging Face publishes no checksum in the name: it is noted at the first download. */
function huggingFace(
  name: string,
  repository: string,
  description: string,
  pixels: PixelFacts,
): KnownWeights {
  return {
    name,
    file: `${name}.safetensors`,
    url: `https://huggingface.co/${repository}/resolve/main/model.safetensors`,
    description,
    license: 'Apache-2.0',
    pixels,
  };
}

/** Every name of `tessera weights get`. */
export const WEIGHTS: readonly KnownWeights[] = [
  huggingFace(
    'vit_tiny_patch16_224',
    'timm/vit_tiny_patch16_224.augreg_in21k_ft_in1k',
    'timm ViT-Ti/16, ImageNet-21k then ImageNet-1k',
    timmPixels(224),
  ),
  huggingFace(
    'vit_small_patch16_224',
    'timm/vit_small_patch16_224.augreg_in21k_ft_in1k',
    'timm ViT-S/16, ImageNet-21k then ImageNet-1k',
    timmPixels(224),
  ),
  huggingFace(
    'google_vit_base_patch16_224',
    'google/vit-base-patch16-224',
    'transformers ViT-B/16, ImageNet-21k then ImageNet-1k',
    TRANSFORMERS_PIXELS,
  ),
  torchvision('vit_b_16', ['vit_b_16', 'c867db91'], 'ViT-B/16, 224 px'),
  torchvision('vit_b_32', ['vit_b_32', 'd86f8d99'], 'ViT-B/32, 224 px'),
  torchvision('vit_l_16', ['vit_l_16', '852ce7e3'], 'ViT-L/16, 224 px'),
  torchvision('vit_l_32', ['vit_l_32', 'c7638314'], 'ViT-L/32, 224 px'),
  torchvision('vit_h_14', ['vit_h_14_lc_swag', 'c1eb923e'], 'ViT-H/14, SWAG, linear, 224 px', SWAG),
  torchvision('vit_b_16_swag', ['vit_b_16_swag', '9ac1b537'], 'ViT-B/16, SWAG, 384 px', SWAG),
  torchvision(
    'vit_b_16_swag_linear',
    ['vit_b_16_lc_swag', '4e70ced5'],
    'ViT-B/16, SWAG, linear, 224 px',
    SWAG,
  ),
  torchvision('vit_l_16_swag', ['vit_l_16_swag', '4f3808c9'], 'ViT-L/16, SWAG, 512 px', SWAG),
  torchvision(
    'vit_l_16_swag_linear',
    ['vit_l_16_lc_swag', '4d563306'],
    'ViT-L/16, SWAG, linear, 224 px',
    SWAG,
  ),
  torchvision('vit_h_14_swag', ['vit_h_14_swag', '80465313'], 'ViT-H/14, SWAG, 518 px', SWAG),
  deit('deit_tiny_patch16_224', 'a1311bcf', 'Ti/16'),
  deit('deit_small_patch16_224', 'cd65a155', 'S/16'),
  deit('deit_base_patch16_224', 'b5f2ef4d', 'B/16'),
];
