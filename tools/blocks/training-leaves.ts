/** @file The leaves of a training batch, made in this thread: the samples that a worker gets, augmented and mixed as there. */
import type { RunConfig } from '../../shared/config/schema.ts';
import type { TesseraError } from '../../shared/core/errors.ts';
import { mixesImages } from '../../shared/data/options.ts';
import {
  assembleLeaf,
  type BadPlace,
  type ImageLeaf,
  mixLeaf,
} from '../../shared/data/pipeline/leaf.ts';
import type { ImagePipeline } from '../../shared/data/pipeline/pipeline.ts';
import { batchIndices } from '../../shared/data/sampler.ts';
import type { DataSource } from '../../shared/data/source.ts';

/** A leaf of a training batch; it has no padding. */
export interface TrainingLeaf extends ImageLeaf {
  /** Index of each sample in the training split. */
  readonly samples: Uint32Array;
  readonly bad: readonly BadPlace[];
  /** What is mixed in, where the config mixes images. */
  readonly mix: { readonly labels: Int32Array; readonly shares: Float32Array } | undefined;
}

/** What the leaves are made from. */
export interface LeafSources {
  readonly config: RunConfig;
  readonly source: DataSource;
  readonly pipeline: ImagePipeline;
  /** Whether an error is the image's own; the others are thrown. By default DATA_INVALID is. */
  readonly isBad?: (error: TesseraError) => boolean;
}

/**
 * The leaves of one batch, in order. Images that cannot be read count for nothing, and are mixed with none.
 *
 * Throws  the first error that is not of an image.
 */
export async function* trainingLeaves(
  { config, source, pipeline, isBad }: LeafSources,
  { epoch, batch }: { readonly epoch: number; readonly batch: number },
): AsyncGenerator<TrainingLeaf> {
  const { seed, data, training, model } = config;
  const { batchSize, microBatch } = training;
  const { imageSize } = model;
  const numSamples = source.size.train;
  const indices = batchIndices({ seed, epoch, batch, numSamples, batchSize });
  for (let first = 0; first < indices.length; first += microBatch) {
    const samples = indices.subarray(first, first + microBatch);
    const leaf = await assembleLeaf({
      ...{ pipeline, epoch, microBatch: samples.length, numSamples: samples.length },
      imageFloats: data.channels * imageSize ** 2,
      read: (place) => source.read('train', samples[place] as number),
      ...(isBad && { isBad }),
    });
    const mix = mixesImages(config)
      ? mixLeaf(leaf, data.augment, { seed, epoch, samples, imageSize })
      : undefined;
    yield { ...leaf, samples, mix };
  }
}
