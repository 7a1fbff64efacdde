/** @file The step that engines run: forward, loss, gradients, written once in TensorFlow.js. */
import { classify } from '../model/layers.ts';
import { correctCount, crossEntropySum, type Targets } from '../model/loss.ts';
import { dropoutName, maskSites, pathName } from '../model/masks.ts';
import { dropped } from '../model/ops.ts';
import { type ParameterEntry, parameterTable } from '../model/parameters.ts';
import * as tf from '../model/tensorflow.ts';
import type { ParameterTensors } from '../model/tensors.ts';
import { features, type Hooks, vit } from '../model/vit.ts';
import './gradients.ts';
import type { ProgramSpec } from './program.ts';

/** The tensors that a step is computed from. */
export interface StepInputs extends Targets {
  readonly parameters: ParameterTensors;
  /** One of the two: images, or what the frozen backbone made of them. */
  readonly images?: tf.Tensor4D;
  readonly features?: tf.Tensor2D;
  /** Masks of dropout and stochastic depth, by the names of `model/masks.ts`; none for an evaluation. */
  readonly masks?: ReadonlyMap<string, tf.Tensor>;
  /** Is called where a block begins. */
  readonly atBlock?: NonNullable<Hooks['block']>;
}

/** The parts of a step that run on their own. */
export type Part = 'training' | 'forward' | 'features';

/** A parameter's part of a gradient, under the name of the output that it comes from. */
export interface GradientView {
  readonly name: string;
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

/** The gradients that a training step gives, as views of the flat gradient of what trains, in table order. */
export function gradientViews(spec: ProgramSpec, gradient: Float32Array): GradientView[] {
  const { frozen = 0 } = spec;
  return trainableEntries(spec).map(({ name, shape, offset, size }) => {
    const values = gradient.subarray(offset - frozen, offset - frozen + size);
    return { name: gradientName(name), shape, values };
  });
}

/**
 * Computes a part of a step; returns its outputs by name.
 *
 * Outputs of `training`: loss, correct, and a gradient for every parameter that trains; of `forward`: loss, correct,
 * logits; of `features`, which the backbone makes of images without dropout: features. `correct` of `training` is kept:
 * no scope of TensorFlow.js frees it.
 */
export function computePart(
  spec: ProgramSpec,
  part: Part,
  inputs: StepInputs,
): Map<string, tf.Tensor> {
  if (part === 'training') return trainStep(spec, inputs);
  if (part === 'forward') return new Map(Object.entries(forwardStep(spec, inputs)));
  const { parameters, images } = inputs;
  return new Map([['features', features(images as tf.Tensor4D, parameters, spec.model)]]);
}

/** The parameters that a step has gradients of, in table order. */
export function trainableEntries({ model, frozen = 0 }: ProgramSpec): ParameterEntry[] {
  return parameterTable(model).entries.filter(({ offset }) => offset >= frozen);
}

/** The output that a parameter's gradient is. */
export function gradientName(parameter: string): string {
  return `gradient/${parameter}`;
}

/** Forward pass, loss and accuracy. */
function forwardStep(spec: ProgramSpec, inputs: StepInputs) {
  const logits =
    inputs.features === undefined
      ? vit(inputs.images as tf.Tensor4D, inputs.parameters, spec.model, hooksOf(spec, inputs))
      : classify(inputs.features, inputs.parameters);
  return {
    loss: crossEntropySum(logits, inputs, spec.labelSmoothing),
    correct: correctCount(logits, inputs, spec.weighsClasses),
    logits,
  };
}

/** Forward and backward pass: TensorFlow.js's own autodiff of the loss with respect to what trains. */
function trainStep(spec: ProgramSpec, inputs: StepInputs): Map<string, tf.Tensor> {
  const names = trainableEntries(spec).map(({ name }) => name);
  let correct: tf.Tensor | undefined;
  const loss = (...trained: tf.Tensor[]) => {
    const own = names.map((name, index) => [name, trained[index] as tf.Tensor] as const);
    const parameters = { ...inputs.parameters, ...Object.fromEntries(own) };
    const outputs = forwardStep(spec, { ...inputs, parameters });
    correct = tf.keep(outputs.correct);
    return outputs.loss as tf.Scalar;
  };
  const trained = names.map((name) => inputs.parameters[name] as tf.Tensor);
  const { value, grads } = tf.valueAndGrads(loss)(trained);
  const gradients = names.map((name, index) => [gradientName(name), grads[index]] as const);
  return new Map([['loss', value], ['correct', correct], ...gradients] as [string, tf.Tensor][]);
}

/** Shape of a leaf's images. */
export function imagesShape({ model, microBatch }: ProgramSpec): [number, number, number, number] {
  return [microBatch, model.channels, model.imageSize, model.imageSize];
}

/** Dropout and stochastic depth by the masks that are given, and what is to happen where blocks begin. */
export function hooksOf(
  spec: Pick<ProgramSpec, 'model' | 'dropout' | 'stochasticDepth'>,
  { masks, atBlock }: Pick<StepInputs, 'masks' | 'atBlock'>,
): Hooks {
  const block = atBlock && { block: atBlock };
  if (masks === undefined) return { ...block };
  const rates = new Map(maskSites(spec.model, spec).map(({ name, rate }) => [name, rate]));
  const masked = <T extends tf.Tensor>(x: T, name: string, shape: number[]): T => {
    const mask = masks.get(name);
    return mask === undefined ? x : dropped(x, tf.reshape(mask, shape), rates.get(name) as number);
  };
  return {
    ...block,
    ...((spec.dropout ?? 0) > 0 && {
      dropout: (x: tf.Tensor2D, place: string) => masked(x, dropoutName(place), x.shape),
    }),
    ...((spec.stochasticDepth ?? 0) > 0 && {
      path: (x: tf.Tensor3D, place: string) => masked(x, pathName(place), [x.shape[0], 1, 1]),
    }),
  };
}
