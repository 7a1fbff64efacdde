/** @file Looks inside a model: the attention probabilities of every block, computed by ONNX Runtime on the CPU. */
import { TesseraError } from '../../shared/core/errors.ts';
import { firstNonFinite } from '../../shared/core/floats.ts';
import { classify } from '../../shared/model/layers.ts';
import type * as tf from '../../shared/model/tensorflow.ts';
import type { ModelConfig } from '../../shared/model/variants.ts';
import type { AttentionMap } from './attention-maps.ts';
import { lookInside } from './look-inside.ts';
import type { TrainedModel } from './read/read-model.ts';

/** What a model attends to in some images, and what it takes them for. */
export interface Attention {
  /** How much each token attends to each other. Shapes  one [B, H, T, T] flat for each block. */
  readonly maps: Float32Array[];
  /** Shapes  [B, O]. */
  readonly logits: Float32Array;
}

/**
 * Computes the attention of images by block and head, and their logits.
 *
 * Shapes  images [B, C, S, S] flat, normalised.
 * Throws  NON_FINITE when the model computes NaN.
 */
export async function attentionMaps(
  model: ModelConfig,
  parameters: Float32Array,
  images: Float32Array,
): Promise<Attention> {
  const outputs = await lookInside({ model, parameters }, images, (run, tensors) => {
    const maps = new Map<string, tf.Tensor>();
    const seen = run({
      attention: (probabilities, block) => maps.set(mapName(block), probabilities),
    });
    return maps.set('logits', classify(seen, tensors));
  });
  const maps = Array.from(
    { length: model.depth },
    (_, block) => outputs.get(mapName(block)) as Float32Array,
  );
  const block = maps.findIndex((map) => firstNonFinite(map) >= 0);
  if (block < 0) return { maps, logits: outputs.get('logits') as Float32Array };
  throw new TesseraError('NON_FINITE', `the attention of block ${block} is not finite`, {
    hint: 'the values of these weights are too large to compute with: use an earlier checkpoint',
  });
}

/** The attention of one image, and its logits. */
export interface ImageAttention {
  readonly maps: readonly AttentionMap[];
  readonly logits: Float32Array;
}

/**
 * The attention of each image, one image at a time: the maps of a large model are large.
 *
 * Shapes  images [B, C, S, S] flat -> for each image the maps of its blocks, each of one image, and its logits.
 */
export async function* attentionByImage(
  { model, parameters }: Pick<TrainedModel, 'model' | 'parameters'>,
  images: Float32Array,
): AsyncGenerator<ImageAttention> {
  const { heads, imageSize, patchSize, channels } = model;
  const imageFloats = channels * imageSize ** 2;
  for (let first = 0; first < images.length; first += imageFloats) {
    const image = images.slice(first, first + imageFloats);
    const { maps, logits } = await attentionMaps(model, parameters, image);
    const side = imageSize / patchSize;
    yield { maps: maps.map((values) => ({ values, heads, side })), logits };
  }
}

function mapName(block: number): string {
  return `attention/${block}`;
}
