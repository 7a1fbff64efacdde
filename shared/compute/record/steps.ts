/** @file The graphs of a program: the training step, the forward pass alone, and the backbone's features. */
import type * as tf from '@tensorflow/tfjs-core';
import { inputsOf, type Part, parametersOf, stepInputs } from '../inputs.ts';
import type { ProgramSpec } from '../program.ts';
import {
  featuresStep,
  forwardStep,
  type StepInputs,
  trainableEntries,
  trainStep,
} from '../step.ts';
import { type RecordInputs, record } from './backend.ts';
import type { Graph } from './graph.ts';
import { simplify } from './simplify.ts';

/** Name of the output that holds a parameter's gradient. */
export function gradientName(parameter: string): string {
  return `gradient/${parameter}`;
}

/** Records forward and backward. Outputs: loss, correct, and a gradient for every parameter that trains. */
export async function recordTraining(spec: ProgramSpec): Promise<Graph> {
  return await recordPart(spec, 'training', (inputs) => {
    const { loss, correct, gradients } = trainStep(spec, inputs);
    const named = trainableEntries(spec).map(
      ({ name }, index) => [gradientName(name), gradients[index] as tf.Tensor] as const,
    );
    return [['loss', loss], ['correct', correct], ...named];
  });
}

/** Records the forward pass. Outputs: loss, correct, logits. */
export async function recordForward(spec: ProgramSpec): Promise<Graph> {
  return await recordPart(spec, 'forward', (inputs) => Object.entries(forwardStep(spec, inputs)));
}

/** Records the backbone. Output: features. */
export async function recordFeatures(spec: ProgramSpec): Promise<Graph> {
  return await recordPart(spec, 'features', ({ parameters, images }) => [
    ['features', featuresStep(spec, { parameters, images: images as tf.Tensor4D })],
  ]);
}

async function recordPart(
  spec: ProgramSpec,
  part: Part,
  build: (inputs: StepInputs) => readonly (readonly [string, tf.Tensor])[],
): Promise<Graph> {
  const graph = await record((inputs) => new Map(build(declare(spec, part, inputs))));
  return simplify(graph);
}

function declare(spec: ProgramSpec, part: Part, inputs: RecordInputs): StepInputs {
  const parameters = parametersOf(spec, part).map(
    ({ name, shape }) => [name, inputs.input(name, shape)] as const,
  );
  const tensors = inputsOf(spec, part).map(
    ({ name, shape, type }) => [name, inputs.input(name, shape, type)] as const,
  );
  return stepInputs(spec, part, new Map(parameters), new Map(tensors));
}
