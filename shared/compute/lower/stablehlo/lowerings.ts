/** @file From a recorded graph to StableHLO: how each operation is written. */
import { assert } from '../../../core/errors.ts';
import type { Precision } from '../../../model/precision.ts';
import type { Constant, Graph, GraphNode, Op, Value } from '../../graph/graph.ts';
import type { StableHloBuilder } from './builder.ts';
import { exactResults, keptProbabilities, lowerProduct, type ProductCall } from './products.ts';
import { isSameShape, STABLE_TYPES, type StableValue } from './text.ts';

/** An operation, its inputs, and where to write it. */
interface Call<O extends Op> extends Omit<ProductCall, 'node'> {
  readonly node: GraphNode<O>;
}

/** Writes one operation; returns its outputs. */
type Lowering<O extends Op = Op> = (call: Call<O>) => StableValue | readonly StableValue[];
/** How each operation is written. */
type Lowerings = { readonly [O in Op]: Lowering<O> };

const binary =
  (op: string): Lowering =>
  ({ inputs, to }) =>
    to.binary(op, inputs[0] as StableValue, inputs[1] as StableValue);

const unary =
  (op: string): Lowering =>
  ({ inputs, to }) =>
    to.unary(op, inputs[0] as StableValue);

/** Shape of the first output. */
function shapeOf({ node }: Call<Op>): readonly number[] {
  return (node.outputs[0] as Value).shape;
}

const softmax: Lowering<'softmax'> = ({ inputs, to, precision }) => {
  const [x] = inputs as [StableValue];
  const axes = [x.shape.length - 1];
  const shifted = to.binary('subtract', x, to.reduce('maximum', x, axes, true));
  const powers = to.unary('exponential', shifted);
  const probabilities = to.binary('divide', powers, to.reduce('add', powers, axes, true));
  return keptProbabilities(to, probabilities, precision);
};

const layerNorm: Lowering<'layerNorm'> = ({ node, inputs, to }) => {
  const [x, gamma, beta] = inputs as [StableValue, StableValue, StableValue];
  const axis = x.shape.length - 1;
  const number = (value: number) => to.splat(value, [], x.type);
  const meanOf = (y: StableValue) =>
    to.binary('multiply', to.reduce('add', y, [axis], true), number(1 / (x.shape[axis] as number)));
  const mean = meanOf(x);
  const centred = to.binary('subtract', x, mean);
  const variance = meanOf(to.binary('multiply', centred, centred));
  const inverse = to.unary('rsqrt', to.binary('add', variance, number(node.params.epsilon)));
  const normal = to.binary('multiply', centred, inverse);
  return [to.binary('add', to.binary('multiply', normal, gamma), beta), mean, inverse];
};

/** The smallest of the places that hold the largest element. */
const argMax: Lowering<'argMax'> = ({ node, inputs, to }) => {
  const [x] = inputs as [StableValue];
  const { axis } = node.params;
  const isLargest = to.equal(x, to.reduce('maximum', x, [axis], true));
  const none = to.splat(2 ** 31 - 1, x.shape, 'i32');
  const places = to.select(isLargest, to.iota(axis, x.shape, 'i32'), none);
  return to.reduce('minimum', places, [axis]);
};

const oneHot: Lowering<'oneHot'> = (call) => {
  const { node, inputs, to } = call;
  const [indices] = inputs as [StableValue];
  const shape = shapeOf(call);
  const rows = to.broadcast(
    indices,
    shape,
    indices.shape.map((_, axis) => axis),
  );
  const isOn = to.equal(to.iota(shape.length - 1, shape, 'i32'), rows);
  const { on, off } = node.params;
  return to.select(isOn, to.splat(on, shape, 'f32'), to.splat(off, shape, 'f32'));
};

const split: Lowering<'split'> = ({ node, inputs, to }) => {
  const [x] = inputs as [StableValue];
  const { axis } = node.params;
  let first = 0;
  return node.outputs.map(({ shape }) => {
    const begin = shape.map((_, other) => (other === axis ? first : 0));
    first += shape[axis] as number;
    return to.slice(x, begin, shape);
  });
};

const LOWERINGS: Lowerings = {
  add: binary('add'),
  sub: binary('subtract'),
  mul: binary('multiply'),
  div: binary('divide'),
  max: binary('maximum'),
  equal: ({ inputs, to }) => to.equal(inputs[0] as StableValue, inputs[1] as StableValue),
  neg: unary('negate'),
  exp: unary('exponential'),
  log: unary('log'),
  erf: ({ inputs, to }) => to.erf(inputs[0] as StableValue),
  sqrt: unary('sqrt'),
  cast: ({ node, inputs, to }) =>
    to.convert(inputs[0] as StableValue, STABLE_TYPES[(node.outputs[0] as Value).type]),
  barrier: ({ inputs, to }) => to.barrier(inputs),
  reduceSum: ({ node: { params }, inputs, to }) =>
    to.reduce('add', inputs[0] as StableValue, params.axes, params.keepDims),
  reduceMax: ({ node: { params }, inputs, to }) =>
    to.reduce('maximum', inputs[0] as StableValue, params.axes, params.keepDims),
  argMax,
  reshape: (call) => call.to.reshape(call.inputs[0] as StableValue, shapeOf(call)),
  transpose: ({ node, inputs, to }) => to.transpose(inputs[0] as StableValue, node.params.perm),
  slice: (call) =>
    call.to.slice(call.inputs[0] as StableValue, call.node.params.begin, shapeOf(call)),
  concat: ({ node, inputs, to }) => to.concatenate(inputs, node.params.axis),
  split,
  pad: ({ node, inputs, to }) => {
    const [x] = inputs as [StableValue];
    return to.pad(x, to.splat(node.params.value, [], x.type), node.params.paddings);
  },
  oneHot,
  matMul: lowerProduct,
  softmax,
  layerNorm,
};

/** What of a graph is known before its operations are written. */
interface GraphInputs {
  readonly to: StableHloBuilder;
  readonly precision: Precision;
  /** Value of an input that some operation reads; asked for once. */
  inputOf(name: string): StableValue;
}

/** Writes the operations of a graph; returns its outputs by name. */
export function lowerGraph(graph: Graph, { to, precision, inputOf }: GraphInputs) {
  const exact = exactResults(graph);
  const names = new Map([...graph.inputs].map(([name, value]) => [value, name]));
  const values = new Map<Value, StableValue>();
  const get = (value: Value): StableValue => {
    const name = names.get(value);
    const known =
      values.get(value) ?? (name === undefined ? to.constant(value as Constant) : inputOf(name));
    values.set(value, known);
    return known;
  };
  const lower = <O extends Op>(node: GraphNode<O>) => {
    const inputs = node.inputs.map(get);
    const outputs = [LOWERINGS[node.op]({ node, inputs, to, precision, exact })].flat();
    for (const [index, value] of node.outputs.entries()) {
      const output = outputs[index] as StableValue;
      const isRight =
        isSameShape(output.shape, value.shape) && output.type === STABLE_TYPES[value.type];
      assert(isRight, `StableHLO of ${node.op} has the shape and type of the graph`);
      values.set(value, output);
    }
  };
  graph.nodes.forEach(lower);
  return new Map([...graph.outputs].map(([name, value]) => [name, get(value)] as const));
}
