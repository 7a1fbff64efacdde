/**
 * @file The kernels of the recording backend: each gives the operations that it is made of, and their shapes.
 *
 * One entry a TensorFlow.js kernel. A kernel that is missing here fails by name when a step is recorded,
 * never later.
 */
import { assert } from '../../core/errors.ts';
import { LAYER_NORM_KERNEL } from '../../model/ops.ts';
import { backend_util, slice_util, util } from '../../model/tensorflow.ts';
import type { Op, Operations, Value, ValueType } from './graph.ts';

/** Inputs of a kernel by TensorFlow.js's names, its attributes, and where to record. */
interface KernelCall {
  readonly inputs: Readonly<Record<string, Value>>;
  /** Inputs of kernels that take a list. */
  readonly list: readonly Value[];
  // biome-ignore lint/suspicious/noExplicitAny: TensorFlow.js types attributes per kernel only.
  readonly attrs: Readonly<Record<string, any>>;
  /** Appends an operation; returns its outputs. */
  node<O extends Op>(
    op: O,
    inputs: readonly Value[],
    outputs: readonly Value[],
    params: Operations[O],
  ): readonly Value[];
}

/** Records one kernel; returns its outputs. */
export type RecordKernel = (call: KernelCall) => readonly Value[];

/** The operations that have no parameters. */
type PlainOp = { [O in Op]: Operations[O] extends Record<string, never> ? O : never }[Op];

function input(call: KernelCall, name: string): Value {
  const value = call.inputs[name];
  assert(value !== undefined, `kernel input ${name}`);
  return value;
}

function binary(op: PlainOp, type?: ValueType): RecordKernel {
  return (call) => {
    const [a, b] = [input(call, 'a'), input(call, 'b')];
    const shape = backend_util.assertAndGetBroadcastShape([...a.shape], [...b.shape]);
    return call.node(op, [a, b], [{ shape, type: type ?? a.type }], {});
  };
}

function unary(op: PlainOp, name = 'x'): RecordKernel {
  return (call) => call.node(op, [input(call, name)], [input(call, name)], {});
}

function reduce(op: 'reduceSum' | 'reduceMax', axisName: string): RecordKernel {
  return (call) => {
    const x = input(call, 'x');
    const axes = util.parseAxisParam(call.attrs[axisName], [...x.shape]);
    const keepDims = Boolean(call.attrs['keepDims']);
    const shape = x.shape.flatMap((side, i) => (axes.includes(i) ? (keepDims ? [1] : []) : [side]));
    return call.node(op, [x], [{ shape, type: x.type }], { axes, keepDims });
  };
}

/** The one axis of a kernel, counted from 0. */
function axisOf({ attrs }: KernelCall, { shape }: Value): number {
  return util.parseAxisParam(attrs['axis'], [...shape])[0] as number;
}

const argMax: RecordKernel = (call) => {
  const x = input(call, 'x');
  const axis = axisOf(call, x);
  return call.node('argMax', [x], [{ shape: x.shape.toSpliced(axis, 1), type: 'int32' }], { axis });
};

const reshape: RecordKernel = (call) => {
  const x = input(call, 'x');
  const size = util.sizeFromShape([...x.shape]);
  const shape = util.inferFromImplicitShape(call.attrs['shape'], size);
  return call.node('reshape', [x], [{ shape, type: x.type }], {});
};

const matMul: RecordKernel = (call) => {
  const [a, b] = [input(call, 'a'), input(call, 'b')];
  const { transposeA, transposeB } = call.attrs;
  const rows = a.shape.at(transposeA ? -1 : -2) as number;
  const columns = b.shape.at(transposeB ? -2 : -1) as number;
  const stack = backend_util.assertAndGetBroadcastShape(a.shape.slice(0, -2), b.shape.slice(0, -2));
  const params = { transposeA: Boolean(transposeA), transposeB: Boolean(transposeB) };
  const outputs = [{ shape: [...stack, rows, columns], type: a.type }];
  return call.node('matMul', [a, b], outputs, { ...params, scale: 1, biasScale: 1 });
};

const slice: RecordKernel = (call) => {
  const x = input(call, 'x');
  const [begin, shape] = slice_util.parseSliceParams(
    { shape: [...x.shape] } as never,
    call.attrs['begin'],
    call.attrs['size'],
  ) as [number[], number[]];
  return call.node('slice', [x], [{ shape, type: x.type }], { begin });
};

const concat: RecordKernel = (call) => {
  const [first] = call.list as readonly [Value, ...Value[]];
  const axis = axisOf(call, first);
  const shapes = call.list.map((value) => [...value.shape]);
  const shape = backend_util.computeOutShape(shapes, axis);
  return call.node('concat', call.list, [{ shape, type: first.type }], { axis });
};

const split: RecordKernel = (call) => {
  const x = input(call, 'x');
  const axis = axisOf(call, x);
  const sizes = backend_util.prepareSplitSize(
    { shape: [...x.shape] } as never,
    call.attrs['numOrSizeSplits'],
    axis,
  );
  const outputs = sizes.map((side) => ({ shape: x.shape.with(axis, side), type: x.type }));
  return call.node('split', [x], outputs, { axis });
};

const pad: RecordKernel = (call) => {
  const x = input(call, 'x');
  const paddings = call.attrs['paddings'] as [number, number][];
  const shape = x.shape.map((side, axis) => {
    const [before, after] = paddings[axis] ?? [0, 0];
    return side + before + after;
  });
  const value: number = call.attrs['constantValue'];
  return call.node('pad', [x], [{ shape, type: x.type }], { paddings, value });
};

const transpose: RecordKernel = (call) => {
  const x = input(call, 'x');
  const perm = call.attrs['perm'] as number[];
  const shape = perm.map((axis) => x.shape[axis] as number);
  return call.node('transpose', [x], [{ shape, type: x.type }], { perm });
};

const oneHot: RecordKernel = (call) => {
  const indices = input(call, 'indices');
  const { depth, onValue: on, offValue: off, dtype } = call.attrs;
  assert(dtype === 'float32', 'one-hot rows are recorded as float32');
  const shape = [...indices.shape, depth];
  return call.node('oneHot', [indices], [{ shape, type: 'float32' }], { on, off });
};

/** Mean and inverse deviation come out beside the result; the backward pass takes them. */
const layerNorm: RecordKernel = (call) => {
  const x = input(call, 'x');
  const rows = { shape: x.shape.with(-1, 1), type: x.type };
  const inputs = [x, input(call, 'gamma'), input(call, 'beta')];
  return call.node('layerNorm', inputs, [x, rows, rows], { epsilon: call.attrs['epsilon'] });
};

/** What can be recorded, by TensorFlow.js's kernel names. */
export const RECORD_KERNELS: Readonly<Record<string, RecordKernel>> = {
  Add: binary('add'),
  Sub: binary('sub'),
  Multiply: binary('mul'),
  RealDiv: binary('div'),
  Maximum: binary('max'),
  Equal: binary('equal', 'bool'),
  Neg: unary('neg'),
  Exp: unary('exp'),
  Log: unary('log'),
  Erf: unary('erf'),
  Sqrt: unary('sqrt'),
  Square: (call) => call.node('mul', [input(call, 'x'), input(call, 'x')], [input(call, 'x')], {}),
  Softmax: unary('softmax', 'logits'),
  Sum: reduce('reduceSum', 'axis'),
  Max: reduce('reduceMax', 'reductionIndices'),
  ArgMax: argMax,
  Reshape: reshape,
  Transpose: transpose,
  Slice: slice,
  Concat: concat,
  SplitV: split,
  PadV2: pad,
  OneHot: oneHot,
  Cast: (call) => {
    const x = input(call, 'x');
    return call.node('cast', [x], [{ shape: x.shape, type: call.attrs['dtype'] }], {});
  },
  BatchMatMul: matMul,
  // A new tensor over the same value: TensorFlow.js would double the gradient of one that returns its input.
  Identity: (call) => [input(call, 'x')],
  [LAYER_NORM_KERNEL]: layerNorm,
};
