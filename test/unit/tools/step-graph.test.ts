/** @file The operations of a training step: what they cost, what they are named, and the file that has them. */
import * as ort from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { graphLines } from '../../../cli/summary/summary-view.ts';
import { costOf } from '../../../shared/compute/graph/costs.ts';
import { graphNode, type Value } from '../../../shared/compute/graph/graph.ts';
import { parseVariant } from '../../../shared/model/variants.ts';
import { stepGraph } from '../../../tools/inference/step-graph.ts';
import { summarise } from '../../../tools/inference/summary.ts';
import { SMALL_SPEC } from '../../support/compute.ts';

const floats = (...shape: number[]): Value => ({ shape, type: 'float32' });
const FACTORS = { transposeA: false, transposeB: false, scale: 1, biasScale: 1 };

describe('one operation', () => {
  it('a product has two operations a term, and one more for each element of a bias', () => {
    const matrices = [floats(2, 3), floats(3, 5)];
    const plain = graphNode('matMul', matrices, [floats(2, 5)], FACTORS);
    expect(costOf(plain)).toEqual({ operations: 60, bytes: 4 * (6 + 15 + 10) });
    const biased = graphNode('matMul', [...matrices, floats(5)], [floats(2, 5)], FACTORS);
    expect(costOf(biased)).toEqual({ operations: 70, bytes: 4 * (6 + 15 + 5 + 10) });
    const turned = { ...FACTORS, transposeA: true };
    const stack = graphNode(
      'matMul',
      [floats(7, 3, 2), floats(7, 3, 5)],
      [floats(7, 2, 5)],
      turned,
    );
    expect(costOf(stack).operations).toBe(7 * 60);
  });

  it('a reduction has one for each element that it reads, a norm seven, a softmax five', () => {
    const axes = { axes: [0], keepDims: false };
    const sum = graphNode('reduceSum', [floats(4, 3)], [floats(3)], axes);
    expect(costOf(sum)).toEqual({ operations: 12, bytes: 4 * 15 });
    const softmax = graphNode('softmax', [floats(4, 3)], [floats(4, 3)], {});
    expect(costOf(softmax).operations).toBe(60);
    const rows = floats(4, 1);
    const inputs = [floats(4, 3), floats(3), floats(3)];
    const norm = graphNode('layerNorm', inputs, [floats(4, 3), rows, rows], { epsilon: 1e-6 });
    expect(costOf(norm).operations).toBe(84);
  });

  it('another shape costs nothing, another order moves bytes, of the size of their type', () => {
    expect(costOf(graphNode('reshape', [floats(4, 3)], [floats(12)], {}))).toEqual({
      operations: 0,
      bytes: 0,
    });
    const bytes: Value = { shape: [4, 3], type: 'uint8' };
    const cast = graphNode('cast', [bytes], [floats(4, 3)], {});
    expect(costOf(cast)).toEqual({ operations: 0, bytes: 12 + 48 });
  });
});

describe('a training step', () => {
  it('of ViT-Ti/16 has three times the published multiply-adds, but for the gradient of the image', async () => {
    const model = { ...parseVariant('Ti/16'), imageSize: 224, channels: 3, numClasses: 1000 };
    const [graph] = await stepGraph({ model, microBatch: 16, labelSmoothing: 0 });
    const { multiplyAdds } = summarise(model, { batch: 16, frozen: 0 });
    const embedding = 16 * 196 * 768 * 192;
    const products = graph.kinds[0]!;
    expect(products.op).toBe('matMul');
    const expected = 2 * (3 * multiplyAdds - embedding);
    // Sums that are products too: of norms' gradients.
    expect(products.operations / expected).toBeGreaterThan(1);
    expect(products.operations / expected).toBeLessThan(1.02);
    const lines = graphLines(graph);
    expect(lines[0]).toBe(
      'training step           a leaf of 16, forward and backward; on a CPU 8 at a time',
    );
    expect(lines[2]).toMatch(/^OPERATION +NODES +GFLOP +SHARE +MOVED +FLOP\/BYTE$/);
    expect(lines.at(-1)).toMatch(/^all .* 100\.0 % /);
  });

  it('names what each operation takes and gives', async () => {
    const [{ nodes, kinds }] = await stepGraph(SMALL_SPEC);
    expect(kinds.reduce((sum, kind) => sum + kind.nodes, 0)).toBe(nodes.length);
    const known = new Set(['constant']);
    for (const { inputs, outputs } of nodes) {
      for (const { name } of inputs) {
        expect(known.has(name) || !/^\d+\.\d+$/.test(name), name).toBe(true);
      }
      for (const { name } of outputs) known.add(name);
    }
    const names = nodes.flatMap(({ inputs }) => inputs.map(({ name }) => name));
    expect(names).toContain('blocks.1.mlp.fc1.weight');
    expect([...known]).toContain('gradient/blocks.1.mlp.fc1.weight');
  });

  it('is written as a model that ONNX Runtime reads', async () => {
    const [, encoded] = await stepGraph(SMALL_SPEC);
    const session = await ort.InferenceSession.create(encoded(), { logSeverityLevel: 3 });
    expect(session.outputNames).toContain('gradient/head.weight');
    await session.release();
  });
});
