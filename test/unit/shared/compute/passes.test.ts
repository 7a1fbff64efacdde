/** @file A leaf in passes: how it is cut, and that the passes add up to it. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compileProgram } from '../../../../shared/compute/engines/registry.ts';
import { joinPasses, partOf, passOf } from '../../../../shared/compute/passes.ts';
import type { LeafInputs, Program, ProgramSpec } from '../../../../shared/compute/program.ts';
import { parameterTable } from '../../../../shared/model/parameters.ts';
import {
  CPU_COMPILED,
  randomLeaf,
  randomParameters,
  relativeL2,
  SMALL_SPEC,
} from '../../../support/compute.ts';

/** Of `imageSize` / 4 squared, and 1, tokens. */
const specOf = (imageSize: number, microBatch: number): ProgramSpec => {
  const model = { ...SMALL_SPEC.model, imageSize, depth: 1 };
  return { ...SMALL_SPEC, model, microBatch };
};

describe('a leaf is cut', () => {
  it.each([
    // 197 tokens, as a picture of 224 pixels has.
    [56, 1, 1],
    [56, 8, 8],
    [56, 10, 10],
    [56, 16, 8],
    [56, 32, 8],
    [56, 25, 5],
    [56, 20, 10],
    [56, 13, 13],
    [56, 31, 31],
    // 17 and 4,097 tokens.
    [16, 64, 64],
    [16, 256, 128],
    [256, 4, 1],
  ])('images of %i pixels: a leaf of %i into passes of %i', (imageSize, microBatch, samples) => {
    expect(passOf(specOf(imageSize, microBatch)).microBatch).toBe(samples);
  });
});

describe('passes', () => {
  it('take the rows of their samples, and give them back in order', () => {
    const values = Int32Array.from({ length: 12 }, (_, i) => i);
    const parts = [0, 1, 2].map((pass) => partOf(values, pass, 3));
    expect([...parts[1]!]).toEqual([4, 5, 6, 7]);
    const rows = parts.map((part) => Float32Array.from(part));
    expect([...joinPasses(rows, false)]).toEqual([...values]);
    expect([...joinPasses(rows, true)]).toEqual([12, 15, 18, 21]);
  });
});

describe('a leaf of twelve in two passes', () => {
  // 257 tokens, so a pass has six images.
  const spec: ProgramSpec = {
    ...specOf(64, 12),
    ...{ dropout: 0.2, stochasticDepth: 0.3, mixes: true },
  };
  const parameters = randomParameters(parameterTable(spec.model).size, 1);
  const samples = Array.from({ length: 12 }, (_, i) => i + 5);
  const leaf: LeafInputs = {
    ...randomLeaf(spec, 3),
    noise: { seed: 1, epoch: 0, samples },
    mix: {
      labels: Int32Array.from({ length: 12 }, (_, i) => i % 5),
      shares: Float32Array.from({ length: 12 }, (_, i) => 0.5 + i / 24),
    },
  };
  let programs: { whole: Program; half: Program };
  const start = async (microBatch: number) => {
    const program = await compileProgram({ ...spec, microBatch }, CPU_COMPILED);
    program.setParameters(parameters);
    return program;
  };
  const halves = [0, 1].map((pass): LeafInputs => {
    const { images, labels, weights, mix } = leaf;
    return {
      images: partOf(images, pass, 2),
      labels: partOf(labels, pass, 2),
      weights: partOf(weights, pass, 2),
      noise: { seed: 1, epoch: 0, samples: samples.slice(6 * pass, 6 * pass + 6) },
      mix: { labels: partOf(mix!.labels, pass, 2), shares: partOf(mix!.shares, pass, 2) },
    };
  });

  beforeAll(async () => {
    programs = { whole: await start(12), half: await start(6) };
  });
  afterAll(async () => {
    await programs.whole.dispose();
    await programs.half.dispose();
  });

  it('has the sums of two leaves of six, bit for bit', async () => {
    const whole = await programs.whole.train(leaf);
    const first = await programs.half.train(halves[0]!);
    const second = await programs.half.train(halves[1]!);
    expect(whole.gradient).toEqual(first.gradient.map((value, i) => value + second.gradient[i]!));
    expect(whole.correct).toBe(first.correct + second.correct);
    expect(whole.lossSum).toBe(Math.fround(first.lossSum + second.lossSum));
    expect(await programs.whole.train(leaf)).toEqual(whole);
  });

  it('has the logits and features of two leaves of six, one after the other', async () => {
    const { whole, half } = programs;
    for (const kind of ['predict', 'features'] as const) {
      const rows = await whole[kind](leaf.images);
      const first = await half[kind](halves[0]!.images);
      expect(relativeL2(rows.subarray(0, first.length), first)).toBe(0);
      expect(rows.subarray(first.length)).toEqual(await half[kind](halves[1]!.images));
    }
  });
});
