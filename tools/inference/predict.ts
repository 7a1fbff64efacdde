/** @file What images show, by a trained model: the likeliest classes of each, or its features. */
import { TesseraError } from '../../shared/core/errors.ts';
import { firstNonFinite } from '../../shared/core/floats.ts';
import { someOf } from '../../shared/core/text.ts';
import type { EncodedSample } from '../../shared/data/source.ts';
import type { TrainedModel } from './read/read-model.ts';
import { computeRows, type LeafFunction } from './rows.ts';

/** An image to be read. */
export interface ImageInput {
  /** Its path, or another name for messages. */
  readonly name: string;
  /** Of raw pixels, their size; undefined for the bytes of an image file. */
  readonly raw?: EncodedSample['raw'];
  /** Throws  DATA_INVALID when it cannot be read. */
  read(): Promise<Uint8Array>;
}

/** What a model computed for one image, or why there is nothing: DATA_INVALID, or NON_FINITE. */
export type ImageResult = { readonly image: string; readonly place: number } & (
  | { readonly values: Float32Array; readonly error?: undefined }
  | { readonly error: TesseraError; readonly values?: undefined }
);

/** The sample of an image; it has no label. Throws  DATA_INVALID. */
export async function readSample({ name, raw, read }: ImageInput): Promise<EncodedSample> {
  return { index: 0, label: 0, name, raw, bytes: await read() };
}

/**
 * Computes the logits or the features of images, in their order.
 *
 * Throws  SYSTEM: the machine's own faults are not an image's.
 */
export async function* computeImages(
  trained: TrainedModel,
  compute: LeafFunction,
  inputs: readonly ImageInput[],
  loaded?: (sample: EncodedSample, place: number) => Promise<void>,
): AsyncGenerator<ImageResult> {
  const inputAt = (place: number) => inputs[place] as ImageInput;
  const rows = computeRows(trained, {
    numSamples: inputs.length,
    compute,
    read: (place) => readSample(inputAt(place)),
    ...(loaded && { loaded }),
    isBad: ({ code }) => code !== 'SYSTEM',
  });
  for await (const row of rows) {
    const { place } = row;
    const image = inputAt(place).name;
    if (row.error !== undefined) yield { image, place, error: row.error };
    else if (firstNonFinite(row.values) < 0) yield { image, place, values: row.values };
    else {
      const error = notFiniteError(trained.modelPath, [image], 'it has no class');
      yield { image, place, error };
    }
  }
}

/** The error for a model whose outputs are not numbers: NaN is not a class. */
export function notFiniteError(
  modelPath: string,
  images: readonly string[],
  consequence: string,
): TesseraError {
  const of = images.length === 1 ? '1 image' : `${images.length} images`;
  return new TesseraError(
    'NON_FINITE',
    `the outputs of ${modelPath} for ${of} are not finite, so ${consequence}: ${someOf(images)}`,
    { hint: 'its values are too large to compute with: use an earlier checkpoint' },
  );
}
