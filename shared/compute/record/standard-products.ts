/**
 * @file Products of stacks of matrices in standard ONNX, for providers that do not know ONNX Runtime's own.
 *
 * What a provider does not know runs on the CPU, and every operand is copied from the GPU and every result back to it:
 * on an H200 these copies took nine tenths of a step of ViT-Ti/16.
 */
import type { Constant, Graph, GraphNode } from './graph.ts';

/** Each FusedMatMul as transpositions, a MatMul, and a multiplication by its scale. */
export function standardProducts(graph: Graph): Graph {
  const scales = new Map<number, Constant>();
  const nodes = graph.nodes.flatMap((node) => {
    return node.op === 'FusedMatMul' ? standardProduct(node, graph.shapes, scales) : [node];
  });
  return { ...graph, nodes, constants: [...graph.constants, ...scales.values()] };
}

function standardProduct(
  { inputs, outputs, attributes }: GraphNode,
  shapes: Graph['shapes'],
  scales: Map<number, Constant>,
): GraphNode[] {
  const [output] = outputs as [string];
  const nodes: GraphNode[] = [];
  const add = (op: string, from: readonly string[], to: string, more = {}): string => {
    nodes.push({ op, domain: '', inputs: from, outputs: [to], attributes: more });
    return to;
  };
  const [a, b] = inputs.map((name, side) => {
    if (attributes[side === 0 ? 'transA' : 'transB'] !== 1) return name;
    const axes = (shapes.get(name) as readonly number[]).map((_, axis) => axis);
    const perm = [...axes.slice(0, -2), ...axes.slice(-2).reverse()];
    return add('Transpose', [name], `${output}/${side}`, { perm });
  }) as [string, string];
  const { float: scale } = attributes['alpha'] as { readonly float: number };
  if (scale === 1) {
    add('MatMul', [a, b], output);
    return nodes;
  }
  const data = Float32Array.of(scale);
  const constant = scales.get(scale) ?? {
    name: `scale/${scale}`,
    shape: [],
    type: 'float32',
    data,
  };
  scales.set(scale, constant);
  add('Mul', [add('MatMul', [a, b], `${output}/product`), constant.name], output);
  return nodes;
}
