/** @file The model's operations and their hand-written gradients, against definitions and plain autodiff. */
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, it } from 'vitest';
import { loadEager } from '../../../shared/compute/engines/tfjs.ts';
import { randomNormal } from '../../../shared/core/random.ts';
import { attention, gelu, layerNorm } from '../../../shared/model/ops.ts';
import { relativeL2 } from '../compute/support.ts';

beforeAll(async () => {
  await loadEager('tfjs-cpu');
});

type Operation = (...inputs: tf.Tensor[]) => tf.Tensor;

function random(shape: number[], counter: number): tf.Tensor {
  const size = tf.util.sizeFromShape(shape);
  const values = Float32Array.from({ length: size }, (_, i) =>
    randomNormal(1, 'faults', counter, i),
  );
  return tf.tensor(values, shape);
}

/** Expects two operations to agree in value and, weighting the outputs at random, in every gradient. */
function expectSame(got: Operation, want: Operation, shapes: number[][]): void {
  tf.tidy(() => {
    const inputs = shapes.map(random);
    const weight = random(want(...inputs).shape, 99);
    const results = [got, want].map((operation) => [
      operation(...inputs),
      ...tf.grads((...xs) => tf.sum(tf.mul(operation(...xs), weight)) as tf.Scalar)(inputs),
    ]);
    for (const [i, tensor] of results[0]!.entries()) {
      const [a, b] = [tensor, results[1]![i]!].map((t) => t.dataSync() as Float32Array);
      expect(relativeL2(a!, b!), i === 0 ? 'value' : `gradient ${i - 1}`).toBeLessThan(2e-6);
    }
  });
}

describe('layer norm', () => {
  it('is the composed one in value and in gradient', () => {
    const composed: Operation = (x, gamma, beta) => {
      const { mean, variance } = tf.moments(x!, -1, true);
      const normal = tf.div(tf.sub(x!, mean), tf.sqrt(tf.add(variance, 1e-6)));
      return tf.add(tf.mul(normal, gamma!), beta!);
    };
    expectSame(layerNorm as Operation, composed, [[5, 12], [12], [12]]);
  });

  it('of a constant row is its bias', () => {
    const rows = layerNorm(tf.fill([2, 3], 7), tf.ones([3]), tf.tensor1d([1, 2, 3]));
    expect(rows.arraySync()).toEqual([
      [1, 2, 3],
      [1, 2, 3],
    ]);
  });
});

describe('GELU', () => {
  /** x, x Phi(x), Phi(x) + x phi(x). Source  tables of the normal distribution. */
  it.each([
    [0, 0, 0.5],
    [1, 0.84134475, 1.08331547],
    [-1, -0.15865525, -0.08331547],
    [3, 2.99595031, 1.0119456],
    [30, 30, 1],
    [-30, 0, 0],
  ])('at %d is %d with slope %d', (x, value, slope) => {
    const at = tf.tensor2d([[x]]);
    expect(gelu(at).dataSync()[0]).toBeCloseTo(value, 5);
    const gradient = tf.grad((y) => gelu(y as tf.Tensor2D))(at);
    expect(gradient.dataSync()[0]).toBeCloseTo(slope, 5);
  });
});

describe('attention', () => {
  const composed: Operation = (q, k, v) => {
    const scores = tf.div(tf.matMul(q!, k!, false, true), Math.sqrt(q!.shape[3]!));
    return tf.matMul(tf.softmax(scores), v!);
  };

  it('is softmax(q k^T / sqrt(K)) v in value and in gradient', () => {
    const shape = [2, 3, 5, 4];
    expectSame(attention as Operation, composed, [shape, shape, shape]);
  });

  it('without a preference answers the mean of the values', () => {
    const zeros = tf.zeros([1, 1, 2, 1]) as tf.Tensor4D;
    const y = attention(zeros, zeros, tf.tensor4d([1, 3], [1, 1, 2, 1]));
    expect([...y.dataSync()]).toEqual([2, 2]);
  });
});
