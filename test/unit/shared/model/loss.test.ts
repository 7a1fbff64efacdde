/** @file The loss against its definition, computed here in float64. */
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { TFJS_CPU } from '../../../../shared/compute/engines/tfjs.ts';
import { loadEager } from '../../../../shared/compute/engines/tfjs-program.ts';
import { correctCount, crossEntropySum } from '../../../../shared/model/loss.ts';

const LOGITS = [
  [2, -1, 0.5],
  [0, 0, 0],
  [-3, 4, 1],
  [1, 1.5, -2],
];
const LABELS = [0, 2, 0, 1];

beforeAll(async () => {
  await loadEager(TFJS_CPU);
});

/** Loss, correct count and the gradient of the loss with respect to the logits. */
function lossOf(logits: number[][], weights: number[], smoothing: number) {
  return tf.tidy(() => {
    const targets = { labels: tf.tensor1d(LABELS, 'int32'), weights: tf.tensor1d(weights) };
    const x = tf.tensor2d(logits);
    const { value, grad } = tf.valueAndGrad((y) =>
      crossEntropySum(y as tf.Tensor2D, targets, smoothing),
    )(x);
    return {
      loss: value.dataSync()[0] as number,
      correct: correctCount(x, targets).dataSync()[0] as number,
      gradient: grad.arraySync() as number[][],
    };
  });
}

function probabilities(row: number[]): number[] {
  const powers = row.map((x) => Math.exp(x - Math.max(...row)));
  const total = powers.reduce((sum, power) => sum + power, 0);
  return powers.map((power) => power / total);
}

/** What a row should add up to: (1 - s) of the label, the rest spread evenly over all classes. */
function targetOf(label: number, smoothing: number): number[] {
  return [0, 1, 2].map((i) => (i === label ? 1 - smoothing : 0) + smoothing / 3);
}

describe('cross-entropy', () => {
  it.each([
    { smoothing: 0, weights: [1, 1, 1, 1] },
    { smoothing: 0.1, weights: [1, 1, 1, 1] },
    { smoothing: 0.1, weights: [1, 0, 1, 0] },
  ])('is a sum by its definition with smoothing $smoothing and weights $weights', (given) => {
    const { smoothing, weights } = given;
    let expected = 0;
    const gradient = LOGITS.map((row, i) => {
      const p = probabilities(row);
      const target = targetOf(LABELS[i]!, smoothing);
      expected -= weights[i]! * target.reduce((sum, t, k) => sum + t * Math.log(p[k]!), 0);
      return p.map((value, k) => weights[i]! * (value - target[k]!));
    });
    const got = lossOf(LOGITS, weights, smoothing);
    expect(got.loss).toBeCloseTo(expected, 5);
    for (const [i, row] of gradient.entries()) {
      for (const [k, value] of row.entries()) expect(got.gradient[i]![k]).toBeCloseTo(value, 6);
    }
  });

  it('of samples of weight 0 is 0, and so is its gradient', () => {
    const { loss, correct, gradient } = lossOf(LOGITS, [0, 0, 0, 0], 0.1);
    expect(Math.abs(loss)).toBe(0);
    expect(correct).toBe(0);
    expect(gradient.flat().every((value) => Math.abs(value) === 0)).toBe(true);
  });

  it('stays finite for logits whose exponentials would not', () => {
    const huge = LOGITS.map((row) => row.map((x) => 1000 * x));
    const { loss, gradient } = lossOf(huge, [1, 1, 1, 1], 0);
    expect(loss).toBeCloseTo(7000 + Math.log(3), 1);
    expect(gradient.flat().every(Number.isFinite)).toBe(true);
  });
});

describe('the correct count', () => {
  it.each([
    { weights: [1, 1, 1, 1], count: 2 },
    { weights: [0, 1, 1, 1], count: 1 },
  ])('with weights $weights is $count', ({ weights, count }) => {
    expect(lossOf(LOGITS, weights, 0).correct).toBe(count);
  });
});
