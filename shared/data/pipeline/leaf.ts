/** @file A leaf from images: samples decoded side by side into one buffer, and mixed where training asks for it. */
import { mapAtMost } from '../../core/concurrency.ts';
import { TesseraError } from '../../core/errors.ts';
import type { DataConfig } from '../options.ts';
import type { EncodedSample } from '../source.ts';
import { imageAt, type StoredPixels } from './drawing.ts';
import { type FinishedImages, type Finishing, finishLeaf } from './finishing.ts';
import { type MixingPlace, type Mixture, mixImages, planMixing } from './mixing.ts';
import { IMAGES_AT_ONCE, type ImagePipeline } from './pipeline.ts';

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

/** A leaf, its images mixed and rounded as they go to the device. */
export interface FinishedLeaf extends ImageLeaf<StoredPixels>, FinishedImages {
  readonly images: StoredPixels;
  readonly bad: readonly BadPlace[];
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
  const { imagesAtOnce = IMAGES_AT_ONCE } = pipeline;
  const images = pipeline.allocate(microBatch * imageFloats);
  const labels = new Int32Array(microBatch);
  const weights = new Float32Array(microBatch);
  const bad: BadPlace[] = [];
  const places = Array.from({ length: numSamples }, (_, place) => place);
  await mapAtMost(imagesAtOnce, places, async (place) => {
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

/** Assembles a leaf, and finishes it where its images are made. Throws  as `assembleLeaf`. */
export async function finishedLeaf<P extends StoredPixels>(
  options: LeafOptions<P>,
  finishing: Finishing,
): Promise<FinishedLeaf> {
  const { images, ...leaf } = await assembleLeaf(options);
  const { pipeline } = options;
  const finished = pipeline.finish
    ? await pipeline.finish(images, leaf.weights, finishing)
    : finishLeaf(images, leaf.weights, finishing);
  return { ...leaf, ...finished };
}

/** The label of the image that is mixed into each. */
export function mixedLabels(labels: Int32Array, mixtures: readonly Mixture[]): Int32Array {
  return labels.map((label, at) => labels[mixtures[at]?.partner ?? at] ?? label);
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
  return { labels: mixedLabels(leaf.labels, plan), shares };
}
