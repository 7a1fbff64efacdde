/** @file Runs a model over any number of images, a leaf at a time: memory does not grow with their number. */
import type { TesseraError } from '../../shared/core/errors.ts';
import { imageAt } from '../../shared/data/pipeline/drawing.ts';
import { assembleLeaf, type LeafOptions } from '../../shared/data/pipeline/leaf.ts';
import { createImagePipeline } from '../../shared/data/pipeline/pipeline.ts';
import type { TrainedModel } from './read/read-model.ts';

/** Computes one leaf. Shapes  images [B, C, S, S] -> [B, N]. */
export type LeafFunction = (images: Float32Array) => Promise<Float32Array>;

/** What the images are. */
export interface RowsOptions extends Pick<LeafOptions, 'numSamples' | 'read' | 'loaded' | 'isBad'> {
  readonly compute: LeafFunction;
}

/** What a model made of one image, or why the image cannot be read. */
export type Row =
  | {
      readonly place: number;
      readonly label: number;
      /** Its pixels as the model saw them, and what was computed: views that the next leaf does not change. */
      readonly pixels: Float32Array;
      readonly values: Float32Array;
      readonly error?: undefined;
    }
  | { readonly place: number; readonly error: TesseraError };

/** Computes the rows of images, in their order. Throws  what is not the fault of an image. */
export async function* computeRows(
  { model, config }: Pick<TrainedModel, 'model' | 'config'>,
  { numSamples, compute, read, loaded, isBad }: RowsOptions,
): AsyncGenerator<Row> {
  const { imageSize, channels } = model;
  const { microBatch } = config.training;
  // Nothing is decoded twice, and names of images in memory may come again: so nothing is kept.
  const data = { ...config.data, cacheBytes: 0 };
  const pipeline = createImagePipeline(data, { imageSize, seed: config.seed });
  for (let first = 0; first < numSamples; first += microBatch) {
    const count = Math.min(microBatch, numSamples - first);
    // The program has one shape: places without an image stay black.
    const leaf = await assembleLeaf({
      ...{ pipeline, microBatch, numSamples: count, imageFloats: channels * imageSize ** 2 },
      read: (place) => read(first + place),
      ...(loaded && { loaded: (sample, place) => loaded(sample, first + place) }),
      ...(isBad && { isBad }),
    });
    const errors = new Map(leaf.bad.map(({ place, error }) => [place, error]));
    const values = await compute(leaf.images);
    for (let place = 0; place < count; place += 1) {
      const error = errors.get(place);
      if (error !== undefined) yield { place: first + place, error };
      else {
        yield {
          place: first + place,
          label: leaf.labels[place] as number,
          pixels: imageAt(leaf.images, place, microBatch),
          values: imageAt(values, place, microBatch),
        };
      }
    }
  }
}
