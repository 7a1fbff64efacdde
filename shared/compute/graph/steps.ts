/** @file The graphs of a program: the training step, the forward pass alone, and the backbone's features. */
import * as tf from '../../model/tensorflow.ts';
import { inputsOf, parametersOf, stepInputs } from '../inputs.ts';
import type { ProgramSpec } from '../program.ts';
import { computePart, gradientName, type Part, trainableEntries } from '../step.ts';
import { record } from './backend.ts';
import type { Graph } from './graph.ts';
import { markBlocks, recomputeBlocks } from './recompute.ts';

/** The input that a gradient is added to, by the name of the gradient. */
export const sumName = (gradient: string) => `sum/${gradient}`;

/**
 * Records a part of a step, with the inputs of `inputs.ts` and the outputs of `computePart`. One that accumulates takes
 * what gradients are added to besides (`sumName`), and gives the sums in their place.
 */
export async function recordPart(
  spec: ProgramSpec,
  part: Part,
  { accumulates = false } = {},
): Promise<Graph> {
  const recomputes = part === 'training' && spec.recompute === 'blocks';
  const graph = await record(({ input, mark }) => {
    const parameters = parametersOf(spec, part).map(
      ({ name, shape }) => [name, input(name, shape)] as const,
    );
    const tensors = inputsOf(spec, part).map(
      ({ name, shape, type }) => [name, input(name, shape, type)] as const,
    );
    const inputs = stepInputs(spec, part, Object.fromEntries(parameters), new Map(tensors));
    const outputs = computePart(spec, part, {
      ...inputs,
      ...(recomputes && { atBlock: markBlocks(mark) }),
    });
    if (!accumulates || part !== 'training') return outputs;
    for (const entry of trainableEntries(spec)) {
      const name = gradientName(entry.name);
      const sum = input(sumName(name), entry.shape);
      outputs.set(name, tf.add(sum, outputs.get(name) as tf.Tensor));
    }
    return outputs;
  });
  return recomputes ? recomputeBlocks(graph) : graph;
}
