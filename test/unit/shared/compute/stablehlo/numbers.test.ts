/** @file Where numbers are rounded, and inputs that are not float32: on XLA's CPU plugin. */
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Client } from '../../../../../shared/compute/engines/xla/client.ts';
import {
  type Graph,
  graphNode,
  type Value,
  type ValueType,
} from '../../../../../shared/compute/graph/graph.ts';
import type { Precision } from '../../../../../shared/model/precision.ts';
import { type Input, recordFunction } from '../../../../support/agreement.ts';
import { lacksXlaCpu } from '../../../../support/xla.ts';
import { moduleOf, openXlaCpu, runOnXla } from '../../../../support/xla-agreement.ts';

const numbers = (...values: number[]) => Float32Array.from(values);

describe.skipIf(lacksXlaCpu('numbers of StableHLO'))('numbers of StableHLO', () => {
  let client: Client;
  beforeAll(() => {
    client = openXlaCpu();
  });
  afterAll(() => client.destroy());

  /** A row times a matrix of two equal columns: the product as it leaves the program, and with 0 added to it. */
  async function products(precision: Precision, row: Float32Array, column: Float32Array) {
    const terms = row.length;
    const shapes = [
      [2, terms],
      [terms, 2],
    ];
    const inputs = shapes.map((shape): Input => ({ shape, values: 'normal' }));
    const both = Float32Array.from({ length: 2 * terms }, (_, i) => column[i >> 1] as number);
    const run = async (name: string, whole: (a: tf.Tensor, b: tf.Tensor) => tf.Tensor) => {
      const graph = await recordFunction(inputs, (a, b) => {
        return new Map([[name, whole(a as tf.Tensor, b as tf.Tensor)]]);
      });
      const data = [Float32Array.from([...row, ...row]), both];
      const result = runOnXla(client, graph, data, precision).get(name);
      const [first, ...others] = Array.from(result?.data ?? []);
      expect(others).toEqual([first, first, first]);
      return first;
    };
    return {
      leaving: await run('leaving', (a, b) => tf.matMul(a, b)),
      inside: await run('inside', (a, b) => tf.add(tf.matMul(a, b), 0)),
    };
  }

  it.each<[Precision, number, number]>([
    ['f32', 257, 257],
    ['tf32', 257, 257],
    // bfloat16 has 8 bits: halfway between 256 and 258 it takes the even one.
    ['bf16', 257, 256],
  ])('in %s, 256 + 1 leaves as %d and is %d inside', async (precision, leaving, inside) => {
    expect(await products(precision, numbers(256, 1), numbers(1, 1))).toEqual({ leaving, inside });
  });

  it('in bf16, operands are rounded', async () => {
    const { leaving } = await products('bf16', numbers(257, 259), numbers(1, 1));
    expect(leaving).toBe(256 + 260);
  });

  it('in bf16, sums are float32: 256 and 64 ones are 320', async () => {
    const row = new Float32Array(65).fill(1).with(0, 256);
    const sums = await products('bf16', row, new Float32Array(65).fill(1));
    expect(sums).toEqual({ leaving: 320, inside: 320 });
  });

  it('in bf16, a product with a vector is float32', async () => {
    const shapes = [
      [2, 2],
      [2, 1],
    ];
    const inputs = shapes.map((shape): Input => ({ shape, values: 'normal' }));
    const graph = await recordFunction(inputs, (a, b) => {
      return new Map([['y', tf.add(tf.matMul(a as tf.Tensor, b as tf.Tensor), 0)]]);
    });
    const data = [numbers(257, 2, 0.001, 3), numbers(1, 1)];
    const y = runOnXla(client, graph, data, 'bf16').get('y');
    expect(Array.from(y?.data ?? [])).toEqual([259, Math.fround(Math.fround(0.001) + 3)]);
  });

  /** A graph of one node. */
  function oneNode(op: 'cast' | 'barrier', inputs: readonly Value[], types: readonly ValueType[]) {
    const outputs = inputs.map(({ shape }, i) => ({ shape, type: types[i] as ValueType }));
    const node = graphNode(op, inputs, outputs, {});
    return {
      inputs: new Map(inputs.map((value, i) => [`x${i}`, value])),
      outputs: new Map(node.outputs.map((value, i) => [`y${i}`, value])),
      nodes: [node],
    } satisfies Graph;
  }

  it.each<[ValueType, ArrayBufferView, number[]]>([
    ['uint8', Uint8Array.of(0, 1, 128, 255), [0, 1, 128, 255]],
    ['float16', Uint16Array.of(0x3c00, 0xc000, 0x0001, 0x7bff), [1, -2, 2 ** -24, 65504]],
    ['bool', Uint8Array.of(0, 1, 1, 0), [0, 1, 1, 0]],
  ])('%s inputs become float32 exactly', (type, array, want) => {
    const graph = oneNode('cast', [{ shape: [4], type }], ['float32']);
    const result = runOnXla(client, graph, [array]).get('y0');
    expect(Array.from(result?.data ?? [])).toEqual(want);
  });

  it('a barrier gives each value as it is, in one operation', () => {
    const inputs: Value[] = [
      { shape: [2], type: 'float32' },
      { shape: [1, 2], type: 'int32' },
    ];
    const graph = oneNode('barrier', inputs, ['float32', 'int32']);
    const results = runOnXla(client, graph, [numbers(0.1, -0), Int32Array.of(3, -4)]);
    expect([...results.values()].map(({ data }) => Array.from(data))).toEqual([
      [Math.fround(0.1), -0],
      [3, -4],
    ]);
    expect(moduleOf(graph).text.match(/optimization_barrier %x0, %x1/g)).toHaveLength(1);
  });
});
