/** @file From a recorded graph to standard ONNX: for GPUs' providers, and for other programs. */
import type { Graph, GraphNode, Op, Value } from '../graph/graph.ts';
import { OnnxBuilder, type OnnxGraph, type OnnxNode } from './onnx-graph.ts';
import { ONNX_TYPES } from './onnx-model.ts';

/** Writes one operation as ONNX nodes. */
type Lowering<O extends Op = Op> = (node: GraphNode<O>, to: OnnxBuilder) => void;
/** How each operation is written. */
export type Lowerings = { readonly [O in Op]: Lowering<O> };

/** An ONNX operator of the same inputs and outputs. */
function operator(op: string, attributes: OnnxNode['attributes'] = {}): Lowering {
  return ({ inputs, outputs }, to) => to.node(op, inputs, outputs, attributes);
}

const flag = (isOn: boolean) => (isOn ? 1 : 0);

/** Writes a product of two matrices as one Gemm, scales and bias included. */
export const lowerGemm: Lowering<'matMul'> = ({ inputs, outputs, params }, to) =>
  to.node('Gemm', inputs, outputs, {
    transA: flag(params.transposeA),
    transB: flag(params.transposeB),
    alpha: { float: params.scale },
    beta: { float: params.biasScale },
  });

/**
 * Products of stacks as transpositions, a MatMul, and a multiplication by the scale.
 *
 * ONNX Runtime's own operator does all in one, but the WebGPU provider does not have it: what a provider lacks runs on
 * the CPU, and every operand is copied from the GPU and every result back. On an H200 these copies took nine tenths of a
 * step of ViT-Ti/16.
 */
const matMul: Lowering<'matMul'> = (node, to) => {
  const { inputs, outputs, params } = node;
  const [product] = outputs as [Value];
  if (product.shape.length === 2) return lowerGemm(node, to);
  const transposed = ([value, isTransposed]: readonly [Value, boolean]) => {
    if (!isTransposed) return value;
    const axes = value.shape.map((_, axis) => axis);
    const name = to.name();
    to.node('Transpose', [value], [name], {
      perm: [...axes.slice(0, -2), ...axes.slice(-2).reverse()],
    });
    return name;
  };
  const [a, b] = inputs as [Value, Value];
  const operands = [[a, params.transposeA] as const, [b, params.transposeB] as const].map(
    transposed,
  );
  if (params.scale === 1) return to.node('MatMul', operands, outputs);
  const unscaled = to.name();
  to.node('MatMul', operands, [unscaled]);
  to.node('Mul', [unscaled, to.constant(Float32Array.of(params.scale), [], 'float32')], outputs);
};

/** A sum over the rows of a matrix is a product with ones: unlike the reduction, it uses every thread. */
const reduceSum: Lowering<'reduceSum'> = ({ inputs, outputs, params }, to) => {
  const [{ shape, type }] = inputs as [Value];
  const { axes, keepDims } = params;
  if (shape.length === 2 && String(axes) === '0' && !keepDims && type === 'float32') {
    const [rows, columns] = shape as [number, number];
    const ones = to.constant(new Float32Array(rows).fill(1), [1, rows], 'float32');
    const sum = to.name();
    const one = { float: 1 };
    to.node('Gemm', [ones, ...inputs], [sum], { transA: 0, transB: 0, alpha: one, beta: one });
    return to.node('Reshape', [sum, to.integers([columns])], outputs);
  }
  to.node('ReduceSum', [...inputs, to.integers(axes)], outputs, { keepdims: flag(keepDims) });
};

const STANDARD: Lowerings = {
  add: operator('Add'),
  sub: operator('Sub'),
  mul: operator('Mul'),
  div: operator('Div'),
  max: operator('Max'),
  equal: operator('Equal'),
  neg: operator('Neg'),
  exp: operator('Exp'),
  log: operator('Log'),
  erf: operator('Erf'),
  sqrt: operator('Sqrt'),
  softmax: operator('Softmax', { axis: -1 }),
  cast: ({ inputs, outputs }, to) =>
    to.node('Cast', inputs, outputs, { to: ONNX_TYPES[(outputs[0] as Value).type] }),
  barrier({ inputs, outputs }, to) {
    for (const [index, output] of outputs.entries()) {
      to.node('Identity', [inputs[index] as Value], [output]);
    }
  },
  reduceSum,
  reduceMax: ({ inputs, outputs, params }, to) =>
    to.node('ReduceMax', inputs, outputs, { axes: params.axes, keepdims: flag(params.keepDims) }),
  argMax({ inputs, outputs, params }, to) {
    const index = to.name();
    to.node('ArgMax', inputs, [index], { axis: params.axis, keepdims: 0 });
    to.node('Cast', [index], outputs, { to: ONNX_TYPES.int32 });
  },
  reshape: ({ inputs, outputs }, to) =>
    to.node('Reshape', [...inputs, to.integers((outputs[0] as Value).shape)], outputs),
  transpose: ({ inputs, outputs, params }, to) =>
    to.node('Transpose', inputs, outputs, { perm: params.perm }),
  slice({ inputs, outputs, params: { begin } }, to) {
    const { shape } = outputs[0] as Value;
    const ends = begin.map((first, axis) => first + (shape[axis] as number));
    const axes = begin.map((_, axis) => axis);
    const lists = [begin, ends, axes].map((list) => to.integers(list));
    to.node('Slice', [...inputs, ...lists], outputs);
  },
  concat: ({ inputs, outputs, params }, to) =>
    to.node('Concat', inputs, outputs, { axis: params.axis }),
  split({ inputs, outputs, params: { axis } }, to) {
    const sizes = outputs.map(({ shape }) => shape[axis] as number);
    to.node('Split', [...inputs, to.integers(sizes)], outputs, { axis });
  },
  pad({ inputs, outputs, params: { paddings, value } }, to) {
    const pads = [0, 1].flatMap((end) => paddings.map((padding) => padding[end] as number));
    const fill = to.constant(Float32Array.of(value), [], 'float32');
    to.node('Pad', [...inputs, to.integers(pads), fill], outputs);
  },
  oneHot({ inputs, outputs, params: { on, off } }, to) {
    // ONNX Runtime has the operator for int32 indices with an int32 depth only.
    const depth = Int32Array.of((outputs[0] as Value).shape.at(-1) as number);
    const values = to.constant(Float32Array.of(off, on), [2], 'float32');
    to.node('OneHot', [...inputs, to.constant(depth, [1], 'int32'), values], outputs);
  },
  matMul,
  layerNorm: ({ inputs, outputs, params }, to) =>
    to.node('LayerNormalization', inputs, outputs, {
      axis: -1,
      epsilon: { float: params.epsilon },
    }),
};

/** Writes a graph in ONNX's operators; an engine that has better ones for some operations says how. */
export function lowerToOnnx(graph: Graph, own: Partial<Lowerings> = {}): OnnxGraph {
  const to = new OnnxBuilder(graph.inputs);
  const lowerings: Lowerings = { ...STANDARD, ...own };
  const lower = <O extends Op>(node: GraphNode<O>) => lowerings[node.op](node, to);
  graph.nodes.forEach(lower);
  const named = (values: Graph['inputs']) =>
    [...values].map(([name, { shape, type }]) => ({ name, shape, type }));
  for (const [name, value] of graph.outputs) to.node('Identity', [value], [name]);
  const { nodes, constants } = to;
  return { inputs: named(graph.inputs), outputs: named(graph.outputs), constants, nodes };
}
