/** @file A small function for every kernel that can be recorded, over random shapes. */
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { LAYER_NORM_KERNEL, layerNormRows } from '../../shared/model/ops.ts';
import { type Input, withGradients } from './agreement.ts';

type Shape = number[];

/** A small function of random shapes. */
export interface KernelCase {
  readonly shapes: readonly Shape[];
  readonly run: (...inputs: tf.Tensor[]) => tf.Tensor | tf.Tensor[];
  readonly values?: Input['values'];
  /** Whether gradients are compared too; true where nothing is said. */
  readonly differentiable?: boolean;
}

const INTEGERS = { values: 'integers', differentiable: false } as const;

const side = fc.integer({ min: 1, max: 5 });
const shape = (rank: number) => fc.array(side, { minLength: rank, maxLength: rank });
const anyShape = fc.integer({ min: 1, max: 4 }).chain(shape);

/** Two shapes that broadcast, in either order. */
const broadcast = fc
  .tuple(anyShape, fc.array(fc.boolean(), { minLength: 4, maxLength: 4 }), fc.nat(4), fc.boolean())
  .map(([whole, flips, drop, swap]): [Shape, Shape] => {
    const other = whole.map((length, i) => (flips[i] ? 1 : length)).slice(drop);
    return swap ? [other, whole] : [whole, other];
  });

const binary = (op: (a: tf.Tensor, b: tf.Tensor) => tf.Tensor, rest: Partial<KernelCase> = {}) =>
  broadcast.map((shapes): KernelCase => ({ shapes, run: op, ...rest }));
const unary = (op: (x: tf.Tensor) => tf.Tensor, rest: Partial<KernelCase> = {}) =>
  anyShape.map((a): KernelCase => ({ shapes: [a], run: op, ...rest }));

/** A shape and one of its axes, counted from either end. */
const shapeWithAxis = anyShape.chain((a) =>
  fc.tuple(fc.constant(a), fc.integer({ min: -a.length, max: a.length - 1 })),
);

/** A shape, one or several of its axes or all, and whether they are kept. */
const reduction = fc.tuple(
  anyShape.chain((a) => fc.tuple(fc.constant(a), fc.subarray([...a.keys()], { minLength: 1 }))),
  fc.constantFrom('first', 'last from the end', 'several', 'all'),
  fc.boolean(),
);

const reduce = (
  op: (x: tf.Tensor, axis: number | number[] | undefined, keepDims: boolean) => tf.Tensor,
  rest: Partial<KernelCase> = {},
) =>
  reduction.map(([[a, axes], which, keepDims]): KernelCase => {
    const last = axes.at(-1)! - a.length;
    const axis = { first: axes[0], 'last from the end': last, several: axes, all: undefined };
    return { shapes: [a], run: (x) => op(x, axis[which], keepDims), ...rest };
  });

/** A shape with, for each of its sides, two small numbers. */
const shapeWithPairs = anyShape.chain((a) =>
  fc.tuple(fc.constant(a), fc.tuple(...a.map(() => fc.tuple(fc.nat(2), fc.nat(2))))),
);

const transposes = fc.tuple(fc.boolean(), fc.boolean());
const product = (
  stacks: [Shape, Shape],
  [rows, terms, columns]: [number, number, number],
  [transposeA, transposeB]: [boolean, boolean],
): KernelCase => ({
  shapes: [
    [...stacks[0], ...(transposeA ? [terms, rows] : [rows, terms])],
    [...stacks[1], ...(transposeB ? [columns, terms] : [terms, columns])],
  ],
  run: (a, b) => tf.matMul(a, b, transposeA, transposeB),
  // TensorFlow.js has no gradient of a product that broadcasts.
  differentiable: String(stacks[0]) === String(stacks[1]),
});
const sides = fc.tuple(side, side, side);
const wide = fc.tuple(side, fc.integer({ min: 129, max: 300 }), fc.integer({ min: 6, max: 40 }));
const stack = fc.integer({ min: 1, max: 2 }).chain(shape);
const matMul = fc.oneof(
  fc.tuple(fc.constant<[Shape, Shape]>([[], []]), fc.oneof(sides, wide), transposes),
  fc.tuple(
    stack.map((s): [Shape, Shape] => [s, s]),
    sides,
    transposes,
  ),
  fc.tuple(
    stack.map((s): [Shape, Shape] => [s, s.map(() => 1)]),
    sides,
    transposes,
  ),
);

/** What each kernel that can be recorded is tried on, by TensorFlow.js's names. */
export const KERNEL_CASES: Readonly<Record<string, fc.Arbitrary<KernelCase>>> = {
  Add: fc.oneof(binary(tf.add), binary(tf.add, INTEGERS)),
  Sub: fc.oneof(binary(tf.sub), binary(tf.sub, INTEGERS)),
  Multiply: fc.oneof(binary(tf.mul), binary(tf.mul, INTEGERS)),
  RealDiv: binary(tf.div, { values: 'positive' }),
  Maximum: fc.oneof(binary(tf.maximum, { differentiable: false }), binary(tf.maximum, INTEGERS)),
  Equal: binary(tf.equal, INTEGERS),
  Neg: unary(tf.neg),
  Exp: unary(tf.exp),
  Log: unary(tf.log, { values: 'positive' }),
  Erf: unary(tf.erf),
  Sqrt: unary(tf.sqrt, { values: 'positive' }),
  Square: unary(tf.square),
  Identity: unary(tf.clone),
  Softmax: unary((x) => tf.softmax(x)),
  Sum: fc.oneof(reduce(tf.sum), reduce(tf.sum, INTEGERS)),
  Max: reduce(tf.max, { differentiable: false }),
  ArgMax: fc
    .tuple(shapeWithAxis, fc.constantFrom<Input['values']>('normal', 'integers'))
    .map(([[a, axis], values]) => {
      return { shapes: [a], run: (x) => tf.argMax(x, axis), values, differentiable: false };
    }),
  Reshape: anyShape.chain((a) =>
    fc.tuple(fc.nat(a.length - 1), fc.boolean()).map(([kept, isFirst]): KernelCase => {
      const target = isFirst ? [-1, ...a.slice(kept + 1)] : [...a.slice(0, kept), -1];
      return { shapes: [a], run: (x) => tf.reshape(x, target) };
    }),
  ),
  Transpose: anyShape.chain((a) =>
    fc.shuffledSubarray([...a.keys()], { minLength: a.length }).map((perm): KernelCase => {
      return { shapes: [a], run: (x) => tf.transpose(x, perm) };
    }),
  ),
  Slice: fc.tuple(shapeWithPairs, fc.boolean()).map(([[a, pairs], isToTheEnd]) => {
    const begin = a.map((length, i) => pairs[i]![0] % length);
    const size = a.map((length, i) => 1 + (pairs[i]![1] % (length - begin[i]!)));
    if (isToTheEnd) size[0] = -1;
    return { shapes: [a], run: (x) => tf.slice(x, begin, size) };
  }),
  Concat: fc.tuple(shapeWithAxis, fc.integer({ min: 1, max: 3 })).map(([[a, axis], count]) => ({
    shapes: Array.from({ length: count }, (_, extra) => a.with(axis, a.at(axis)! + extra)),
    run: (...parts) => tf.concat(parts, axis),
  })),
  SplitV: fc
    .tuple(shapeWithAxis, fc.array(side, { minLength: 2, maxLength: 4 }), fc.boolean())
    .map(([[a, axis], parts, isEven]) => {
      const whole = isEven ? 3 * parts[0]! : parts.reduce((sum, part) => sum + part);
      const sizes = isEven ? 3 : parts;
      return { shapes: [a.with(axis, whole)], run: (x) => tf.split(x, sizes, axis) };
    }),
  PadV2: fc.tuple(shapeWithPairs, fc.constantFrom(0, -1.5)).map(([[a, pairs], value]) => ({
    shapes: [a],
    run: (x) => tf.pad(x, pairs, value),
  })),
  // TensorFlow.js leaves the row of a negative index empty, ONNX counts it from the end; labels are not negative.
  OneHot: anyShape.map((a) => ({
    shapes: [a],
    run: (x) => tf.oneHot(tf.mul(x, x), 5, 0.9, 0.1, 'float32'),
    ...INTEGERS,
  })),
  Cast: fc
    .tuple(
      anyShape,
      fc.constantFrom<Input['values']>('normal', 'integers'),
      fc.constantFrom<tf.DataType[]>(['int32'], ['float32'], ['bool'], ['bool', 'float32']),
    )
    .map(([a, values, types]) => ({
      shapes: [a],
      run: (x) => types.reduce((y, type) => tf.cast(y, type), x),
      values,
      differentiable: false,
    })),
  BatchMatMul: matMul.map((call) => product(...call)),
  [LAYER_NORM_KERNEL]: fc.tuple(side, fc.integer({ min: 4, max: 9 })).map(([rows, width]) => ({
    shapes: [[rows, width], [width], [width]],
    run: (x, gamma, beta) =>
      layerNormRows(x as tf.Tensor2D, gamma as tf.Tensor1D, beta as tf.Tensor1D),
  })),
};

/** A case's inputs, and what is computed of them: outputs, and gradients where there are any. */
export function buildOf({ shapes, run, values = 'normal', differentiable = true }: KernelCase) {
  const inputs = shapes.map((each): Input => ({ shape: each, values }));
  const outputs = (...xs: tf.Tensor[]) => [run(...xs)].flat();
  const valuesOnly = (...xs: tf.Tensor[]) =>
    new Map(outputs(...xs).map((output, i) => [`value ${i}`, output]));
  return { inputs, build: differentiable ? withGradients(outputs) : valuesOnly };
}
