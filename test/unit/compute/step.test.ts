/** @file The compiled step against the eager one, which is TensorFlow.js's own and the oracle. */
import { beforeAll, describe, expect, it } from 'vitest';
import { compileProgram } from '../../../shared/compute/compile.ts';
import type { LeafOutputs, Program } from '../../../shared/compute/program.ts';
import { initialParameters } from '../../../shared/model/init.ts';
import { parameterTable, parameterViews } from '../../../shared/model/parameters.ts';
import {
  CPU_COMPILED,
  CPU_EAGER,
  randomLeaf,
  randomParameters,
  relativeL2,
  SMALL_SPEC,
} from './support.ts';

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

describe('P2: the number of threads changes no bit', () => {
  it.each([
    ['the quickstart model', { imageSize: 28, channels: 1, patchSize: 7, width: 64, heads: 4 }, 16],
    [
      'a block of Ti/16 at 224 px',
      { imageSize: 224, channels: 3, patchSize: 16, width: 192, heads: 3 },
      2,
    ],
  ])('%s', async (_what, size, microBatch) => {
    const model = { ...size, depth: 1, mlpWidth: 4 * size.width, numClasses: 10 };
    const spec = { model, microBatch, labelSmoothing: 0 };
    const input = randomLeaf(spec, 3);
    const start = initialParameters(model, 5, 1);
    start.set(randomParameters(1000, 6), start.length - 1000);
    const results = [];
    for (const threads of [1, 2]) {
      const program = await compileProgram(spec, { ...CPU_COMPILED, threads });
      program.setParameters(start);
      results.push(await program.train(input));
    }
    expect(results[1]).toEqual(results[0]);
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
