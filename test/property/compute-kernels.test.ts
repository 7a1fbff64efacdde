/**
 * @file Every kernel that can be recorded, against TensorFlow.js's own cpu backend.
 *
 * Method  a small function is run eagerly, and recorded, simplified, encoded and run by ONNX Runtime;
 *         over random shapes, values and gradients must agree.
 */
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-layers';
import fc from 'fast-check';
import * as ort from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { loadEager } from '../../shared/compute/engines/tfjs.ts';
import { record } from '../../shared/compute/record/backend.ts';
import { RECORD_KERNELS } from '../../shared/compute/record/kernels.ts';
import { encodeOnnx } from '../../shared/compute/record/onnx.ts';
import { simplify } from '../../shared/compute/record/simplify.ts';
import { randomNormal } from '../../shared/core/random.ts';
import { LAYER_NORM_KERNEL, layerNorm } from '../../shared/model/ops.ts';
import { relativeL2 } from '../unit/compute/support.ts';

type Shape = number[];
interface Case {
  readonly shapes: readonly Shape[];
  readonly run: (...inputs: tf.Tensor[]) => tf.Tensor;
  /** Smallest input value; kernels such as log want positive ones. */
  readonly positive?: boolean;
  /** Whether its gradient is compared too. */
  readonly differentiable?: boolean;
}

const side = fc.integer({ min: 1, max: 5 });
const shape = (rank: number) => fc.array(side, { minLength: rank, maxLength: rank });
const anyShape = fc.integer({ min: 1, max: 4 }).chain(shape);

/** Two shapes that broadcast. */
const broadcast = fc
  .tuple(anyShape, fc.infiniteStream(fc.boolean()), fc.nat(2))
  .map(([whole, flips, drop]) => {
    const other = whole.map((length) => (flips.next().value ? 1 : length));
    return [whole, other.slice(Math.min(drop, other.length - 1))] as [Shape, Shape];
  });

const binary = (op: (a: tf.Tensor, b: tf.Tensor) => tf.Tensor, rest: Partial<Case> = {}) =>
  broadcast.map(([a, b]): Case => ({ shapes: [a, b], run: op, differentiable: true, ...rest }));
const unary = (op: (x: tf.Tensor) => tf.Tensor, rest: Partial<Case> = {}) =>
  anyShape.map((a): Case => ({ shapes: [a], run: op, differentiable: true, ...rest }));

/** A shape, one of its axes (counted from either end), and whether a reduction keeps it. */
const reduction = fc
  .tuple(anyShape, fc.nat(3), fc.boolean(), fc.boolean())
  .map(([a, axis, fromEnd, keep]) => ({
    a,
    axis: (axis % a.length) - (fromEnd ? a.length : 0),
    keep,
  }));

const matMul = fc
  .tuple(fc.integer({ min: 0, max: 2 }).chain(shape), side, side, side, fc.boolean(), fc.boolean())
  .map(
    ([stack, m, k, n, ta, tb]): Case => ({
      shapes: [
        [...stack, ...(ta ? [k, m] : [m, k])],
        [...stack, ...(tb ? [n, k] : [k, n])],
      ],
      run: (a, b) => tf.matMul(a, b, ta, tb),
      differentiable: true,
    }),
  );

const CASES: Readonly<Record<string, fc.Arbitrary<Case>>> = {
  Add: binary(tf.add),
  Sub: binary(tf.sub),
  Multiply: binary(tf.mul),
  RealDiv: binary(tf.div, { positive: true }),
  Maximum: binary(tf.maximum, { differentiable: false }),
  Equal: broadcast.map(([a, b]) => ({
    shapes: [a, b],
    run: (x, y) => tf.cast(tf.equal(tf.cast(x, 'int32'), tf.cast(y, 'int32')), 'float32'),
  })),
  Neg: unary(tf.neg),
  Exp: unary(tf.exp),
  Log: unary(tf.log, { positive: true }),
  Erf: unary(tf.erf),
  Sqrt: unary(tf.sqrt, { positive: true }),
  Square: unary(tf.square),
  Identity: unary((x) => tf.mul(tf.clone(x), x)),
  Softmax: unary((x) => tf.softmax(x)),
  Sum: reduction.map(({ a, axis, keep }) => ({
    shapes: [a],
    run: (x) => tf.sum(x, axis, keep),
    differentiable: true,
  })),
  Max: reduction.map(({ a, axis, keep }) => ({ shapes: [a], run: (x) => tf.max(x, axis, keep) })),
  ArgMax: reduction.map(({ a, axis }) => ({
    shapes: [a],
    run: (x) => tf.cast(tf.argMax(x, axis), 'float32'),
  })),
  Reshape: anyShape.map((a) => ({
    shapes: [a],
    run: (x) => tf.square(tf.reshape(x, [-1, a[0] as number])),
    differentiable: true,
  })),
  Transpose: anyShape.chain((a) =>
    fc
      .shuffledSubarray(
        a.map((_, i) => i),
        { minLength: a.length },
      )
      .map((perm) => ({
        shapes: [a],
        run: (x: tf.Tensor) => tf.square(tf.transpose(x, perm)),
        differentiable: true,
      })),
  ),
  Slice: anyShape.map((a) => ({
    shapes: [a],
    run: (x) =>
      tf.square(
        tf.slice(
          x,
          a.map((length) => Math.floor(length / 3)),
          a.map((length) => Math.ceil(length / 2)),
        ),
      ),
    differentiable: true,
  })),
  Concat: fc.tuple(anyShape, fc.nat(3), fc.integer({ min: 1, max: 3 })).map(([a, axis, count]) => ({
    shapes: Array.from({ length: count }, (_, extra) =>
      a.map((length, i) => (i === axis % a.length ? length + extra : length)),
    ),
    run: (...parts) => tf.square(tf.concat(parts, axis % a.length)),
    differentiable: true,
  })),
  SplitV: fc.tuple(anyShape, fc.nat(3), side).map(([a, axis, first]) => ({
    shapes: [a.map((length, i) => (i === axis % a.length ? first + length : length))],
    run: (x) => {
      const sizes = [first, a[axis % a.length] as number];
      const [one, two] = tf.split(x, sizes, axis % a.length) as [tf.Tensor, tf.Tensor];
      return tf.add(tf.sum(tf.square(one)), tf.sum(two));
    },
    differentiable: true,
  })),
  PadV2: anyShape.map((a) => ({
    shapes: [a],
    run: (x) =>
      tf.square(
        tf.pad(
          x,
          a.map((_, i) => [i % 2, 1] as [number, number]),
        ),
      ),
    differentiable: true,
  })),
  OneHot: shape(1).map((a) => ({
    shapes: [a],
    run: (x) => tf.oneHot(tf.cast(tf.mul(x, x), 'int32') as tf.Tensor1D, 4, 0.9, 0.1, 'float32'),
  })),
  Fill: unary((x) => tf.add(x, tf.fill(x.shape, 2.5))),
  Cast: unary((x) => tf.cast(tf.cast(x, 'int32'), 'float32'), { differentiable: false }),
  BatchMatMul: matMul,
  [LAYER_NORM_KERNEL]: fc.tuple(side, fc.integer({ min: 4, max: 9 })).map(([rows, width]) => ({
    shapes: [[rows, width], [width], [width]],
    run: (x, gamma, beta) => layerNorm(x as tf.Tensor2D, gamma as tf.Tensor1D, beta as tf.Tensor1D),
    differentiable: true,
  })),
};

/** Value of a case, and the gradients of the sum of its squares, under one name each. */
function compute({ run, differentiable }: Case, inputs: tf.Tensor[]): Map<string, tf.Tensor> {
  const outputs = new Map([['value', run(...inputs)]]);
  if (!differentiable) return outputs;
  const loss = (...xs: tf.Tensor[]) => tf.sum(tf.square(run(...xs))) as tf.Scalar;
  for (const [i, gradient] of tf.grads(loss)(inputs).entries()) outputs.set(`d${i}`, gradient);
  return outputs;
}

function valuesOf({ positive }: Case, size: number, input: number): Float32Array {
  return Float32Array.from({ length: size }, (_, i) => {
    const value = 2 * randomNormal(size, 'faults', input, i);
    return positive ? Math.abs(value) + 0.5 : value;
  });
}

async function expectAgreement(test: Case): Promise<void> {
  const data = test.shapes.map((a, i) => valuesOf(test, tf.util.sizeFromShape(a), i));
  await loadEager('tfjs-cpu');
  const eager = new Map<string, Float32Array>();
  tf.tidy(() => {
    const inputs = test.shapes.map((a, i) => tf.tensor(data[i]!, a));
    for (const [name, tensor] of compute(test, inputs)) {
      eager.set(name, Float32Array.from(tensor.dataSync()));
    }
  });
  const graph = await record((inputs) =>
    compute(
      test,
      test.shapes.map((a, i) => inputs.input(`x${i}`, a)),
    ),
  );
  const session = await ort.InferenceSession.create(encodeOnnx(simplify(graph)), {
    intraOpNumThreads: 1,
    logSeverityLevel: 3,
  });
  const feeds = test.shapes.map(
    (a, i) => [`x${i}`, new ort.Tensor('float32', data[i]!, a)] as const,
  );
  const known = new Set(session.inputNames);
  const outputs = await session.run(Object.fromEntries(feeds.filter(([name]) => known.has(name))));
  for (const [name, want] of eager) {
    const got = outputs[name]?.data as Float32Array;
    expect(got.length, name).toBe(want.length);
    if (want.some((value) => value !== 0)) expect(relativeL2(got, want), name).toBeLessThan(1e-5);
    else expect([...got].every((value) => Math.abs(value) < 1e-6)).toBe(true);
  }
}

describe('recorded kernels agree with the eager cpu backend', () => {
  it('every kernel has a case', () => {
    expect(Object.keys(CASES).sort()).toEqual(Object.keys(RECORD_KERNELS).sort());
  });

  it.each(Object.keys(CASES))('%s', async (name) => {
    await fc.assert(fc.asyncProperty(CASES[name]!, expectAgreement), { numRuns: 15 });
  });
});
