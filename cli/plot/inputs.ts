/** @file Images as a model sees them, for the pictures of what it does with them. */
import { createImagePipeline } from '../../shared/data/pipeline/pipeline.ts';
import { parameterTable, parameterViews } from '../../shared/model/parameters.ts';
import { findImages } from '../../tools/inference/image-files.ts';
import type { TrainedModel } from '../../tools/inference/open-model.ts';
import { imageOf, type RgbImage } from '../../tools/pictures/image.ts';
import { leftOutLines } from '../inputs/found-lines.ts';
import { say } from '../terminal/output.ts';

/** Images ready for a model. */
export interface ModelImages {
  /** Shapes  [B, C, S, S], normalised. */
  readonly values: Float32Array;
  /** The same, to be looked at. */
  readonly images: readonly RgbImage[];
  readonly names: readonly string[];
}

/** Loads images as a model wants them, at most so many. Throws  DATA_INVALID when one cannot be read. */
export async function loadImages(
  { model, config, notes }: TrainedModel,
  paths: readonly string[],
  most = Number.POSITIVE_INFINITY,
): Promise<ModelImages> {
  for (const note of notes) say(note);
  const found = await findImages(paths);
  for (const line of leftOutLines(found.inputs.length, found.leftOut)) say(line);
  const inputs = found.inputs.slice(0, most);
  const { imageSize, channels } = model;
  const imageFloats = channels * imageSize ** 2;
  const pipeline = createImagePipeline(config.data, { imageSize, seed: config.seed });
  const values = new Float32Array(inputs.length * imageFloats);
  const images: RgbImage[] = [];
  for (const [place, { name, read }] of inputs.entries()) {
    const target = values.subarray(place * imageFloats, (place + 1) * imageFloats);
    const sample = { index: 0, label: 0, name, raw: undefined, bytes: await read() };
    await pipeline.load(sample, undefined, target);
    images.push(imageOf(target, imageSize, config.data));
  }
  return { values, images, names: inputs.map(({ name }) => name) };
}

/** One parameter of a model. */
export function parameterOf({ model, parameters }: TrainedModel, name: string): Float32Array {
  return parameterViews(parameters, parameterTable(model)).get(name) ?? new Float32Array(0);
}
