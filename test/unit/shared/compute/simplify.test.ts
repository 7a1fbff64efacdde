/** @file Rewrites of a recorded graph: where they happen and where they must not; the results stay the same. */
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { GraphBuilder } from '../../../../shared/compute/record/graph.ts';
import { simplify } from '../../../../shared/compute/record/simplify.ts';
import {
  expectAgreement,
  type Input,
  recordFunction,
  runGraph,
} from '../../../support/agreement.ts';

/** A matrix, a square one, a vector and a stack of matrices, from which a case takes what it needs. */
interface Inputs {
  readonly x: tf.Tensor2D;
  readonly w: tf.Tensor2D;
  readonly b: tf.Tensor1D;
  readonly q: tf.Tensor3D;
}

const INPUTS = [[2, 3], [3, 3], [3], [4, 3, 3]].map(
  (shape): Input => ({ shape, values: 'normal' }),
);

/** Operators of a simplified graph and the factors of its products, once it gave the original's results. */
async function simplified(build: (inputs: Inputs) => tf.Tensor | tf.Tensor[]) {
  const graph = await recordFunction(INPUTS, (x, w, b, q) => {
    const outputs = [build({ x, w, b, q } as unknown as Inputs)].flat();
    return new Map(outputs.map((output, i) => [`y${i}`, output]));
  });
  const rewritten = simplify(graph);
  expectAgreement(await runGraph(rewritten, INPUTS, 1), await runGraph(graph, INPUTS, 1));
  const nodes = rewritten.nodes.filter(({ op }) => op !== 'Identity');
  const factors = (name: string) =>
    nodes.flatMap(({ attributes }) => {
      const value = attributes[name];
      return typeof value === 'object' && 'float' in value ? [value.float] : [];
    });
  return {
    ops: nodes.map(({ op }) => op).join(' '),
    alphas: factors('alpha'),
    betas: factors('beta'),
    constants: rewritten.constants.length,
  };
}

describe('biases', () => {
  it('move into the product', async () => {
    const { ops } = await simplified(({ x, w, b }) => tf.add(tf.matMul(x, w), b));
    expect(ops).toBe('Gemm');
  });

  it('move in once; a second one stays', async () => {
    const { ops } = await simplified(({ x, w, b }) => tf.add(tf.add(tf.matMul(x, w), b), b));
    expect(ops).toBe('Gemm Add');
  });

  it.each<[string, (inputs: Inputs) => tf.Tensor | tf.Tensor[], string]>([
    [
      'somebody else reads the product too',
      ({ x, w, b }) => {
        const product = tf.matMul(x, w);
        return [tf.add(product, b), tf.exp(product)];
      },
      'Gemm Add Exp',
    ],
    ['the summand is a matrix', ({ x, w }) => tf.add(tf.matMul(x, w), x), 'Gemm Add'],
    [
      'the vector is itself scaled',
      ({ x, w, b }) => tf.add(tf.matMul(x, w), tf.mul(b, 2)),
      'Gemm Mul Add',
    ],
    ['the product is one of stacks', ({ q, b }) => tf.add(tf.matMul(q, q), b), 'FusedMatMul Add'],
    ['there is no product', ({ x, b }) => tf.add(tf.exp(x), b), 'Exp Add'],
  ])('stay where %s', async (_where, build, ops) => {
    expect(await simplified(build)).toMatchObject({ ops });
  });
});

describe('scales', () => {
  it.each<[string, (inputs: Inputs) => tf.Tensor, object]>([
    [
      'the product before',
      ({ x, w }) => tf.mul(tf.matMul(x, w), 0.5),
      { ops: 'Gemm', alphas: [0.5] },
    ],
    [
      'the product before, from the left',
      ({ x, w }) => tf.mul(0.5, tf.matMul(x, w)),
      { ops: 'Gemm', alphas: [0.5] },
    ],
    [
      'the product before and its bias',
      ({ x, w, b }) => tf.mul(tf.add(tf.matMul(x, w), b), 0.5),
      { ops: 'Gemm', alphas: [0.5], betas: [0.5] },
    ],
    [
      'the product before, one after the other',
      ({ x, w }) => tf.mul(tf.mul(tf.matMul(x, w), 0.5), 3),
      { ops: 'Gemm', alphas: [1.5] },
    ],
    [
      'the product of stacks before',
      ({ q }) => tf.exp(tf.mul(tf.matMul(q, q, false, true), 0.5)),
      { ops: 'FusedMatMul Exp', alphas: [0.5] },
    ],
    [
      'the product after',
      ({ x, w }) => tf.matMul(tf.mul(tf.exp(x), 2), w),
      { ops: 'Exp Gemm', alphas: [2] },
    ],
    [
      'the product after, whose bias is not scaled',
      ({ x, w, b }) => tf.add(tf.matMul(x, tf.mul(tf.neg(w), 2)), b),
      { ops: 'Neg Gemm', alphas: [2], betas: [1] },
    ],
    [
      'the products after it, all of them',
      ({ x, w }) => {
        const scaled = tf.mul(tf.exp(x), 2);
        return tf.matMul(tf.matMul(scaled, w), scaled, false, true);
      },
      { ops: 'Exp Gemm Gemm', alphas: [2, 2] },
    ],
  ])('move into %s', async (_where, build, expected) => {
    expect(await simplified(build)).toMatchObject({ ...expected, constants: 0 });
  });

  it.each<[string, (inputs: Inputs) => tf.Tensor | tf.Tensor[], string]>([
    [
      'a product multiplies the value by itself',
      ({ x }) => {
        const scaled = tf.mul(tf.exp(x), 2);
        return tf.matMul(scaled, scaled, true);
      },
      'Exp Mul Gemm',
    ],
    [
      'something else than a product reads the value',
      ({ x, w }) => {
        const scaled = tf.mul(tf.exp(x), 2);
        return [tf.matMul(scaled, w), tf.exp(scaled)];
      },
      'Exp Mul Gemm Exp',
    ],
    [
      'the value is also a result',
      ({ x, w }) => {
        const scaled = tf.mul(tf.exp(x), 2);
        return [tf.matMul(scaled, w), scaled];
      },
      'Exp Mul Gemm',
    ],
    [
      'somebody else reads the unscaled product',
      ({ x, w }) => {
        const product = tf.matMul(x, w);
        return [tf.exp(tf.mul(product, 2)), tf.neg(product)];
      },
      'Gemm Mul Exp Neg',
    ],
    ['they are vectors', ({ x, w, b }) => tf.mul(tf.matMul(x, w), b), 'Gemm Mul'],
    [
      'they are computed',
      ({ x, w, b }) => tf.mul(tf.matMul(x, w), tf.sum(b)),
      'Gemm ReduceSum Mul',
    ],
    [
      'they raise the rank',
      ({ x, w }) => tf.mul(tf.matMul(x, w), tf.tensor([2], [1, 1, 1])),
      'Gemm Mul',
    ],
  ])('stay where %s', async (_where, build, ops) => {
    expect(await simplified(build)).toMatchObject({ ops });
  });
});

describe('a graph whose product already has a scaled bias', () => {
  it('stays as it is', async () => {
    const builder = new GraphBuilder();
    const [x, w, b] = INPUTS.map(({ shape }, i) => builder.input(`x${i}`, shape, 'float32'));
    const two = builder.constant(Float32Array.of(2), [], 'float32');
    const [scaled] = builder.node('Mul', [b!, two], [b!]);
    const factors = { transA: 0, transB: 0, alpha: { float: 1 }, beta: { float: 1 } };
    const [y] = builder.node('Gemm', [x!, w!, scaled!], [x!], factors);
    const graph = builder.finish(new Map([['y', y!]]));
    const rewritten = simplify(graph);
    expect(rewritten.nodes).toEqual(graph.nodes);
    expectAgreement(await runGraph(rewritten, INPUTS, 1), await runGraph(graph, INPUTS, 1));
  });
});

describe('unused', () => {
  it('nodes and constants go', async () => {
    const { ops, constants } = await simplified(({ x }) => {
      tf.log(tf.add(x, 3));
      return tf.exp(x);
    });
    expect({ ops, constants }).toEqual({ ops: 'Exp', constants: 0 });
  });
});
