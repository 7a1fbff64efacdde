/** @file The operations of a training step, forward and backward, with what each costs; also as an ONNX file. */
import {
  costOf,
  costsByKind,
  type KindCost,
  type NodeCost,
} from '../../shared/compute/graph/costs.ts';
import type { Graph, GraphNode, Value } from '../../shared/compute/graph/graph.ts';
import { simplify } from '../../shared/compute/graph/simplify.ts';
import { recordPart } from '../../shared/compute/graph/steps.ts';
import { lowerToOnnx } from '../../shared/compute/lower/onnx.ts';
import { encodeOnnx } from '../../shared/compute/lower/onnx-model.ts';
import { passOf } from '../../shared/compute/passes.ts';
import type { ProgramSpec } from '../../shared/compute/program.ts';

/** A tensor of the step: an input by its name, a constant, or `17.0` for the first output of operation 17. */
interface StepValue extends Pick<Value, 'shape' | 'type'> {
  readonly name: string;
}

/** One operation, in order. */
interface StepNode extends NodeCost {
  readonly index: number;
  readonly op: GraphNode['op'];
  readonly params: object;
  readonly inputs: readonly StepValue[];
  readonly outputs: readonly StepValue[];
}

/** A training step of a leaf. */
export interface StepGraph {
  /** Samples of the leaf. */
  readonly microBatch: number;
  /** Samples that an engine of the CPU computes at a time. */
  readonly passOnCpu: number;
  readonly kinds: readonly KindCost[];
  readonly nodes: readonly StepNode[];
}

/** Records the training step of a leaf. The second result writes it as an ONNX model, weights as inputs, for viewers. */
export async function stepGraph(spec: ProgramSpec): Promise<[StepGraph, () => Uint8Array]> {
  const graph = simplify(await recordPart(spec, 'training'));
  const { microBatch } = spec;
  const nodes = nodesOf(graph);
  const kinds = costsByKind(graph);
  const described = { microBatch, passOnCpu: passOf(spec).microBatch, kinds, nodes };
  return [described, () => encodeOnnx(lowerToOnnx(graph))];
}

function nodesOf({ inputs, outputs, nodes }: Graph): StepNode[] {
  const names = new Map([...inputs].map(([name, value]) => [value, name]));
  for (const [index, node] of nodes.entries()) {
    for (const [at, value] of node.outputs.entries()) names.set(value, `${index}.${at}`);
  }
  // What the step gives has its name.
  for (const [name, value] of outputs) names.set(value, name);
  const described = (value: Value): StepValue => {
    const { shape, type } = value;
    return { name: names.get(value) ?? 'constant', shape, type };
  };
  return nodes.map((node, index) => ({
    ...{ index, op: node.op, params: node.params, ...costOf(node) },
    inputs: node.inputs.map(described),
    outputs: node.outputs.map(described),
  }));
}
