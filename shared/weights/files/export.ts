/** @file Parameters in another library's names, with that library's config files. */

import { type ModelConfig, NORM_EPSILON } from '../../model/variants.ts';
import type { NamedTensor } from '../formats/safetensors.ts';
import { bytesOf, type FloatDtype } from '../formats/tensor-values.ts';
import type { PixelFacts } from '../library-pixels.ts';
import { canonicalSpelling, type Naming } from '../names/names.ts';
import type { WeightTensor } from '../names/rename.ts';

/** What is written, and how. */
export interface ExportOptions {
  /** By timm's names. */
  readonly tensors: ReadonlyMap<string, Pick<WeightTensor, 'shape' | 'values'>>;
  readonly naming: Naming;
  readonly depth: number;
  readonly dtype: FloatDtype;
}

/** Tensors in a library's names; q, k and v are split if the library does so. */
export function exportTensors({ tensors, naming, depth, dtype }: ExportOptions): NamedTensor[] {
  return [...canonicalSpelling(naming, depth)].flatMap(([ours, { theirs }]) => {
    const tensor = tensors.get(ours);
    if (tensor === undefined) return [];
    const [rows = 0, ...rest] = tensor.shape;
    const values = tensor.values.length / theirs.length;
    return theirs.map((name, part) => ({
      name: naming === 'huggingface' ? huggingFaceName(name) : name,
      dtype,
      shape: [rows / theirs.length, ...rest],
      bytes: bytesOf(tensor.values.subarray(part * values, (part + 1) * values), dtype, name),
    }));
  });
}

/** A classifier has its encoder under `vit`. */
function huggingFaceName(name: string): string {
  return name.startsWith('classifier.') ? name : `vit.${name}`;
}

/** The config files of a Hugging Face folder. */
export interface HuggingFaceOptions {
  readonly model: ModelConfig;
  readonly dtype: FloatDtype;
  readonly classes: readonly string[] | undefined;
}

const TORCH_DTYPES: Readonly<Record<FloatDtype, string>> = {
  F32: 'float32',
  F16: 'float16',
  BF16: 'bfloat16',
};

/** config.json of a ViTForImageClassification. The epsilon is ours (and timm's), not transformers' default. */
export function huggingFaceConfig({ model, dtype, classes }: HuggingFaceOptions): object {
  const labels = classes ?? Array.from({ length: model.numClasses }, (_, id) => `LABEL_${id}`);
  return {
    architectures: ['ViTForImageClassification'],
    model_type: 'vit',
    hidden_size: model.width,
    num_hidden_layers: model.depth,
    num_attention_heads: model.heads,
    intermediate_size: model.mlpWidth,
    hidden_act: 'gelu',
    hidden_dropout_prob: 0,
    attention_probs_dropout_prob: 0,
    layer_norm_eps: model.normEpsilon ?? NORM_EPSILON,
    image_size: model.imageSize,
    patch_size: model.patchSize,
    num_channels: model.channels,
    qkv_bias: true,
    id2label: Object.fromEntries(labels.map((label, id) => [id, label])),
    label2id: Object.fromEntries(labels.map((label, id) => [label, id])),
    torch_dtype: TORCH_DTYPES[dtype],
  };
}

/** PIL's numbers of the filters. */
const RESAMPLE = { lanczos: 1, bilinear: 2, bicubic: 3 } as const;

/**
 * preprocessor_config.json: of a ViTImageProcessor where images are stretched to the square, a DeiTImageProcessor where
 * a centre is cut out of the stretched image, a BitImageProcessor where the proportions stay.
 */
export function huggingFacePixels(imageSize: number, pixels: PixelFacts): object {
  const { resize, cropFraction, cropRounding, interpolation, mean, deviation } = pixels;
  const square = { height: imageSize, width: imageSize };
  const resized = Math.floor(imageSize / cropFraction);
  const steps = {
    stretch: { image_processor_type: 'ViTImageProcessor', size: square },
    squash: {
      image_processor_type: 'DeiTImageProcessor',
      size: { height: resized, width: resized },
      ...{ do_center_crop: true, crop_size: square },
    },
    crop: {
      image_processor_type: 'BitImageProcessor',
      size: { shortest_edge: resized },
      ...{ do_center_crop: true, crop_size: square },
    },
  }[resize];
  return {
    ...{ ...steps, do_resize: true, resample: RESAMPLE[interpolation] },
    // transformers keeps what it does not know; its own crops are rounded down.
    ...(resize !== 'stretch' && { crop_rounding: cropRounding ?? 'even' }),
    ...{ do_rescale: true, rescale_factor: 1 / 255, do_normalize: true },
    ...{ image_mean: mean, image_std: deviation },
  };
}
