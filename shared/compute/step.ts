/** @file The step that engines run: forward, loss, gradients, written once in TensorFlow.js. */
import * as tf from '@tensorflow/tfjs-core';
// For its side effect: tfjs-core's build for Node leaves the gradients of its kernels out, and this
// package registers them; the other that does, @tensorflow/tfjs, takes three times as long to load.
import '@tensorflow/tfjs-layers';
import { correctCount, crossEntropySum, type Targets } from '../model/loss.ts';
import { dropoutName, maskSites, pathName } from '../model/masks.ts';
import { dropped } from '../model/ops.ts';
import { type ParameterEntry, parameterTable } from '../model/parameters.ts';
import { classify, features, type Hooks, vit } from '../model/vit.ts';
import type { ProgramSpec } from './program.ts';

/** Tensors by name; parameters have timm's names, masks those of `model/masks.ts`. */
type NamedTensors = ReadonlyMap<string, tf.Tensor>;

/** The tensors that a step is computed from. */
export interface StepInputs extends Targets {
  readonly parameters: NamedTensors;
  /** One of the two: images, or what the frozen backbone made of them. */
  readonly images?: tf.Tensor4D;
  readonly features?: tf.Tensor2D;
  /** Masks of dropout and stochastic depth; none for an evaluation. */
  readonly masks?: NamedTensors;
}

/** The tensors that a forward pass gives. */
export interface ForwardOutputs {
  readonly loss: tf.Tensor;
  readonly correct: tf.Tensor;
  readonly logits: tf.Tensor;
}

/** The tensors that a training step gives; the gradients are those of `trainableEntries`, in that order. */
export interface TrainOutputs {
  readonly loss: tf.Tensor;
  readonly correct: tf.Tensor;
  readonly gradients: readonly tf.Tensor[];
}

/** The parameters that a step has gradients of, in table order. */
export function trainableEntries({ model, frozen = 0 }: ProgramSpec): ParameterEntry[] {
  return parameterTable(model).entries.filter(({ offset }) => offset >= frozen);
}

/** Forward pass, loss and accuracy. */
export function forwardStep(spec: ProgramSpec, inputs: StepInputs): ForwardOutputs {
  const logits =
    inputs.features === undefined
      ? vit(spec.model, inputs.parameters, inputs.images as tf.Tensor4D, hooksOf(spec, inputs))
      : classify(inputs.parameters, inputs.features);
  return {
    loss: crossEntropySum(logits, inputs, spec.labelSmoothing),
    correct: correctCount(logits, inputs),
    logits,
  };
}

/** What the backbone makes of images, without dropout. */
export function featuresStep(
  spec: ProgramSpec,
  inputs: Required<Pick<StepInputs, 'parameters' | 'images'>>,
): tf.Tensor2D {
  return features(spec.model, inputs.parameters, inputs.images);
}

/** Forward and backward pass: TensorFlow.js's own autodiff of the loss with respect to what trains. */
export function trainStep(spec: ProgramSpec, inputs: StepInputs): TrainOutputs {
  const names = trainableEntries(spec).map(({ name }) => name);
  let correct: tf.Tensor | undefined;
  const loss = (...trained: tf.Tensor[]) => {
    const parameters = new Map(inputs.parameters);
    for (const [index, name] of names.entries()) parameters.set(name, trained[index] as tf.Tensor);
    const outputs = forwardStep(spec, { ...inputs, parameters });
    correct = tf.keep(outputs.correct);
    return outputs.loss as tf.Scalar;
  };
  const trained = names.map((name) => inputs.parameters.get(name) as tf.Tensor);
  const { value, grads } = tf.valueAndGrads(loss)(trained);
  return { loss: value, correct: correct as unknown as tf.Tensor, gradients: grads };
}

/** Shape of a leaf's images. */
export function imagesShape({ model, microBatch }: ProgramSpec): [number, number, number, number] {
  return [microBatch, model.channels, model.imageSize, model.imageSize];
}

/** Dropout and stochastic depth by the masks that are given. */
function hooksOf(spec: ProgramSpec, { masks }: StepInputs): Hooks {
  if (masks === undefined) return {};
  const rates = new Map(maskSites(spec.model, spec).map(({ name, rate }) => [name, rate]));
  const masked = <T extends tf.Tensor>(x: T, name: string, shape: number[]): T => {
    const mask = masks.get(name);
    return mask === undefined ? x : dropped(x, tf.reshape(mask, shape), rates.get(name) as number);
  };
  return {
    ...((spec.dropout ?? 0) > 0 && {
      dropout: (x: tf.Tensor2D, place: string) => masked(x, dropoutName(place), x.shape),
    }),
    ...((spec.stochasticDepth ?? 0) > 0 && {
      path: (x: tf.Tensor3D, place: string) => masked(x, pathName(place), [x.shape[0], 1, 1]),
    }),
  };
}
