/**
 * @file What each operation of a recorded graph costs: numbers computed, bytes read and written. Pure.
 *
 * An addition, a multiplication, a comparison and a function such as exp count as one operation each, so a product of
 * matrices has two for each of its terms. Bytes are those of inputs and outputs, as if each were read or written once;
 * an engine that fuses operations, or computes a product in blocks, moves other numbers.
 */
import type { Graph, GraphNode, Op, Value, ValueType } from './graph.ts';

/** What one operation takes. */
export interface NodeCost {
  readonly operations: number;
  /** Units  bytes. */
  readonly bytes: number;
}

/** All operations of one kind together. */
export interface KindCost extends NodeCost {
  readonly op: Op;
  readonly nodes: number;
}

const TYPE_BYTES: Readonly<Record<ValueType, number>> = {
  float32: 4,
  int32: 4,
  float16: 2,
  uint8: 1,
  bool: 1,
};

/** Those that only move values, or look at them in another shape. */
const MOVES: ReadonlySet<Op> = new Set<Op>([
  ...(['barrier', 'cast', 'concat', 'oneHot', 'pad', 'reshape'] as const),
  ...(['slice', 'split', 'transpose'] as const),
]);
/** Operations of each element: the largest, difference, exp, sum, quotient; sum, difference, square, sum, three of the map. */
const PER_ELEMENT = { softmax: 5, layerNorm: 7 } as const;

/** Costs of one operation. */
export function costOf(node: GraphNode): NodeCost {
  // The same values in another shape: nothing moves.
  const moved = node.op === 'reshape' ? [] : [...node.inputs, ...node.outputs];
  return {
    operations: operationsOf(node),
    bytes: moved.reduce((sum, value) => sum + sizeOf(value) * TYPE_BYTES[value.type], 0),
  };
}

/** Costs by kind of operation, the one of most operations first. */
export function costsByKind({ nodes }: Pick<Graph, 'nodes'>): KindCost[] {
  const kinds = new Map<Op, KindCost>();
  for (const node of nodes) {
    const { op } = node;
    const { operations, bytes } = costOf(node);
    const sum = kinds.get(op) ?? { op, nodes: 0, operations: 0, bytes: 0 };
    kinds.set(op, {
      op,
      nodes: sum.nodes + 1,
      operations: sum.operations + operations,
      bytes: sum.bytes + bytes,
    });
  }
  return [...kinds.values()].sort((a, b) => b.operations - a.operations || b.bytes - a.bytes);
}

function operationsOf(node: GraphNode): number {
  const { op, inputs, outputs } = node;
  const [input] = inputs as [Value];
  const size = sizeOf(outputs[0] as Value);
  if (MOVES.has(op)) return 0;
  if (op === 'matMul') {
    const terms = input.shape.at(node.params.transposeA ? -2 : -1) as number;
    return 2 * size * terms + (inputs.length > 2 ? size : 0);
  }
  if (op === 'reduceSum' || op === 'reduceMax' || op === 'argMax') return sizeOf(input);
  if (op === 'softmax' || op === 'layerNorm') return PER_ELEMENT[op] * size;
  return size;
}

function sizeOf({ shape }: Value): number {
  return shape.reduce((product, side) => product * side, 1);
}
