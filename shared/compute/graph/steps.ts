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
import { record } from './backend.ts';
import type { Graph } from './graph.ts';

/** Name of the output that holds a parameter's gradient. */
export function gradientName(parameter: string): string {
  return `gradient/${parameter}`;
}

/**
 * Records a part of a step.
 *
 * Outputs of `training`: loss, correct, and a gradient for every parameter that trains; of `forward`: loss, correct,
 * logits; of `features`: features.
 */
export function recordPart(spec: ProgramSpec, part: Part): Promise<Graph> {
  return record(({ input }) => {
    const parameters = parametersOf(spec, part).map(
      ({ name, shape }) => [name, input(name, shape)] as const,
    );
    const tensors = inputsOf(spec, part).map(
      ({ name, shape, type }) => [name, input(name, shape, type)] as const,
    );
    return new Map(
      outputsOf(spec, part, stepInputs(spec, part, new Map(parameters), new Map(tensors))),
    );
  });
}

function outputsOf(
  spec: ProgramSpec,
  part: Part,
  inputs: StepInputs,
): readonly (readonly [string, tf.Tensor])[] {
  if (part === 'forward') return Object.entries(forwardStep(spec, inputs));
  if (part === 'features') {
    const { parameters, images } = inputs;
    return [['features', featuresStep(spec, { parameters, images: images as tf.Tensor4D })]];
  }
  const { loss, correct, gradients } = trainStep(spec, inputs);
  const named = trainableEntries(spec).map(
    ({ name }, index) => [gradientName(name), gradients[index] as tf.Tensor] as const,
  );
  return [['loss', loss], ['correct', correct], ...named];
}
