/** @file The model's operations at points where the answer is known; the property test compares them at random ones. */
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, it } from 'vitest';
import { TFJS_CPU } from '../../../../shared/compute/engines/tfjs.ts';
import { loadEager } from '../../../../shared/compute/engines/tfjs-program.ts';
import { attention, gelu, layerNormRows } from '../../../../shared/model/ops.ts';

beforeAll(async () => {
  await loadEager(TFJS_CPU);
});

describe('layer norm', () => {
  it('of a constant row is its bias', () => {
    const rows = layerNormRows(tf.fill([2, 3], 7), tf.ones([3]), tf.tensor1d([1, 2, 3]));
    expect(rows.arraySync()).toEqual([
      [1, 2, 3],
      [1, 2, 3],
    ]);
  });

  it('of rows that hardly vary depends on the epsilon', () => {
    const row = tf.tensor2d([[0, 1e-3]]);
    const [gamma, beta] = [tf.ones([2]) as tf.Tensor1D, tf.zeros([2]) as tf.Tensor1D];
    expect(layerNormRows(row, gamma, beta).dataSync()[1]).toBeCloseTo(5e-4 / Math.sqrt(1.25e-6), 4);
    expect(layerNormRows(row, gamma, beta, 1e-12).dataSync()[1]).toBeCloseTo(1, 4);
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
  it('without a preference answers the mean of the values', () => {
    const zeros = tf.zeros([1, 1, 2, 1]) as tf.Tensor4D;
    const y = attention(zeros, zeros, tf.tensor4d([1, 3], [1, 1, 2, 1]));
    expect([...y.dataSync()]).toEqual([2, 2]);
  });
});
