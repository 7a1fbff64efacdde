/** @file The compiled step against the eager one, which is TensorFlow.js's own and the oracle. */
import { beforeAll, describe, expect, it } from 'vitest';
import { compileProgram } from '../../../../shared/compute/engines/registry.ts';
import type { LeafOutputs, Program } from '../../../../shared/compute/program.ts';
import {
  type ParameterTable,
  parameterTable,
  parameterViews,
} from '../../../../shared/model/parameters.ts';
import {
  CPU_COMPILED,
  CPU_EAGER,
  randomLeaf,
  randomParameters,
  relativeL2,
  SMALL_SPEC,
} from '../../../support/compute.ts';

const table = parameterTable(SMALL_SPEC.model);
const parameters = randomParameters(table.size, 1);
const leaf = randomLeaf(SMALL_SPEC, 2);
let compiled: Program;
let eager: Program;
let outputs: { compiled: LeafOutputs; eager: LeafOutputs };

beforeAll(async () => {
  compiled = await compileProgram(SMALL_SPEC, CPU_COMPILED);
  eager = await compileProgram(SMALL_SPEC, CPU_EAGER);
  compiled.setParameters(parameters);
  eager.setParameters(parameters);
  outputs = { compiled: await compiled.train(leaf), eager: await eager.train(leaf) };
});

describe('a compiled training step', () => {
  it('has the loss and the correct count of the eager one', () => {
    expect(outputs.compiled.lossSum).toBeCloseTo(outputs.eager.lossSum, 4);
    expect(outputs.compiled.correct).toBe(outputs.eager.correct);
  });

  it('has the gradient of the eager one in every parameter, to 1e-5', () => {
    const gradients = {
      compiled: parameterViews(outputs.compiled.gradient, table),
      eager: parameterViews(outputs.eager.gradient, table),
    };
    for (const { name } of table.entries) {
      const [got, want] = [gradients.compiled.get(name)!, gradients.eager.get(name)!];
      expect(relativeL2(got, want), name).toBeLessThanOrEqual(1e-5);
    }
  });

  it('gives the same bits each time, and with two threads', async () => {
    const again = await compiled.train(leaf);
    const twoThreads = await compileProgram(SMALL_SPEC, { ...CPU_COMPILED, threads: 2 });
    twoThreads.setParameters(parameters);
    const two = await twoThreads.train(leaf);
    expect(again).toEqual(outputs.compiled);
    expect(two).toEqual(outputs.compiled);
  });

  it('does not see a sample of weight 0', async () => {
    const changed = { ...leaf, images: leaf.images.slice(), labels: leaf.labels.slice() };
    changed.images.fill(0, (changed.images.length * 3) / 4);
    changed.labels[3] = 0;
    const { lossSum, correct, gradient } = await compiled.train(changed);
    expect(lossSum).toBe(outputs.compiled.lossSum);
    expect(correct).toBe(outputs.compiled.correct);
    expect(relativeL2(gradient, outputs.compiled.gradient)).toBeLessThan(1e-6);
  });
});

/** Names of the parameters whose gradients differ in any bit; short, where a diff of the numbers takes minutes. */
function differingParameters(
  { entries }: ParameterTable,
  a: Float32Array,
  b: Float32Array,
): string[] {
  const bits = (flat: Float32Array, offset: number, size: number) =>
    Buffer.from(flat.buffer, flat.byteOffset + 4 * offset, 4 * size);
  return entries
    .filter(({ offset, size }) => !bits(a, offset, size).equals(bits(b, offset, size)))
    .map(({ name }) => name);
}

describe('P2: the number of threads changes no bit', () => {
  const image = { imageSize: 32, channels: 3, patchSize: 4 };
  const digits = { imageSize: 28, channels: 1, patchSize: 7, width: 64, heads: 4 };
  const tiny = { width: 192, heads: 3 };
  /** Sizes at which ONNX Runtime divides its products in different ways: by rows, by columns, unevenly. */
  it.each([
    ['the quickstart model', { ...digits, depth: 4 }, 16],
    ['a block of Ti/16 at 224 pixels', { ...image, imageSize: 224, patchSize: 16, ...tiny }, 2],
    ['the width of Ti, 1000 classes', { ...image, ...tiny, numClasses: 1000 }, 8],
    ['the width of Ti, 100 classes', { ...image, ...tiny, numClasses: 100 }, 8],
    ['the width of S, leaves of 4', { ...image, width: 384, heads: 6 }, 4],
    ['fewer rows than columns', { ...image, width: 384, heads: 6 }, 1],
    ['rows that no thread count divides', { ...image, width: 160, heads: 5 }, 7],
  ])('%s', async (_what, size, microBatch) => {
    const model = { depth: 1, mlpWidth: 4 * size.width, numClasses: 10, ...size };
    const spec = { model, microBatch, labelSmoothing: 0 };
    const input = { ...randomLeaf(spec, 3), weights: new Float32Array(microBatch).fill(1) };
    const start = randomParameters(parameterTable(model).size, 5).map((value) => value / 3);
    const differing = new Map<number, string[]>();
    let first: LeafOutputs | undefined;
    for (const threads of [1, 2, 3, 8]) {
      const program = await compileProgram(spec, { ...CPU_COMPILED, threads });
      program.setParameters(start);
      const result = await program.train(input);
      await program.dispose();
      first ??= result;
      const names = differingParameters(parameterTable(model), first.gradient, result.gradient);
      if (names.length > 0 || first.lossSum !== result.lossSum) differing.set(threads, names);
    }
    expect(differing).toEqual(new Map());
  });
});

describe('finite differences', () => {
  it('agree with the gradient, along a third of its components at a time', async () => {
    const { gradient } = outputs.compiled;
    const length = Math.sqrt(gradient.reduce((sum, value) => sum + value * value, 0));
    for (const third of [0, 1, 2]) {
      const towards = gradient.map((value, i) => (i % 3 === third ? value / length : 0));
      const step = 1e-2;
      const lossAt = async (factor: number) => {
        compiled.setParameters(
          parameters.map((value, i) => value + factor * (towards[i] as number)),
        );
        return (await compiled.evaluate(leaf)).lossSum;
      };
      const slope = ((await lossAt(step)) - (await lossAt(-step))) / (2 * step);
      const expected = gradient.reduce((sum, value, i) => sum + value * (towards[i] as number), 0);
      expect(Math.abs(slope - expected) / expected).toBeLessThan(0.01);
    }
    compiled.setParameters(parameters);
  });
});

describe('the forward pass alone', () => {
  it("has the training step's loss, and its logits lead to it", async () => {
    const evaluated = await compiled.evaluate(leaf);
    expect(evaluated.lossSum).toBeCloseTo(outputs.compiled.lossSum, 4);
    expect(evaluated.gradient).toHaveLength(0);
    const [logits, eagerLogits] = [
      await compiled.predict(leaf.images),
      await eager.predict(leaf.images),
    ];
    expect(relativeL2(logits, eagerLogits)).toBeLessThan(1e-5);
  });
});
