/** @file Runs a model over any number of images, a leaf at a time: memory does not grow with their number. */
import { mapAhead } from '../../shared/core/concurrency.ts';
import type { TesseraError } from '../../shared/core/errors.ts';
import { imageAt } from '../../shared/data/pipeline/drawing.ts';
import {
  type BadPlace,
  finishedLeaf,
  type ImageLeaf,
  type LeafOptions,
} from '../../shared/data/pipeline/leaf.ts';
import { IMAGES_AT_ONCE } from '../../shared/data/pipeline/pipeline.ts';
import { createPooledPipeline } from '../../shared/data/pipeline/threads/pooled-pipeline.ts';
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

/**
 * Computes the rows of images, in their order, while the images of the next leaf are made: by threads where there are so many
 * that these are worth it.
 *
 * Throws  what is not the fault of an image.
 */
export async function* computeRows(
  { model, config }: Pick<TrainedModel, 'model' | 'config'>,
  { numSamples, compute, read, loaded, isBad }: RowsOptions,
): AsyncGenerator<Row> {
  const { imageSize, channels } = model;
  const { microBatch } = config.training;
  const { decoders } = config.worker;
  const threads = decoders === 'auto' || numSamples <= IMAGES_AT_ONCE ? 0 : decoders;
  // Nothing is decoded twice, and names of images in memory may come again: so nothing is kept.
  const data = { ...config.data, cacheBytes: 0 };
  const pipeline = createPooledPipeline(data, { imageSize, seed: config.seed }, { threads });
  const firsts = Array.from(
    { length: Math.ceil(numSamples / microBatch) },
    (_, leaf) => leaf * microBatch,
  );
  const leaves = mapAhead(1, firsts, async (first): Promise<MadeLeaf> => {
    const count = Math.min(microBatch, numSamples - first);
    // The program has one shape: places without an image stay black.
    const leaf = await finishedLeaf(
      {
        ...{ pipeline, microBatch, numSamples: count, imageFloats: channels * imageSize ** 2 },
        read: (place) => read(first + place),
        ...(loaded && { loaded: (sample, place) => loaded(sample, first + place) }),
        ...(isBad && { isBad }),
      },
      { mixtures: undefined, imageSize, isHalved: false },
    );
    return { ...leaf, first, count, images: leaf.images as Float32Array<ArrayBuffer> };
  });
  try {
    for await (const leaf of leaves) yield* rowsOf(leaf, await compute(leaf.images), microBatch);
  } finally {
    await pipeline.close?.();
  }
}

/** The images of a leaf, and where they are among all. */
interface MadeLeaf extends ImageLeaf<Float32Array<ArrayBuffer>> {
  readonly first: number;
  readonly count: number;
  readonly bad: readonly BadPlace[];
}

/** The rows of a leaf. */
function* rowsOf(
  { first, count, images, labels, bad }: MadeLeaf,
  values: Float32Array,
  microBatch: number,
): Generator<Row> {
  const errors = new Map(bad.map(({ place, error }) => [place, error]));
  for (let place = 0; place < count; place += 1) {
    const error = errors.get(place);
    if (error !== undefined) yield { place: first + place, error };
    else {
      yield {
        place: first + place,
        label: labels[place] as number,
        pixels: imageAt(images, place, microBatch),
        values: imageAt(values, place, microBatch),
      };
    }
  }
}
