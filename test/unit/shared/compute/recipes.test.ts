/** @file What recipes change about a step: frozen beginnings, features, dropout, stochastic depth, mixed labels. */
import { describe, expect, it } from 'vitest';
import { compileProgram, type EngineChoice } from '../../../../shared/compute/engines/registry.ts';
import type { LeafInputs, Program, ProgramSpec } from '../../../../shared/compute/program.ts';
import { backboneSize, frozenSize, parameterTable } from '../../../../shared/model/parameters.ts';
import { attentionMaps } from '../../../../tools/inference/attention.ts';
import {
  CPU_COMPILED,
  CPU_EAGER,
  randomLeaf,
  randomParameters,
  relativeL2,
  SMALL_SPEC,
} from '../../../support/compute.ts';

const { model } = SMALL_SPEC;
const { size } = parameterTable(model);
const PARAMETERS = randomParameters(size, 1);
const LEAF = randomLeaf(SMALL_SPEC, 2);
const NOISE = { seed: 7, epoch: 3, samples: Int32Array.from([5, 11, 2]) };
const MIX = {
  labels: Int32Array.from([4, 0, 1, 2]),
  shares: Float32Array.from([0.3, 1, 0.75, 0.5]),
};

async function withProgram<T>(
  spec: ProgramSpec,
  choice: EngineChoice,
  use: (program: Program) => Promise<T>,
): Promise<T> {
  const program = await compileProgram(spec, choice);
  program.setParameters(PARAMETERS);
  try {
    return await use(program);
  } finally {
    await program.dispose();
  }
}

const train = (spec: ProgramSpec, leaf: LeafInputs, choice = CPU_COMPILED) =>
  withProgram(spec, choice, (program) => program.train(leaf));

describe('weights of classes', () => {
  const weights = LEAF.weights.map((weight, place) => weight * (0.25 + place));
  const spec: ProgramSpec = { ...SMALL_SPEC, weighsClasses: true };

  it('the compiled step is the eager one, and each sample that counts is right or wrong once', async () => {
    const compiled = await train(spec, { ...LEAF, weights });
    const eager = await train(spec, { ...LEAF, weights }, CPU_EAGER);
    expect(compiled.correct).toBe(eager.correct);
    expect(compiled.correct).toBe((await train(SMALL_SPEC, LEAF)).correct);
    expect(compiled.lossSum).toBeCloseTo(eager.lossSum, 4);
    expect(relativeL2(compiled.gradient, eager.gradient)).toBeLessThan(5e-6);
  });

  it('weights of 1 change nothing', async () => {
    const [plain, weighed] = [await train(SMALL_SPEC, LEAF), await train(spec, LEAF)];
    expect(weighed.lossSum).toBe(plain.lossSum);
    expect(weighed.gradient).toEqual(plain.gradient);
  });
});

describe('a frozen beginning', () => {
  it.each(['blocks<1', 'blocks<2', 'backbone'])(
    '%s: what trains has the gradient that it would have had',
    async (freeze) => {
      const frozen = frozenSize(model, freeze);
      const whole = await train(SMALL_SPEC, LEAF);
      const part = await train({ ...SMALL_SPEC, frozen }, LEAF);
      expect(part.gradient.length).toBe(size - frozen);
      expect(relativeL2(part.gradient, whole.gradient.subarray(frozen))).toBeLessThan(1e-6);
      expect(part.lossSum).toBeCloseTo(whole.lossSum, 4);
    },
  );

  it('of a block that is not there is refused', () => {
    expect(() => frozenSize(model, 'blocks<3')).toThrow(/blocks<3 of 2 blocks/);
  });
});

describe('features of a frozen backbone', () => {
  const spec = { ...SMALL_SPEC, frozen: backboneSize(model) };
  const imageFloats = LEAF.images.length / SMALL_SPEC.microBatch;

  it('are the same bits whatever else is in the leaf', async () => {
    await withProgram(spec, CPU_COMPILED, async (program) => {
      const together = await program.features(LEAF.images);
      for (let place = 0; place < SMALL_SPEC.microBatch; place += 1) {
        const alone = new Float32Array(LEAF.images.length);
        const image = LEAF.images.subarray(place * imageFloats, (place + 1) * imageFloats);
        alone.set(image, 2 * imageFloats);
        const row = (await program.features(alone)).slice(2 * model.width, 3 * model.width);
        expect(row).toEqual(together.slice(place * model.width, (place + 1) * model.width));
      }
    });
  });

  it.each([
    ['compiled', CPU_COMPILED],
    ['eager', CPU_EAGER],
  ] as const)('spare the images, without a change of a bit (%s)', async (_, choice) => {
    await withProgram(spec, choice, async (program) => {
      const features = await program.features(LEAF.images);
      const brief = { ...LEAF, images: new Float32Array(0), features };
      expect(await program.train(brief)).toEqual(await program.train(LEAF));
      expect(await program.evaluate(brief)).toEqual(await program.evaluate(LEAF));
    });
  });

  it('agree between the engines', async () => {
    const compute = (program: Program) => program.features(LEAF.images);
    const compiled = await withProgram(spec, CPU_COMPILED, compute);
    expect(relativeL2(compiled, await withProgram(spec, CPU_EAGER, compute))).toBeLessThan(1e-5);
  });
});

describe('dropout, stochastic depth and mixed labels', () => {
  it.each([
    ['dropout', { dropout: 0.2 }],
    ['stochastic depth', { stochasticDepth: 0.5 }],
    ['mixed labels', { mixes: true }],
    ['all of them', { dropout: 0.1, stochasticDepth: 0.3, mixes: true }],
  ])('%s: the compiled gradient is the eager one', async (_, options) => {
    const spec = { ...SMALL_SPEC, ...options };
    const leaf = { ...LEAF, noise: NOISE, mix: MIX };
    const compiled = await train(spec, leaf);
    const eager = await train(spec, leaf, CPU_EAGER);
    expect(relativeL2(compiled.gradient, eager.gradient)).toBeLessThan(1e-5);
    const plain = await train(SMALL_SPEC, LEAF);
    expect(relativeL2(compiled.gradient, plain.gradient)).toBeGreaterThan(1e-2);
  });

  it('are functions of (seed, epoch, sample): the order in a leaf changes nothing else', async () => {
    const spec = { ...SMALL_SPEC, dropout: 0.3, stochasticDepth: 0.4 };
    const only = (place: number): LeafInputs => ({
      ...LEAF,
      weights: LEAF.weights.map((_, i) => (i === place ? 1 : 0)),
    });
    const first = await train(spec, { ...only(0), noise: { ...NOISE, samples: [5, 11, 2] } });
    const same = await train(spec, { ...only(0), noise: { ...NOISE, samples: [5, 2, 11] } });
    const other = await train(spec, { ...only(0), noise: { ...NOISE, samples: [6, 11, 2] } });
    expect(same.gradient).toEqual(first.gradient);
    expect(other.gradient).not.toEqual(first.gradient);
  });

  it('leave evaluations and predictions alone', async () => {
    const spec = { ...SMALL_SPEC, dropout: 0.3, stochasticDepth: 0.4, mixes: true };
    const evaluate = (program: Program) => program.evaluate(LEAF);
    const noisy = await withProgram(spec, CPU_COMPILED, evaluate);
    expect(noisy).toEqual(await withProgram(SMALL_SPEC, CPU_COMPILED, evaluate));
  });

  it('a share of 1 is no mixture', async () => {
    const spec = { ...SMALL_SPEC, mixes: true };
    const shares = new Float32Array(4).fill(1);
    const mixed = await train(spec, { ...LEAF, mix: { ...MIX, shares } });
    const plain = await train(SMALL_SPEC, LEAF);
    expect(relativeL2(mixed.gradient, plain.gradient)).toBeLessThan(1e-6);
  });
});

describe('attention maps', () => {
  it('have a probability for each pair of tokens, by block and head', async () => {
    const { maps } = await attentionMaps(model, PARAMETERS, LEAF.images);
    const tokens = 5;
    expect(maps).toHaveLength(model.depth);
    for (const map of maps) {
      expect(map).toHaveLength(SMALL_SPEC.microBatch * model.heads * tokens ** 2);
      for (let row = 0; row < map.length; row += tokens) {
        const sum = map.subarray(row, row + tokens).reduce((a, b) => a + b);
        expect(sum).toBeCloseTo(1, 5);
      }
    }
  });
});
