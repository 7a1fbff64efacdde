/**
 * @file Which samples make up a batch and a leaf: a pure function of the seed and the place.
 *
 * There is no state between batches, so a resumed run needs no replay (P3), and an epoch is a
 * permutation, so no sample is repeated or skipped (P4), whichever worker computes which part.
 */
import { assert } from '../core/errors.ts';
import { permutation } from './permutation.ts';

/** The place of a batch in a run. */
export interface BatchPlace {
  readonly seed: number;
  readonly epoch: number;
  /** Number of the batch in its epoch. */
  readonly batch: number;
  /** Samples of the training split. */
  readonly numSamples: number;
  readonly batchSize: number;
}

/**
 * Samples of one batch in the order of its leaves; the last batch of an epoch may be short.
 *
 * Throws  INTERNAL when the epoch has no such batch.
 */
export function batchIndices(place: BatchPlace): Uint32Array {
  const { seed, epoch, batch, numSamples, batchSize } = place;
  assert(
    Number.isInteger(batch) && batch >= 0 && batch < numBatches(numSamples, batchSize),
    `batch ${batch} of an epoch with ${numBatches(numSamples, batchSize)}`,
  );
  const first = batch * batchSize;
  const sampleAt = permutation({ size: numSamples, seed, stream: 'shuffle', counter: epoch });
  const indices = new Uint32Array(Math.min(batchSize, numSamples - first));
  for (let i = 0; i < indices.length; i += 1) indices[i] = sampleAt(first + i);
  return indices;
}

/** All samples in their own order: an evaluation is one big batch. */
export function sequentialIndices(numSamples: number): Uint32Array {
  const indices = new Uint32Array(numSamples);
  for (let index = 0; index < numSamples; index += 1) indices[index] = index;
  return indices;
}

/** Batches of one epoch. */
export function numBatches(numSamples: number, batchSize: number): number {
  return Math.ceil(numSamples / batchSize);
}

/** Leaves of a batch; the last one may be short, and is padded with samples of weight 0. */
export function numLeaves(batchLength: number, microBatch: number): number {
  return Math.ceil(batchLength / microBatch);
}

/** Samples of one leaf, as a view into its batch. */
export function leafIndices(indices: Uint32Array, leaf: number, microBatch: number): Uint32Array {
  return indices.subarray(leaf * microBatch, (leaf + 1) * microBatch);
}
