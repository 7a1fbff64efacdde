/** @file Rewrites of a recorded graph: where they happen, and where they must not. */
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { record } from '../../../shared/compute/record/backend.ts';
import { simplify } from '../../../shared/compute/record/simplify.ts';

type Inputs = { x: tf.Tensor2D; w: tf.Tensor2D; b: tf.Tensor1D };

/** Operators of a simplified graph, and the scales of its products. */
async function simplified(build: (inputs: Inputs) => tf.Tensor | tf.Tensor[]) {
  const graph = await record((inputs) => {
    const outputs = build({
      x: inputs.input('x', [2, 3]) as tf.Tensor2D,
      w: inputs.input('w', [3, 3]) as tf.Tensor2D,
      b: inputs.input('b', [3]) as tf.Tensor1D,
    });
    return new Map([outputs].flat().map((output, i) => [`y${i}`, output]));
  });
  const nodes = simplify(graph).nodes.filter(({ op }) => op !== 'Identity');
  const scale = (name: string) =>
    nodes.flatMap(({ attributes }) => {
      const value = attributes[name];
      return typeof value === 'object' && 'float' in value ? [value.float] : [];
    });
  return { ops: nodes.map(({ op }) => op), alphas: scale('alpha'), betas: scale('beta') };
}

describe('biases', () => {
  it('move into the product', async () => {
    const { ops } = await simplified(({ x, w, b }) => tf.add(tf.matMul(x, w), b));
    expect(ops).toEqual(['Gemm']);
  });

  it('stay where somebody else reads the product too', async () => {
    const { ops } = await simplified(({ x, w, b }) => {
      const product = tf.matMul(x, w);
      return [tf.add(product, b), tf.exp(product)];
    });
    expect(ops).toEqual(['Gemm', 'Add', 'Exp']);
  });
});

describe('scales', () => {
  it('move into the product before, its bias included', async () => {
    const { ops, alphas, betas } = await simplified(({ x, w, b }) =>
      tf.mul(tf.add(tf.matMul(x, w), b), 0.5),
    );
    expect({ ops, alphas, betas }).toEqual({ ops: ['Gemm'], alphas: [0.5], betas: [0.5] });
  });

  it('move into all products after', async () => {
    const { ops, alphas, betas } = await simplified(({ x, w }) => {
      const scaled = tf.mul(tf.exp(x), 2);
      return [tf.matMul(scaled, w), tf.matMul(scaled, scaled, true)].slice(0, 1);
    });
    expect({ ops, alphas, betas }).toEqual({ ops: ['Exp', 'Gemm'], alphas: [2], betas: [1] });
  });

  it('stay where a product multiplies the value by itself', async () => {
    const { ops } = await simplified(({ x }) => {
      const scaled = tf.mul(tf.exp(x), 2);
      return tf.matMul(scaled, scaled, true);
    });
    expect(ops).toEqual(['Exp', 'Mul', 'Gemm']);
  });

  it('stay where something else than a product reads the value', async () => {
    const { ops } = await simplified(({ x, w }) => {
      const scaled = tf.mul(tf.exp(x), 2);
      return [tf.matMul(scaled, w), tf.exp(scaled)];
    });
    expect(ops).toEqual(['Exp', 'Mul', 'Gemm', 'Exp']);
  });
});

describe('unused nodes', () => {
  it('go', async () => {
    const { ops } = await simplified(({ x }) => {
      tf.log(x);
      return tf.exp(x);
    });
    expect(ops).toEqual(['Exp']);
  });
});
