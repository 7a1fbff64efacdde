/** @file Parameters of a model as tensors by timm's names: fresh ones, those of a trained model, and as variables. */
import { tf } from '../../shared/compute/engines/tfjs-here.ts';
import { assembleLeaf } from '../../shared/data/pipeline/leaf.ts';
import { createImagePipeline } from '../../shared/data/pipeline/pipeline.ts';
import { initialParameters as initialValues } from '../../shared/model/init.ts';
import { parameterTable } from '../../shared/model/parameters.ts';
import { namedTensors, type ParameterTensors } from '../../shared/model/tensors.ts';
import type { ModelConfig } from '../../shared/model/variants.ts';
import { type Image, imageInputs } from '../inference/images.ts';
import { type ImageInput, readSample } from '../inference/predict.ts';
import { findModel } from '../inference/read/find-model.ts';
import { type ReadOptions, readModel, type TrainedModel } from '../inference/read/read-model.ts';

/**
 * What a model starts from: the values that a run of the same seed begins with, to the bit.
 *
 * `positionDeviation` is the standard deviation of the position embeddings, `model.positionDeviation` of a config. The
 * head begins with zeros, so a fresh model takes all classes for equally likely.
 *
 * Source  the paper's own code (vit_jax).
 */
export function initialParameters(
  model: ModelConfig,
  {
    seed,
    positionDeviation = 0.02,
  }: { readonly seed: number; readonly positionDeviation?: number },
): ParameterTensors {
  return namedTensors(initialValues(model, seed, positionDeviation), parameterTable(model));
}

/** A trained model's shape, classes and parameters. */
export interface LoadedParameters {
  readonly model: ModelConfig;
  readonly classes: readonly string[];
  readonly parameters: ParameterTensors;
  /**
   * Images as the model wants them: resized, cropped and normalised as it was trained.
   *
   * Shapes  returns [B, C, S, S].
   * Throws  TesseraError: DATA_INVALID for the first image that cannot be read.
   */
  images(images: Image | readonly Image[]): Promise<tf.Tensor4D>;
}

/**
 * The parameters of a trained model: all that `openModel` takes.
 *
 * Throws  TesseraError as `openModel` does.
 */
export async function loadParameters(
  pathOrWeights: string,
  options: ReadOptions = {},
): Promise<LoadedParameters> {
  const { path } = await findModel(pathOrWeights);
  const trained = await readModel(path, options);
  const { model, classes, parameters } = trained;
  return {
    ...{ model, classes, parameters: namedTensors(parameters, parameterTable(model)) },
    images: (images) => preparedImages(trained, imageInputs(images)),
  };
}

async function preparedImages(
  { model: { imageSize, channels }, config }: TrainedModel,
  inputs: readonly ImageInput[],
): Promise<tf.Tensor4D> {
  const { images } = await assembleLeaf({
    pipeline: createImagePipeline(config.data, { imageSize, seed: config.seed }),
    ...{ microBatch: inputs.length, numSamples: inputs.length },
    imageFloats: channels * imageSize ** 2,
    read: (place) => readSample(inputs[place] as ImageInput),
    isBad: () => false,
  });
  return tf.tensor4d(images, [inputs.length, channels, imageSize, imageSize]);
}

/**
 * Parameters as variables of TensorFlow.js under the same names, which `tf.variableGrads` gives to their gradients.
 *
 * TensorFlow.js has each name once: dispose the variables of one model before those of the next are made.
 */
export function variables(parameters: ParameterTensors): ParameterTensors<tf.Variable> {
  return Object.fromEntries(
    Object.entries(parameters).map(([name, values]) => [name, tf.variable(values, true, name)]),
  );
}
