/** @file The numbers of training that a config leaves to Tessera: by what trains, and on how many images. Pure. */
import type { OptimizerConfig } from './options.ts';

/** What trains: a new head on a frozen backbone, pretrained weights, or a model from scratch. */
export type TrainingKind = 'head' | 'finetune' | 'scratch';

/** Images that all epochs see together; bounds of the number of epochs. */
const EPOCHS: Readonly<Record<TrainingKind, { total: number; min: number; max: number }>> = {
  head: { total: 20_000, min: 5, max: 20 },
  finetune: { total: 8_000, min: 3, max: 20 },
  scratch: { total: 100_000, min: 10, max: 100 },
};

/** Steps of an epoch that are wanted, and the largest batch. */
const BATCHES: Readonly<Record<TrainingKind, { steps: number; max: number }>> = {
  head: { steps: 5, max: 128 },
  finetune: { steps: 10, max: 48 },
  scratch: { steps: 20, max: 128 },
};

/** With fewer samples, a step follows single images. */
const BATCH_MIN = 8;
/** Leaves of a batch that are wanted, so that several workers have some each; and the largest leaf. */
const LEAVES = 8;
const LEAF_MAX = 16;

/** Passes over so many training images. */
export function fittingEpochs(kind: TrainingKind, samples: number): number {
  const { total, min, max } = EPOCHS[kind];
  return Math.min(max, Math.max(min, Math.round(total / samples)));
}

/** Samples of a step: alike in all steps of an epoch, as far as whole numbers allow. */
export function fittingBatch(kind: TrainingKind, samples: number): number {
  const { steps, max } = BATCHES[kind];
  const wanted = Math.min(max, Math.max(BATCH_MIN, Math.floor(samples / steps)));
  return Math.ceil(samples / Math.ceil(samples / wanted));
}

/**
 * Samples of a leaf, of a batch: some eight leaves, and few places of the last one empty. It does not depend on the
 * machine, since it is part of the numbers.
 */
export function fittingLeaf(batchSize: number, sizeMin = 1): number {
  const most = Math.max(sizeMin, Math.min(LEAF_MAX, Math.floor(batchSize / LEAVES)));
  const least = Math.max(sizeMin, Math.ceil(0.6 * most));
  let best = most;
  for (let size = most - 1; size >= least; size -= 1) {
    if (emptyPlaces(batchSize, size) < emptyPlaces(batchSize, best)) best = size;
  }
  return best;
}

function emptyPlaces(batchSize: number, size: number): number {
  return Math.ceil(batchSize / size) * size - batchSize;
}

/** The peak learning rate. Layers that learn more slowly the deeper they are allow a larger one. */
export function fittingRate(
  kind: TrainingKind,
  { name, layerDecay }: Pick<OptimizerConfig, 'name' | 'layerDecay'>,
): number {
  if (name === 'sgd') return { head: 0.1, finetune: 0.01, scratch: 0.05 }[kind];
  return { head: 1e-3, finetune: layerDecay < 1 ? 5e-4 : 1e-4, scratch: 1e-3 }[kind];
}
