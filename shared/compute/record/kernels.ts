/**
 * @file The kernels of the recording backend: each appends ONNX nodes and says what shape comes out.
 *
 * One entry a TensorFlow.js kernel. A kernel that is missing here fails by name when a step is recorded,
 * never later.
 */
import { backend_util, slice_util, util } from '@tensorflow/tfjs-core';
import { assert } from '../../core/errors.ts';
import { LAYER_NORM_KERNEL } from '../../model/ops.ts';
import type { GraphBuilder, Value, ValueType } from './graph.ts';

/** Inputs of a kernel by TensorFlow.js's names, its attributes, and where to record. */
interface KernelCall {
  readonly inputs: Readonly<Record<string, Value>>;
  /** Inputs of kernels that take a list. */
  readonly list: readonly Value[];
  // biome-ignore lint/suspicious/noExplicitAny: TensorFlow.js types attributes per kernel only.
  readonly attrs: Readonly<Record<string, any>>;
  readonly graph: GraphBuilder;
}

/** Records one kernel; answers its outputs. */
export type RecordKernel = (call: KernelCall) => Value[];

const like = (value: Value) => ({ shape: value.shape, type: value.type });

function input(call: KernelCall, name: string): Value {
  const value = call.inputs[name];
  assert(value !== undefined, `kernel input ${name}`);
  return value;
}

/** Elementwise with broadcasting; both frameworks follow NumPy's rules. */
function binary(op: string, type?: ValueType): RecordKernel {
  return (call) => {
    const [a, b] = [input(call, 'a'), input(call, 'b')];
    const shape = backend_util.assertAndGetBroadcastShape([...a.shape], [...b.shape]);
    return call.graph.node(op, [a, b], [{ shape, type: type ?? a.type }]);
  };
}

function unary(op: string): RecordKernel {
  return (call) => call.graph.node(op, [input(call, 'x')], [like(input(call, 'x'))]);
}

/** Axes and shape of a reduction. */
function reduction(call: KernelCall, axis: number | number[], keepDims: boolean) {
  const x = input(call, 'x');
  const axes = util.parseAxisParam(axis, [...x.shape]);
  const shape = x.shape.flatMap((side, i) => (axes.includes(i) ? (keepDims ? [1] : []) : [side]));
  return { x, axes, shape, keepdims: keepDims ? 1 : 0 };
}

const reshape: RecordKernel = (call) => {
  const x = input(call, 'x');
  const size = util.sizeFromShape([...x.shape]);
  const shape = util.inferFromImplicitShape(call.attrs['shape'], size);
  return call.graph.node('Reshape', [x, call.graph.integers(shape)], [{ shape, type: x.type }]);
};

const sum: RecordKernel = (call) => {
  const { x, axes, shape, keepdims } = reduction(call, call.attrs['axis'], call.attrs['keepDims']);
  if (
    x.shape.length === 2 &&
    axes.length === 1 &&
    axes[0] === 0 &&
    !keepdims &&
    x.type === 'float32'
  ) {
    return sumRows(call, x, x.shape as [number, number]);
  }
  const outputs = [{ shape, type: x.type }];
  return call.graph.node('ReduceSum', [x, call.graph.integers(axes)], outputs, { keepdims });
};

/** A sum over rows as a product with ones: unlike the reduction, it uses every thread. */
function sumRows({ graph }: KernelCall, x: Value, [rows, columns]: [number, number]): Value[] {
  const ones = graph.constant(new Float32Array(rows).fill(1), [1, rows], 'float32');
  const attributes = { transA: 0, transB: 0, alpha: { float: 1 }, beta: { float: 1 } };
  const [product] = graph.node(
    'Gemm',
    [ones, x],
    [{ shape: [1, columns], type: x.type }],
    attributes,
  );
  const shape = [columns];
  return graph.node(
    'Reshape',
    [product as Value, graph.integers(shape)],
    [{ shape, type: x.type }],
  );
}

const max: RecordKernel = (call) => {
  const { reductionIndices, keepDims } = call.attrs;
  const { x, axes, shape, keepdims } = reduction(call, reductionIndices, keepDims);
  return call.graph.node('ReduceMax', [x], [{ shape, type: x.type }], { axes, keepdims });
};

const argMax: RecordKernel = (call) => {
  const { x, axes, shape } = reduction(call, call.attrs['axis'], false);
  const attributes = { axis: axes[0] as number, keepdims: 0 };
  const [index] = call.graph.node('ArgMax', [x], [{ shape, type: 'int64' }], attributes);
  return cast(call, index as Value, 'int32');
};

/** ONNX's numbers for types. Source  onnx.proto TensorProto.DataType. */
export const ONNX_TYPES: Readonly<Record<ValueType, number>> = {
  float32: 1,
  int32: 6,
  int64: 7,
  bool: 9,
};

function cast(call: KernelCall, x: Value, type: ValueType): Value[] {
  return call.graph.node('Cast', [x], [{ shape: x.shape, type }], { to: ONNX_TYPES[type] });
}

/** How many terms ONNX Runtime adds up before it begins another partial sum. */
const TERMS_AT_ONCE = 128;

/** Matrices become one Gemm each, stacks of matrices ONNX Runtime's own product, which transposes in place. */
const matMul: RecordKernel = (call) => {
  const [a, b] = [input(call, 'a'), input(call, 'b')];
  const { transposeA, transposeB } = call.attrs;
  const [transA, transB] = [transposeA ? 1 : 0, transposeB ? 1 : 0];
  const rows = a.shape.at(transposeA ? -1 : -2) as number;
  const columns = b.shape.at(transposeB ? -2 : -1) as number;
  const stack = backend_util.assertAndGetBroadcastShape(a.shape.slice(0, -2), b.shape.slice(0, -2));
  const outputs = [{ shape: [...stack, rows, columns], type: a.type }];
  const attributes = { transA, transB, alpha: { float: 1 } };
  if (stack.length === 0) {
    const terms = a.shape[1] as number;
    const isDividedByColumns = !transposeA && rows < columns && terms > TERMS_AT_ONCE;
    const [left, transLeft] = isDividedByColumns ? [transposed(call, a), 1] : [a, transA];
    const gemm = { ...attributes, transA: transLeft, beta: { float: 1 } };
    return call.graph.node('Gemm', [left, b], outputs, gemm);
  }
  return call.graph.node('FusedMatMul', [a, b], outputs, attributes, 'com.microsoft');
};

/**
 * The left matrix of a product that is wider than high, transposed beforehand.
 *
 * ONNX Runtime divides such a product by columns, and the fewer columns a thread gets, the more terms it adds
 * in one go: the bits would depend on the number of threads. Where it transposes the left matrix itself, they
 * do not (promise P2).
 *
 * Source  ONNX Runtime, MLAS sgemm.cpp: the strides of MlasSgemmOperation.
 */
function transposed({ graph }: KernelCall, x: Value): Value {
  const shape = x.shape.toReversed();
  const [turned] = graph.node('Transpose', [x], [{ shape, type: x.type }], { perm: [1, 0] });
  return turned as Value;
}

const slice: RecordKernel = (call) => {
  const x = input(call, 'x');
  const [begin, size] = slice_util.parseSliceParams(
    { shape: [...x.shape] } as never,
    call.attrs['begin'],
    call.attrs['size'],
  ) as [number[], number[]];
  const ends = begin.map((first, axis) => first + (size[axis] as number));
  const axes = begin.map((_, axis) => axis);
  const lists = [begin, ends, axes].map((list) => call.graph.integers(list));
  return call.graph.node('Slice', [x, ...lists], [{ shape: size, type: x.type }]);
};

const concat: RecordKernel = (call) => {
  const axis = util.parseAxisParam(call.attrs['axis'], [
    ...(call.list[0] as Value).shape,
  ])[0] as number;
  const shapes = call.list.map((value) => [...value.shape]);
  const shape = backend_util.computeOutShape(shapes, axis);
  return call.graph.node('Concat', call.list, [{ shape, type: (call.list[0] as Value).type }], {
    axis,
  });
};

const split: RecordKernel = (call) => {
  const x = input(call, 'x');
  const axis = util.parseAxisParam(call.attrs['axis'], [...x.shape])[0] as number;
  const sizes = backend_util.prepareSplitSize(
    { shape: [...x.shape] } as never,
    call.attrs['numOrSizeSplits'],
    axis,
  );
  const outputs = sizes.map((side) => ({
    shape: x.shape.map((whole, i) => (i === axis ? side : whole)),
    type: x.type,
  }));
  return call.graph.node('Split', [x, call.graph.integers(sizes)], outputs, { axis });
};

const pad: RecordKernel = (call) => {
  const x = input(call, 'x');
  const paddings = call.attrs['paddings'] as [number, number][];
  const pads = [...paddings.map(([before]) => before), ...paddings.map(([, after]) => after)];
  const shape = x.shape.map(
    (side, axis) => side + (paddings[axis]?.[0] ?? 0) + (paddings[axis]?.[1] ?? 0),
  );
  const value = call.graph.constant(Float32Array.of(call.attrs['constantValue']), [], 'float32');
  return call.graph.node('Pad', [x, call.graph.integers(pads), value], [{ shape, type: x.type }]);
};

const transpose: RecordKernel = (call) => {
  const x = input(call, 'x');
  const perm = call.attrs['perm'] as number[];
  const shape = perm.map((axis) => x.shape[axis] as number);
  return call.graph.node('Transpose', [x], [{ shape, type: x.type }], { perm });
};

const oneHot: RecordKernel = (call) => {
  const indices = input(call, 'indices');
  const { depth, onValue, offValue, dtype } = call.attrs;
  assert(dtype === 'float32', 'one-hot rows are recorded as float32');
  const values = call.graph.constant(Float32Array.of(offValue, onValue), [2], 'float32');
  const outputs = [{ shape: [...indices.shape, depth], type: 'float32' as const }];
  // ONNX Runtime has the operator for int32 indices with an int32 depth only.
  const depth1 = call.graph.constant(Int32Array.of(depth), [1], 'int32');
  return call.graph.node('OneHot', [indices, depth1, values], outputs);
};

/** Mean and inverse deviation come out beside the result; the backward pass wants them. */
const layerNorm: RecordKernel = (call) => {
  const x = input(call, 'x');
  const rows = { shape: [...x.shape.slice(0, -1), 1], type: x.type };
  const inputs = [x, input(call, 'gamma'), input(call, 'beta')];
  return call.graph.node('LayerNormalization', inputs, [like(x), rows, rows], {
    axis: -1,
    epsilon: { float: call.attrs['epsilon'] },
  });
};

/** What can be recorded, by TensorFlow.js's kernel names. */
export const RECORD_KERNELS: Readonly<Record<string, RecordKernel>> = {
  Add: binary('Add'),
  Sub: binary('Sub'),
  Multiply: binary('Mul'),
  RealDiv: binary('Div'),
  Maximum: binary('Max'),
  Equal: binary('Equal', 'bool'),
  Neg: unary('Neg'),
  Exp: unary('Exp'),
  Log: unary('Log'),
  Erf: unary('Erf'),
  Sqrt: unary('Sqrt'),
  Square: (call) => {
    const x = input(call, 'x');
    return call.graph.node('Mul', [x, x], [like(x)]);
  },
  Softmax: (call) => {
    const x = input(call, 'logits');
    return call.graph.node('Softmax', [x], [like(x)], { axis: -1 });
  },
  Sum: sum,
  Max: max,
  ArgMax: argMax,
  Reshape: reshape,
  Transpose: transpose,
  Slice: slice,
  Concat: concat,
  SplitV: split,
  PadV2: pad,
  OneHot: oneHot,
  Cast: (call) => cast(call, input(call, 'x'), call.attrs['dtype']),
  BatchMatMul: matMul,
  // A new tensor over the same value: TensorFlow.js would double the gradient of one that returns its input.
  Identity: (call) => [input(call, 'x')],
  [LAYER_NORM_KERNEL]: layerNorm,
};
