/** @file The step that engines run: forward, loss, gradients, written once in TensorFlow.js. */
import * as tf from '@tensorflow/tfjs-core';
// For its side effect: tfjs-core's build for Node leaves the gradients of its kernels out, and this
// package registers them; the other that does, @tensorflow/tfjs, takes three times as long to load.
import '@tensorflow/tfjs-layers';
import { correctCount, crossEntropySum, type Targets } from '../model/loss.ts';
import { type ParameterTable, parameterTable } from '../model/parameters.ts';
import { vit } from '../model/vit.ts';
import type { ProgramSpec } from './program.ts';

/** The tensors that a step is computed from. `parameters` are in table order. */
export interface StepInputs extends Targets {
  readonly parameters: readonly tf.Tensor[];
  readonly images: tf.Tensor4D;
}

/** The tensors that a forward pass gives. */
export interface ForwardOutputs {
  readonly loss: tf.Tensor;
  readonly correct: tf.Tensor;
  readonly logits: tf.Tensor;
}

/** The tensors that a training step gives; the gradients are in table order. */
export interface TrainOutputs {
  readonly loss: tf.Tensor;
  readonly correct: tf.Tensor;
  readonly gradients: readonly tf.Tensor[];
}

/** Forward pass, loss and accuracy. */
export function forwardStep(spec: ProgramSpec, inputs: StepInputs): ForwardOutputs {
  const logits = vit(
    spec.model,
    byName(parameterTable(spec.model), inputs.parameters),
    inputs.images,
  );
  return {
    loss: crossEntropySum(logits, inputs, spec.labelSmoothing),
    correct: correctCount(logits, inputs),
    logits,
  };
}

/** Forward and backward pass: TensorFlow.js's own autodiff of the loss with respect to every parameter. */
export function trainStep(spec: ProgramSpec, inputs: StepInputs): TrainOutputs {
  let correct: tf.Tensor | undefined;
  const loss = (...parameters: tf.Tensor[]) => {
    const outputs = forwardStep(spec, { ...inputs, parameters });
    correct = tf.keep(outputs.correct);
    return outputs.loss as tf.Scalar;
  };
  const { value, grads } = tf.valueAndGrads(loss)([...inputs.parameters]);
  return { loss: value, correct: correct as unknown as tf.Tensor, gradients: grads };
}

/** Shape of a leaf's images. */
export function imagesShape({ model, microBatch }: ProgramSpec): [number, number, number, number] {
  return [microBatch, model.channels, model.imageSize, model.imageSize];
}

function byName(table: ParameterTable, tensors: readonly tf.Tensor[]): Map<string, tf.Tensor> {
  return new Map(table.entries.map(({ name }, index) => [name, tensors[index] as tf.Tensor]));
}
