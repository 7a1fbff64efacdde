/** @file A leaf from images: samples decoded side by side into one buffer, and mixed where training asks for it. */
import { mapAtMost } from '../../core/concurrency.ts';
import { TesseraError } from '../../core/errors.ts';
import type { DataConfig } from '../options.ts';
import type { EncodedSample } from '../source.ts';
import { type MixingPlace, mixImages, planMixing } from './mixing.ts';
import { IMAGES_AT_ONCE, type ImagePipeline, imageAt, type StoredPixels } from './pipeline.ts';

/** Images as a program takes them. Shapes  images [B, C, S, S] flat; labels, weights [B]. */
export interface ImageLeaf<P extends StoredPixels = Float32Array<ArrayBuffer>> {
  readonly images: P;
  readonly labels: Int32Array;
  /** 1 for a sample that counts, 0 for padding or an image that cannot be read. */
  readonly weights: Float32Array;
}

/** A place of a leaf whose image cannot be read. */
export interface BadPlace {
  readonly place: number;
  readonly error: TesseraError;
}

/** What a leaf is assembled from. */
export interface LeafOptions<P extends StoredPixels = Float32Array<ArrayBuffer>> {
  readonly pipeline: ImagePipeline<P>;
  /** Places of the leaf; those behind the samples are padding. */
  readonly microBatch: number;
  /** Values of one image. */
  readonly imageFloats: number;
  readonly numSamples: number;
  /** The epoch of training images, which are augmented; undefined for all others. */
  readonly epoch?: number | undefined;
  /** The sample of a place; undefined where none is needed. */
  read(place: number): Promise<EncodedSample | undefined>;
  /** Takes what else is wanted of a sample whose image is in its place. */
  loaded?(sample: EncodedSample, place: number): Promise<void>;
  /** Whether an error is the image's own; the others are thrown. By default DATA_INVALID is. */
  isBad?(error: TesseraError): boolean;
}

/**
 * Decodes the samples of a leaf, some at a time, each into its place of one buffer. What cannot be read has weight 0 and is
 * black, as the padding is.
 *
 * Throws  the first error that is not of an image.
 */
export async function assembleLeaf<P extends StoredPixels>(
  options: LeafOptions<P>,
): Promise<ImageLeaf<P> & { readonly bad: readonly BadPlace[] }> {
  const { pipeline, microBatch, imageFloats, numSamples, epoch, isBad = isInvalid } = options;
  const images = pipeline.allocate(microBatch * imageFloats);
  const labels = new Int32Array(microBatch);
  const weights = new Float32Array(microBatch);
  const bad: BadPlace[] = [];
  const places = Array.from({ length: numSamples }, (_, place) => place);
  await mapAtMost(IMAGES_AT_ONCE, places, async (place) => {
    const target = imageAt(images, place, microBatch);
    try {
      const sample = await options.read(place);
      if (sample === undefined) return;
      labels[place] = sample.label;
      await pipeline.load(sample, epoch, target);
      await options.loaded?.(sample, place);
      weights[place] = 1;
    } catch (thrown) {
      const error = TesseraError.from(thrown);
      if (!isBad(error)) throw thrown;
      target.fill(0);
      bad.push({ place, error });
    }
  });
  bad.sort((one, other) => one.place - other.place);
  return { images, labels, weights, bad };
}

function isInvalid({ code }: TesseraError): boolean {
  return code === 'DATA_INVALID';
}

/**
 * Mixes the images of a leaf in place, by mixup and CutMix.
 *
 * Shapes  the result has, for each place, the label of the image that is mixed in, and the share of the own one.
 */
export function mixLeaf(
  leaf: ImageLeaf<StoredPixels>,
  augment: DataConfig['augment'],
  place: MixingPlace,
): { readonly labels: Int32Array; readonly shares: Float32Array } {
  const plan = planMixing(augment, place);
  const shares = mixImages(leaf, plan, place.imageSize);
  const labels = leaf.labels.map((label, at) => leaf.labels[plan[at]?.partner ?? at] ?? label);
  return { labels, shares };
}
