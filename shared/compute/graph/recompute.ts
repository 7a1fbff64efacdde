/**
 * @file Activation checkpointing: of a block's forward pass only its input is kept for the backward pass, which
 * computes the rest again.
 *
 * A rewrite of a recorded training step. Copies of a block's forward nodes begin behind a `barrier`, which a compiler
 * neither moves them across nor joins with the first ones; the gradient that comes back to the block goes through it
 * too, so that they begin late. Each copy is the operation that it is a copy of, on the same values. ONNX Runtime gives
 * the same bits. XLA fuses operations by what is around them, and then may add up in another order: on its CPU a gradient
 * had the same bits for Ti/16, and differed by 4e-8 of its norm for a model of width 32.
 *
 * Source  Chen et al. 2016 (arXiv:1604.06174), with a block of the encoder for a segment.
 */
import * as tf from '../../model/tensorflow.ts';
import { type Graph, type GraphNode, graphNode, type Value } from './graph.ts';

const beginningName = (block: number) => `blocks.${block}`;
const gradientName = (block: number) => `gradient/blocks.${block}`;

/** A hook that marks what each block begins with, and the gradient that comes back to it. */
export function markBlocks(mark: (name: string, tensor: tf.Tensor) => void) {
  return (z_RD: tf.Tensor2D, block: number): tf.Tensor2D => {
    mark(beginningName(block), z_RD);
    const marked = tf.customGrad((z) => ({
      value: tf.clone(z as tf.Tensor),
      gradFunc: (dz: tf.Tensor) => {
        mark(gradientName(block), dz);
        return dz;
      },
    }));
    return marked(z_RD) as tf.Tensor2D;
  };
}

/**
 * Has the backward pass compute each block's forward pass again, but the last one's, whose values are needed at once.
 *
 * A block without a gradient, below all that trains, stays as it is.
 */
export function recomputeBlocks(graph: Graph): Graph {
  const { marks = new Map<string, Value>() } = graph;
  let rewritten = graph;
  for (let block = 0; marks.has(beginningName(block + 1)); block += 1) {
    const begin = marks.get(beginningName(block)) as Value;
    const end = marks.get(beginningName(block + 1)) as Value;
    const gradient = marks.get(gradientName(block + 1));
    if (gradient !== undefined) rewritten = recompute(rewritten, { begin, end, gradient });
  }
  return rewritten;
}

/** What a block begins and ends with, and the gradient with respect to its end. */
interface Segment {
  readonly begin: Value;
  readonly end: Value;
  readonly gradient: Value;
}

function recompute(graph: Graph, { begin, end, gradient }: Segment): Graph {
  const { nodes } = graph;
  const forward = new Set(nodesBetween(nodes, begin, end));
  const isInside = (node: GraphNode) => forward.has(node);
  const outside = nodes.filter((node) => !isInside(node));
  const read = new Set(outside.flatMap(({ inputs }) => inputs));
  read.delete(end);
  const copied = neededFor(nodes.filter(isInside), read);
  if (copied.length === 0) return graph;

  const held = heldBack(copied, begin);
  const kept = [...held, gradient];
  const barrier = graphNode('barrier', kept, kept, {});
  const behind = new Map(kept.map((value, index) => [value, barrier.outputs[index] as Value]));
  const copies = copied.map((node): GraphNode => {
    const inputs = node.inputs.map((value) => behind.get(value) ?? value);
    const copy = {
      ...node,
      inputs,
      outputs: node.outputs.map(({ shape, type }) => ({ shape, type })),
    };
    for (const [index, value] of node.outputs.entries()) {
      behind.set(value, copy.outputs[index] as Value);
    }
    return copy as GraphNode;
  });

  const from = 1 + nodes.findIndex(({ outputs }) => outputs.includes(gradient));
  const backward = nodes.slice(from).map((node): GraphNode => {
    const inputs = node.inputs.map((value) => behind.get(value) ?? value);
    return { ...node, inputs };
  });
  return { ...graph, nodes: [...nodes.slice(0, from), barrier, ...copies, ...backward] };
}

/** The nodes that `end` is computed by from `begin`, in order. */
function nodesBetween(nodes: readonly GraphNode[], begin: Value, end: Value): GraphNode[] {
  return neededFor(nodes, new Set([end]), begin);
}

/** The nodes that some values are computed by, in order; what `stop` is computed by is not followed. */
function neededFor(
  nodes: readonly GraphNode[],
  values: ReadonlySet<Value>,
  stop?: Value,
): GraphNode[] {
  const needed = new Set(values);
  const found: GraphNode[] = [];
  for (const node of nodes.toReversed()) {
    if (!node.outputs.some((value) => value !== stop && needed.has(value))) continue;
    for (const value of node.inputs) needed.add(value);
    found.push(node);
  }
  return found.reverse();
}

/**
 * What the copies must take from behind the barrier: the block's beginning, and the inputs of nodes that do not depend
 * on it, such as masks. A compiler would otherwise find these copies to be the first ones, and keep their values.
 */
function heldBack(copied: readonly GraphNode[], begin: Value): Value[] {
  const made = new Set(copied.flatMap(({ outputs }) => outputs));
  const dependent = new Set([begin]);
  const held = new Set([begin]);
  for (const { inputs, outputs } of copied) {
    if (inputs.some((value) => dependent.has(value))) {
      for (const value of outputs) dependent.add(value);
      continue;
    }
    for (const value of inputs) if (!made.has(value) && !('data' in value)) held.add(value);
  }
  return [...held];
}
