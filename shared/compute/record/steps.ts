/** @file The two graphs of a program: the training step, and the forward pass alone. */
import type * as tf from '@tensorflow/tfjs-core';
import { parameterTable } from '../../model/parameters.ts';
import type { ProgramSpec } from '../program.ts';
import { forwardStep, imagesShape, type StepInputs, trainStep } from '../step.ts';
import { type RecordInputs, record } from './backend.ts';
import type { Graph } from './graph.ts';
import { simplify } from './simplify.ts';

/** Name of the output that holds a parameter's gradient. */
export function gradientName(parameter: string): string {
  return `gradient/${parameter}`;
}

/** Records forward and backward. Outputs: loss, correct, and a gradient for every parameter. */
export async function recordTraining(spec: ProgramSpec): Promise<Graph> {
  const { entries } = parameterTable(spec.model);
  const graph = await record((inputs) => {
    const { loss, correct, gradients } = trainStep(spec, declare(spec, inputs));
    const named = entries.map(
      ({ name }, index) => [gradientName(name), gradients[index] as tf.Tensor] as const,
    );
    return new Map([['loss', loss], ['correct', correct], ...named]);
  });
  return simplify(graph);
}

/** Records the forward pass. Outputs: loss, correct, logits. */
export async function recordForward(spec: ProgramSpec): Promise<Graph> {
  const graph = await record((inputs) => {
    return new Map(Object.entries(forwardStep(spec, declare(spec, inputs))));
  });
  return simplify(graph);
}

function declare(spec: ProgramSpec, inputs: RecordInputs): StepInputs {
  const { entries } = parameterTable(spec.model);
  return {
    parameters: entries.map(({ name, shape }) => inputs.input(name, shape)),
    images: inputs.input('images', imagesShape(spec)) as tf.Tensor4D,
    labels: inputs.input('labels', [spec.microBatch], 'int32') as tf.Tensor1D,
    weights: inputs.input('weights', [spec.microBatch]) as tf.Tensor1D,
  };
}
