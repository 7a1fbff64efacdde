/** @file Products in standard ONNX give what ONNX Runtime's own give, however they are transposed and scaled. */
import * as tf from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { simplify } from '../../../../shared/compute/graph/simplify.ts';
import { recordPart } from '../../../../shared/compute/graph/steps.ts';
import { lowerToOnnx } from '../../../../shared/compute/lower/onnx.ts';
import type { OnnxGraph } from '../../../../shared/compute/lower/onnx-graph.ts';
import { lowerForCpu } from '../../../../shared/compute/lower/onnxruntime-cpu.ts';
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

const opsOf = ({ nodes }: OnnxGraph) => nodes.map(({ op }) => op).filter((op) => op !== 'Identity');
const domainsOf = ({ nodes }: OnnxGraph) => new Set(nodes.map(({ domain }) => domain));

it.each([
  [false, false],
  [true, false],
  [false, true],
  [true, true],
])('transposed: %s and %s', async (first, second) => {
  const graph = await recordFunction(INPUTS, (x, y) => {
    const [a, b] = [first ? y : x, second ? x : y] as tf.Tensor[];
    const product = tf.matMul(a as tf.Tensor, b as tf.Tensor, first, second);
    return new Map([
      ['product', product],
      ['scaled', tf.mul(tf.matMul(a as tf.Tensor, b as tf.Tensor, first, second), 0.5)],
    ]);
  });
  const [standard, own] = [lowerToOnnx(simplify(graph)), lowerForCpu(graph)];
  const turned = [...(first ? ['Transpose'] : []), ...(second ? ['Transpose'] : [])];
  expect(opsOf(standard)).toEqual([...turned, 'MatMul', ...turned, 'MatMul', 'Mul']);
  expect(opsOf(own)).toEqual(['FusedMatMul', 'FusedMatMul']);
  expectAgreement(await runGraph(standard, INPUTS, 1), await runGraph(own, INPUTS, 1));
});

it('a product that is wider than high is transposed beforehand, for the CPU alone', async () => {
  const inputs = [[2, 129], [129, 3], [3]].map((shape): Input => ({ shape, values: 'normal' }));
  const graph = await recordFunction(inputs, (x, y, b) => {
    const product = tf.matMul(x as tf.Tensor, y as tf.Tensor);
    return new Map([['y', tf.add(product, b as tf.Tensor)]]);
  });
  const [standard, own] = [lowerToOnnx(simplify(graph)), lowerForCpu(graph)];
  expect(opsOf(own)).toEqual(['Transpose', 'Gemm']);
  expect(opsOf(standard)).toEqual(['Gemm']);
  expectAgreement(await runGraph(standard, inputs, 1), await runGraph(own, inputs, 1));
});

it.each([
  ['higher than wide', 96, 80, ['Transpose', 'Gemm']],
  ['as high as wide', 80, 80, ['Transpose', 'Gemm']],
  ['wider than high', 80, 96, ['Transpose', 'Gemm', 'Transpose']],
  ['narrow', 96, 64, ['Gemm']],
])(
  'the left matrix of a gradient is transposed once, with the same bits: %s',
  async (_, rows, columns, ops) => {
    const inputs = [rows, columns].map((side): Input => ({ shape: [300, side], values: 'normal' }));
    const graph = await recordFunction(inputs, (x, y) => {
      return new Map([['gradient', tf.matMul(x as tf.Tensor, y as tf.Tensor, true)]]);
    });
    const [standard, own] = [lowerToOnnx(simplify(graph)), lowerForCpu(graph)];
    expect(opsOf(own)).toEqual(ops);
    expect(opsOf(standard)).toEqual(['Gemm']);
    expect(await runGraph(own, inputs, 1)).toEqual(await runGraph(standard, inputs, 1));
  },
);

it('a training step has nothing that only ONNX Runtime knows, except on the CPU', async () => {
  const graph = await recordPart(SMALL_SPEC, 'training');
  expect(domainsOf(lowerToOnnx(simplify(graph)))).toEqual(new Set(['']));
  expect(domainsOf(lowerForCpu(graph))).toEqual(new Set(['', 'com.microsoft']));
});
