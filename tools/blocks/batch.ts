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
  const made: tf.Tensor[] = [];
  const owned = <T extends tf.Tensor>(tensor: tf.Tensor): T => {
    made.push(tensor);
    return tensor as T;
  };
  const floats = (of: (leaf: TrainingLeaf) => Float32Array) =>
    Float32Array.from(leaves.flatMap((leaf) => [...of(leaf)]));
  const integers = (of: (leaf: TrainingLeaf) => Int32Array) =>
    owned<tf.Tensor1D>(
      tf.tensor1d(Int32Array.from(leaves.flatMap((leaf) => [...of(leaf)])), 'int32'),
    );
  const { imageSize, channels } = model;
  const samples = leaves.flatMap((leaf) => [...leaf.samples]);
  const masks = new Map(
    [...drawnMasks(config, model, { epoch: place.epoch - 1, samples })].map(
      ([name, mask]) => [name, owned(mask)] as const,
    ),
  );
  const isMixed = leaves.every(({ mix }) => mix !== undefined);
  const batch = {
    ...place,
    images: owned<tf.Tensor4D>(
      tf.tensor4d(
        floats(({ images }) => images),
        [samples.length, channels, imageSize, imageSize],
      ),
    ),
    labels: integers(({ labels }) => labels),
    weights: owned<tf.Tensor1D>(tf.tensor1d(floats(({ weights }) => weights))),
    mix: isMixed
      ? {
          labels: integers(({ mix }) => mix?.labels ?? new Int32Array()),
          shares: owned<tf.Tensor1D>(
            tf.tensor1d(floats(({ mix }) => mix?.shares ?? new Float32Array())),
          ),
        }
      : undefined,
    hooks: hooksOf(programSpec(config, model), { masks }),
  };
  return { batch, dispose: () => tf.dispose(made) };
}

/** The masks of a batch by name. */
function* drawnMasks(
  config: RunConfig,
  model: ModelConfig,
  { epoch, samples }: { readonly epoch: number; readonly samples: readonly number[] },
): Generator<readonly [name: string, mask: tf.Tensor]> {
  const spec = programSpec(config, model);
  for (const [index, site] of maskSites(model, spec).entries()) {
    const mask = drawMask(site, index, { seed: config.seed, epoch, samples }, samples.length);
    yield [site.name, tf.tensor(mask, [samples.length, site.size], 'bool')];
  }
}
