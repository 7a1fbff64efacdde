/** @file Products in standard ONNX give what ONNX Runtime's own give, however they are transposed and scaled. */
import * as tf from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { simplify } from '../../../../shared/compute/record/simplify.ts';
import { standardProducts } from '../../../../shared/compute/record/standard-products.ts';
import { recordTraining } from '../../../../shared/compute/record/steps.ts';
import {
  expectAgreement,
  type Input,
  recordFunction,
  runGraph,
} from '../../../support/agreement.ts';
import { SMALL_SPEC } from '../../../support/compute.ts';

/** Stacks of matrices that fit each other, whichever is transposed. */
const INPUTS = [
  [2, 3, 4, 5],
  [2, 3, 5, 4],
].map((shape): Input => ({ shape, values: 'normal' }));

it.each([
  [false, false],
  [true, false],
  [false, true],
  [true, true],
])('transposed: %s and %s', async (first, second) => {
  const graph = simplify(
    await recordFunction(INPUTS, (x, y) => {
      const [a, b] = [first ? y : x, second ? x : y] as tf.Tensor[];
      const product = tf.matMul(a as tf.Tensor, b as tf.Tensor, first, second);
      return new Map([
        ['product', product],
        ['scaled', tf.mul(tf.matMul(a as tf.Tensor, b as tf.Tensor, first, second), 0.5)],
      ]);
    }),
  );
  const standard = standardProducts(graph);
  const ops = standard.nodes.map(({ op }) => op).filter((op) => op !== 'Identity');
  const turned = [...(first ? ['Transpose'] : []), ...(second ? ['Transpose'] : [])];
  expect(ops).toEqual([...turned, 'MatMul', ...turned, 'MatMul', 'Mul']);
  expectAgreement(await runGraph(standard, INPUTS, 1), await runGraph(graph, INPUTS, 1));
});

it('a training step has nothing left that only ONNX Runtime knows', async () => {
  const { nodes } = standardProducts(await recordTraining(SMALL_SPEC));
  expect(nodes.filter(({ domain }) => domain !== '')).toEqual([]);
});
