/** @file Rewrites of a recorded graph: where they happen and where they must not; the results stay the same. */
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { type Graph, graphNode, type Value } from '../../../../shared/compute/graph/graph.ts';
import { simplify } from '../../../../shared/compute/graph/simplify.ts';
import { lowerToOnnx } from '../../../../shared/compute/lower/onnx.ts';
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

/** Runs a graph as it is. */
const run = (graph: Graph) => runGraph(lowerToOnnx(graph), INPUTS, 1);

/** Operations of a simplified graph and the factors of its products, once it gave the original's results. */
async function simplified(build: (inputs: Inputs) => tf.Tensor | tf.Tensor[]) {
  const graph = await recordFunction(INPUTS, (x, w, b, q) => {
    const outputs = [build({ x, w, b, q } as unknown as Inputs)].flat();
    return new Map(outputs.map((output, i) => [`y${i}`, output]));
  });
  const rewritten = simplify(graph);
  expectAgreement(await run(rewritten), await run(graph));
  const { nodes } = rewritten;
  const products = nodes.filter((node) => node.op === 'matMul');
  return {
    ops: nodes.map(({ op }) => op).join(' '),
    scales: products.map(({ params }) => params.scale),
    biasScales: products.map(({ params }) => params.biasScale),
    constants: nodes.flatMap(({ inputs }) => inputs).filter((value) => 'data' in value).length,
  };
}

describe('biases', () => {
  it('move into the product', async () => {
    const { ops } = await simplified(({ x, w, b }) => tf.add(tf.matMul(x, w), b));
    expect(ops).toBe('matMul');
  });

  it('move in once; a second one stays', async () => {
    const { ops } = await simplified(({ x, w, b }) => tf.add(tf.add(tf.matMul(x, w), b), b));
    expect(ops).toBe('matMul add');
  });

  it.each<[string, (inputs: Inputs) => tf.Tensor | tf.Tensor[], string]>([
    [
      'somebody else reads the product too',
      ({ x, w, b }) => {
        const product = tf.matMul(x, w);
        return [tf.add(product, b), tf.exp(product)];
      },
      'matMul add exp',
    ],
    ['the summand is a matrix', ({ x, w }) => tf.add(tf.matMul(x, w), x), 'matMul add'],
    [
      'the vector is itself scaled',
      ({ x, w, b }) => tf.add(tf.matMul(x, w), tf.mul(b, 2)),
      'matMul mul add',
    ],
    ['the product is one of stacks', ({ q, b }) => tf.add(tf.matMul(q, q), b), 'matMul add'],
    ['there is no product', ({ x, b }) => tf.add(tf.exp(x), b), 'exp add'],
  ])('stay where %s', async (_where, build, ops) => {
    expect(await simplified(build)).toMatchObject({ ops });
  });
});

describe('scales', () => {
  it.each<[string, (inputs: Inputs) => tf.Tensor, object]>([
    [
      'the product before',
      ({ x, w }) => tf.mul(tf.matMul(x, w), 0.5),
      { ops: 'matMul', scales: [0.5] },
    ],
    [
      'the product before, from the left',
      ({ x, w }) => tf.mul(0.5, tf.matMul(x, w)),
      { ops: 'matMul', scales: [0.5] },
    ],
    [
      'the product before and its bias',
      ({ x, w, b }) => tf.mul(tf.add(tf.matMul(x, w), b), 0.5),
      { ops: 'matMul', scales: [0.5], biasScales: [0.5] },
    ],
    [
      'the product before, one after the other',
      ({ x, w }) => tf.mul(tf.mul(tf.matMul(x, w), 0.5), 3),
      { ops: 'matMul', scales: [1.5] },
    ],
    [
      'the product of stacks before',
      ({ q }) => tf.exp(tf.mul(tf.matMul(q, q, false, true), 0.5)),
      { ops: 'matMul exp', scales: [0.5] },
    ],
    [
      'the product after',
      ({ x, w }) => tf.matMul(tf.mul(tf.exp(x), 2), w),
      { ops: 'exp matMul', scales: [2] },
    ],
    [
      'the product after, whose bias is not scaled',
      ({ x, w, b }) => tf.add(tf.matMul(x, tf.mul(tf.neg(w), 2)), b),
      { ops: 'neg matMul', scales: [2], biasScales: [1] },
    ],
    [
      'the products after it, all of them',
      ({ x, w }) => {
        const scaled = tf.mul(tf.exp(x), 2);
        return tf.matMul(tf.matMul(scaled, w), scaled, false, true);
      },
      { ops: 'exp matMul matMul', scales: [2, 2] },
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
      'exp mul matMul',
    ],
    [
      'something else than a product reads the value',
      ({ x, w }) => {
        const scaled = tf.mul(tf.exp(x), 2);
        return [tf.matMul(scaled, w), tf.exp(scaled)];
      },
      'exp mul matMul exp',
    ],
    [
      'the value is also a result',
      ({ x, w }) => {
        const scaled = tf.mul(tf.exp(x), 2);
        return [tf.matMul(scaled, w), scaled];
      },
      'exp mul matMul',
    ],
    [
      'somebody else reads the unscaled product',
      ({ x, w }) => {
        const product = tf.matMul(x, w);
        return [tf.exp(tf.mul(product, 2)), tf.neg(product)];
      },
      'matMul mul exp neg',
    ],
    ['they are vectors', ({ x, w, b }) => tf.mul(tf.matMul(x, w), b), 'matMul mul'],
    [
      'they are computed',
      ({ x, w, b }) => tf.mul(tf.matMul(x, w), tf.sum(b)),
      'matMul reduceSum mul',
    ],
    [
      'they raise the rank',
      ({ x, w }) => tf.mul(tf.matMul(x, w), tf.tensor([2], [1, 1, 1])),
      'matMul mul',
    ],
  ])('stay where %s', async (_where, build, ops) => {
    expect(await simplified(build)).toMatchObject({ ops });
  });
});

describe('a graph whose product already has a scaled bias', () => {
  it('stays as it is', async () => {
    const values = INPUTS.map(({ shape }): Value => ({ shape, type: 'float32' }));
    const [x, w, b] = values as [Value, Value, Value];
    const two = { shape: [], type: 'float32' as const, data: Float32Array.of(2) };
    const scaled = graphNode('mul', [b, two], [b], {});
    const params = { transposeA: false, transposeB: false, scale: 1, biasScale: 1 };
    const product = graphNode('matMul', [x, w, scaled.outputs[0]!], [x], params);
    const graph = {
      inputs: new Map(values.map((value, i) => [`x${i}`, value])),
      outputs: new Map([['y', product.outputs[0]!]]),
      nodes: [scaled, product],
    };
    const rewritten = simplify(graph);
    expect(rewritten.nodes).toEqual(graph.nodes);
    expectAgreement(await run(rewritten), await run(graph));
  });
});

describe('unused', () => {
  it('nodes and constants go', async () => {
    const { ops, constants } = await simplified(({ x }) => {
      tf.log(tf.add(x, 3));
      return tf.exp(x);
    });
    expect({ ops, constants }).toEqual({ ops: 'exp', constants: 0 });
  });
});
