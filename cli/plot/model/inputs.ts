/** @file Images as a model sees them, for the pictures of what it does with them. */

import { imageAt } from '../../../shared/data/pipeline/drawing.ts';
import { assembleLeaf } from '../../../shared/data/pipeline/leaf.ts';
import { createImagePipeline } from '../../../shared/data/pipeline/pipeline.ts';
import { parameterTable, parameterViews } from '../../../shared/model/parameters.ts';
import { findImages } from '../../../tools/inference/image-files.ts';
import { type ImageInput, readSample } from '../../../tools/inference/predict.ts';
import type { TrainedModel } from '../../../tools/inference/read/read-model.ts';
import { imageOf, type RgbImage } from '../../../tools/pictures/image.ts';
import { leftOutLines } from '../../inputs/found-lines.ts';
import { sayNotes } from '../../inputs/model.ts';
import { say } from '../../terminal/output.ts';

/** Images ready for a model. */
export interface ModelImages {
  /** Shapes  [B, C, S, S], normalised. */
  readonly values: Float32Array;
  /** The same, to be looked at. */
  readonly images: readonly RgbImage[];
}

/** Loads images as a model wants them, at most so many. Throws  DATA_INVALID when one cannot be read. */
export async function loadImages(
  trained: TrainedModel,
  paths: readonly string[],
  most = Number.POSITIVE_INFINITY,
): Promise<ModelImages> {
  sayNotes(trained, 'pixels');
  const found = await findImages(paths);
  for (const line of leftOutLines(found.inputs.length, found.leftOut)) say(line);
  const inputs = found.inputs.slice(0, most);
  const { model, config } = trained;
  const { imageSize, channels } = model;
  const count = inputs.length;
  const { images: values } = await assembleLeaf({
    pipeline: createImagePipeline(config.data, { imageSize, seed: config.seed }),
    ...{ microBatch: count, numSamples: count, imageFloats: channels * imageSize ** 2 },
    read: (place) => readSample(inputs[place] as ImageInput),
    isBad: () => false,
  });
  const images = inputs.map((_, place) =>
    imageOf(imageAt(values, place, count), imageSize, config.data),
  );
  return { values, images };
}

/** One parameter of a model. */
export function parameterOf({ model, parameters }: TrainedModel, name: string): Float32Array {
  return parameterViews(parameters, parameterTable(model)).get(name) ?? new Float32Array(0);
}
