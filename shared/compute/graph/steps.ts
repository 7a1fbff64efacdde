/** @file The graphs of a program: the training step, the forward pass alone, and the backbone's features. */
import { inputsOf, parametersOf, stepInputs } from '../inputs.ts';
import type { ProgramSpec } from '../program.ts';
import { computePart, type Part } from '../step.ts';
import { record } from './backend.ts';
import type { Graph } from './graph.ts';
import { markBlocks, recomputeBlocks } from './recompute.ts';

/** Records a part of a step, with the inputs of `inputs.ts` and the outputs of `computePart`. */
export async function recordPart(spec: ProgramSpec, part: Part): Promise<Graph> {
  const recomputes = part === 'training' && spec.recompute === 'blocks';
  const graph = await record(({ input, mark }) => {
    const parameters = parametersOf(spec, part).map(
      ({ name, shape }) => [name, input(name, shape)] as const,
    );
    const tensors = inputsOf(spec, part).map(
      ({ name, shape, type }) => [name, input(name, shape, type)] as const,
    );
    const inputs = stepInputs(spec, part, new Map(parameters), new Map(tensors));
    return computePart(spec, part, { ...inputs, ...(recomputes && { atBlock: markBlocks(mark) }) });
  });
  return recomputes ? recomputeBlocks(graph) : graph;
}
