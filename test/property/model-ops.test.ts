/**
 * @file The model's operations and their hand-written gradients, against compositions of plain TensorFlow.js
 * operations and its own autodiff; eagerly and compiled, over random shapes.
 */
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { describe, it } from 'vitest';
import { correctCount, crossEntropySum } from '../../shared/model/loss.ts';
import { attention, gelu, layerNormRows, linearRows } from '../../shared/model/ops.ts';
import {
  expectAgreement,
  type Input,
  runCompiled,
  runEagerly,
  withGradients,
} from '../support/agreement.ts';

type Operation = (...inputs: tf.Tensor[]) => tf.Tensor;

interface Case {
  /** What the model calls, and what it stands for. */
  readonly operation: Operation;
  readonly composed: Operation;
  readonly shapes: readonly number[][];
}

const side = fc.integer({ min: 1, max: 7 });

const CASES: Readonly<Record<string, fc.Arbitrary<Case>>> = {
  'an affine map': fc.tuple(side, side, side).map(([rows, width, outputs]) => ({
    operation: linearRows as Operation,
    composed: (x, weight, bias) => {
      const products_ROI = tf.mul(tf.reshape(x!, [rows, 1, width]), weight!);
      return tf.add(tf.sum(products_ROI, -1), bias!);
    },
    shapes: [[rows, width], [outputs, width], [outputs]],
  })),
  // Narrow rows may be almost constant, and their deviation rounding alone.
  'layer norm': fc.tuple(side, fc.integer({ min: 6, max: 40 })).map(([rows, width]) => ({
    operation: (x, gamma, beta) => layerNormRows(x as never, gamma as never, beta as never),
    composed: (x, gamma, beta) => {
      const { mean, variance } = tf.moments(x!, -1, true);
      const normal = tf.div(tf.sub(x!, mean), tf.sqrt(tf.add(variance, 1e-6)));
      return tf.add(tf.mul(normal, gamma!), beta!);
    },
    shapes: [[rows, width], [width], [width]],
  })),
  GELU: fc.tuple(side, side).map((shape) => ({
    operation: gelu as Operation,
    composed: (x) => {
      const phi = tf.mul(tf.add(tf.erf(tf.div(x!, Math.SQRT2)), 1), 0.5);
      return tf.mul(x!, phi);
    },
    shapes: [shape],
  })),
  attention: fc.tuple(side, side, side, side).map((shape) => ({
    operation: attention as Operation,
    composed: (q, k, v) => {
      const scores = tf.div(tf.matMul(q!, k!, false, true), Math.sqrt(shape[3]));
      return tf.matMul(tf.softmax(scores), v!);
    },
    shapes: [shape, shape, shape],
  })),
};

const normal = (shape: number[]): Input => ({ shape, values: 'normal' });

describe('is its composition in value and in gradient, eagerly and compiled:', () => {
  it.each(Object.keys(CASES))('%s', async (name) => {
    const agrees = async ({ operation, composed, shapes }: Case, seed: number) => {
      const inputs = shapes.map(normal);
      const want = await runEagerly(
        inputs,
        seed,
        withGradients((...xs) => [composed(...xs)]),
      );
      const build = withGradients((...xs) => [operation(...xs)]);
      expectAgreement(await runEagerly(inputs, seed, build), want);
      expectAgreement(await runCompiled(inputs, seed, build), want);
    };
    await fc.assert(fc.asyncProperty(CASES[name]!, fc.nat(), agrees), { numRuns: 15 });
  });

  it('the loss, with its count of correct samples', async () => {
    const agrees = async (batch: number, classes: number, smoothing: number, seed: number) => {
      const inputs = [normal([batch, classes])];
      const labels = Array.from({ length: batch }, (_, i) => (seed + i) % classes);
      const weights = Array.from({ length: batch }, (_, i) => (i % 3 === 1 ? 0 : 1));
      const targets = () => ({
        labels: tf.tensor1d(labels, 'int32'),
        weights: tf.tensor1d(weights),
      });
      const composed = ([logits]: tf.Tensor[]) => {
        const { labels, weights } = targets();
        const onLabel = tf.mul(tf.oneHot(labels, classes), 1 - smoothing);
        const logP = tf.logSoftmax(logits!);
        const losses = tf.neg(tf.sum(tf.mul(tf.add(onLabel, smoothing / classes), logP), -1));
        return tf.sum(tf.mul(losses, weights));
      };
      const count = ([logits]: tf.Tensor[]) => {
        const { labels, weights } = targets();
        const predicted = tf.argMax(logits!, -1).dataSync();
        const isCorrect = labels.dataSync().map((label, i) => Number(label === predicted[i]));
        return tf.sum(tf.mul(tf.tensor1d([...isCorrect]), weights));
      };
      const want = await runEagerly(inputs, seed, (...xs) => {
        return new Map(withGradients((...ys) => [composed(ys)])(...xs)).set('count', count(xs));
      });
      const build = (...xs: tf.Tensor[]) => {
        const loss = (y: tf.Tensor) => crossEntropySum(y as tf.Tensor2D, targets(), smoothing);
        const outputs = withGradients((y) => [loss(y as tf.Tensor)])(...xs);
        return new Map(outputs).set('count', correctCount(xs[0] as tf.Tensor2D, targets()));
      };
      expectAgreement(await runEagerly(inputs, seed, build), want);
      expectAgreement(await runCompiled(inputs, seed, build), want);
    };
    const classes = fc.integer({ min: 2, max: 7 });
    const smoothing = fc.constantFrom(0, 0.1, 0.5);
    await fc.assert(fc.asyncProperty(side, classes, smoothing, fc.nat(), agrees), { numRuns: 15 });
  });
});
