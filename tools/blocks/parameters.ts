/** @file Parameters of a model as tensors by timm's names: fresh ones, those of a trained model, and as variables. */
import { tf } from '../../shared/compute/engines/tfjs-here.ts';
import { initialParameters as initialValues } from '../../shared/model/init.ts';
import { parameterTable } from '../../shared/model/parameters.ts';
import { namedTensors, type ParameterTensors } from '../../shared/model/tensors.ts';
import type { ModelConfig } from '../../shared/model/variants.ts';
import { findModel } from '../inference/read/find-model.ts';
import { type ReadOptions, readModel } from '../inference/read/read-model.ts';

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
  const { model, classes, parameters } = await readModel(path, options);
  return { model, classes, parameters: namedTensors(parameters, parameterTable(model)) };
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
