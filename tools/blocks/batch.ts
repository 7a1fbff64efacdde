/** @file The batch of one step as tensors, from its leaves. */
import { tf } from '../../shared/compute/engines/tfjs-here.ts';
import { hooksOf } from '../../shared/compute/step.ts';
import { programSpec } from '../../shared/config/program.ts';
import type { RunConfig } from '../../shared/config/schema.ts';
import { drawMask, maskSites } from '../../shared/model/masks.ts';
import type { ModelConfig } from '../../shared/model/variants.ts';
import type { Hooks } from '../../shared/model/vit.ts';
import { weighClasses } from '../../shared/training/class-weights.ts';
import type { TrainingLeaf } from './training-leaves.ts';

/** The batch of one step. Its tensors are freed when the next one is asked for. */
export interface Batch {
  /** Counted from 1, as in the metrics of a run. */
  readonly step: number;
  /** Counted from 1. */
  readonly epoch: number;
  /** Augmented and normalised. Shapes  [B, C, S, S]; the last batch of an epoch may be short. */
  readonly images: tf.Tensor4D;
  /** Shapes  [B], int32. */
  readonly labels: tf.Tensor1D;
  /** 1 or the weight of its class; 0 for an image that cannot be read. Shapes  [B]. */
  readonly weights: tf.Tensor1D;
  /** Of mixed images: the label of the other image, and the share of the own one. Shapes  [B]. */
  readonly mix: { readonly labels: tf.Tensor1D; readonly shares: tf.Tensor1D } | undefined;
  /** Dropout and stochastic depth of these samples, for `vit`; empty where the config has none. */
  readonly hooks: Hooks;
}

/** A batch, and what frees it. */
export interface OwnedBatch {
  readonly batch: Batch;
  dispose(): void;
}

/** Puts the leaves of a batch together; `place` counts from 1. */
export function batchOf(
  leaves: readonly TrainingLeaf[],
  { config, model }: { readonly config: RunConfig; readonly model: ModelConfig },
  place: { readonly step: number; readonly epoch: number },
): OwnedBatch {
  const { classWeights } = config.training;
  if (classWeights !== 'none') {
    for (const leaf of leaves) weighClasses(leaf, leaf.mix, classWeights);
  }
  const { imageSize: S, channels: C } = model;
  const samples = leaves.flatMap((leaf) => [...leaf.samples]);
  const mixes = leaves.flatMap(({ mix }) => (mix === undefined ? [] : [mix]));
  const { masks, ...tensors } = tf.tidy(() => ({
    images: tf.concat(
      leaves.map(({ images, labels }) => tf.tensor4d(images, [labels.length, C, S, S])),
    ),
    labels: tf.concat(leaves.map(({ labels }) => tf.tensor1d(labels, 'int32'))),
    weights: tf.concat(leaves.map(({ weights }) => tf.tensor1d(weights))),
    ...(mixes.length > 0 && {
      mix: {
        labels: tf.concat(mixes.map(({ labels }) => tf.tensor1d(labels, 'int32'))),
        shares: tf.concat(mixes.map(({ shares }) => tf.tensor1d(shares))),
      },
    }),
    masks: drawnMasks(config, model, { epoch: place.epoch - 1, samples }),
  }));
  const hooks = hooksOf(programSpec(config, model), { masks: new Map(Object.entries(masks)) });
  return {
    batch: { ...place, mix: undefined, ...tensors, hooks },
    dispose: () => tf.dispose([tensors, masks]),
  };
}

/** The masks of a batch by name. */
function drawnMasks(
  config: RunConfig,
  model: ModelConfig,
  { epoch, samples }: { readonly epoch: number; readonly samples: readonly number[] },
): Record<string, tf.Tensor> {
  const key = { seed: config.seed, epoch, samples };
  const masks = maskSites(model, programSpec(config, model)).map((site, index) => {
    const mask = drawMask(site, index, key, samples.length);
    return [site.name, tf.tensor(mask, [samples.length, site.size], 'bool')] as const;
  });
  return Object.fromEntries(masks);
}
