/** @file Against PyTorch and timm: loss, every gradient, optimizers, layer-wise rates. Made by fixtures/parity/make.py. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { compileProgram } from '../../../shared/compute/engines/registry.ts';
import type { ProgramSpec } from '../../../shared/compute/program.ts';
import { type ParameterTable, parameterTable } from '../../../shared/model/parameters.ts';
import { clipScale, sumOfSquares } from '../../../shared/training/clip.ts';
import { layerRate, optimizerState, updateParameters } from '../../../shared/training/optimizer.ts';
import type { OptimizerConfig } from '../../../shared/training/options.ts';
import { learningRateAt } from '../../../shared/training/schedule.ts';
import { CPU_COMPILED, CPU_EAGER, relativeL2 } from '../../support/compute.ts';

interface Fixture {
  vit: {
    parameters: Record<string, string>;
    images: string;
    labels: number[];
    partners: number[];
    shares: number[];
    weights: number[];
    logits: string;
    steps: { smoothing: number; mixed: boolean; loss: number; gradients: Record<string, string> }[];
  };
  optimizers: {
    peak: number;
    warmup: number;
    clip: number;
    decay: number;
    runs: {
      name: OptimizerConfig['name'];
      start: string[];
      steps: { gradient: string; norm: number; learningRate: number; parameters: string }[];
    }[];
  };
  layerDecay: { decay: number; depth: number; scales: Record<string, number> };
}

const path = join(import.meta.dirname, '../../fixtures/parity/parity.json');
const { vit, optimizers, layerDecay }: Fixture = JSON.parse(readFileSync(path, 'utf8'));
const floats = (text: string) =>
  new Float32Array(new Uint8Array(Buffer.from(text, 'base64')).buffer);
const joined = (parts: readonly Float32Array[]) =>
  Float32Array.from(parts.flatMap((part) => [...part]));

const MODEL = {
  imageSize: 16,
  channels: 3,
  patchSize: 4,
  numClasses: 5,
  width: 24,
  depth: 2,
  heads: 3,
  mlpWidth: 48,
};

describe.each([
  ['compiled', CPU_COMPILED],
  ['eager', CPU_EAGER],
] as const)('a small ViT of timm, %s', (_, choice) => {
  const { entries } = parameterTable(MODEL);
  const spec: ProgramSpec = { model: MODEL, microBatch: 4, labelSmoothing: 0 };
  const parameters = joined(entries.map(({ name }) => floats(vit.parameters[name]!)));
  const leaf = {
    images: floats(vit.images),
    labels: Int32Array.from(vit.labels),
    weights: Float32Array.from(vit.weights),
    mix: { labels: Int32Array.from(vit.partners), shares: Float32Array.from(vit.shares) },
  };

  it('has the same logits', async () => {
    const program = await compileProgram(spec, choice);
    program.setParameters(parameters);
    expect(relativeL2(await program.predict(leaf.images), floats(vit.logits))).toBeLessThan(1e-5);
    await program.dispose();
  });

  it.each(vit.steps)(
    'has the same loss and every gradient (smoothing $smoothing, mixed $mixed)',
    async (step) => {
      const program = await compileProgram(
        { ...spec, labelSmoothing: step.smoothing, mixes: step.mixed },
        choice,
      );
      program.setParameters(parameters);
      const { lossSum, gradient } = await program.train(leaf);
      expect(lossSum / step.loss).toBeCloseTo(1, 5);
      for (const { name, offset, size } of entries) {
        const ours = gradient.subarray(offset, offset + size);
        expect(relativeL2(ours, floats(step.gradients[name]!)), name).toBeLessThan(2e-5);
      }
      await program.dispose();
    },
  );
});

describe('ten steps with warm-up, cosine and clipping', () => {
  const table: ParameterTable = {
    entries: [
      { name: 'weight', shape: [4, 3], offset: 0, size: 12, decays: true, layer: 0 },
      { name: 'bias', shape: [4], offset: 12, size: 4, decays: false, layer: 0 },
    ],
    size: 16,
  };

  it.each(optimizers.runs)('of $name', ({ name, start, steps }) => {
    const config: OptimizerConfig = {
      ...{ name, learningRate: optimizers.peak, weightDecay: optimizers.decay, epsilon: 1e-8 },
      ...{ beta1: 0.9, beta2: 0.999, momentum: 0.9, layerDecay: 1 },
    };
    const schedule = { name: 'cosine', warmupSteps: optimizers.warmup, finalRate: 0 } as const;
    const parameters = joined(start.map(floats));
    const state = optimizerState(config, table.size);
    for (const [i, expected] of steps.entries()) {
      const gradient = floats(expected.gradient);
      const norm = Math.sqrt(sumOfSquares(gradient));
      expect(norm / expected.norm).toBeCloseTo(1, 6);
      const learningRate = learningRateAt(schedule, optimizers.peak, i, steps.length);
      expect(learningRate).toBeCloseTo(expected.learningRate, 12);
      const scale = clipScale(norm, optimizers.clip);
      const vectors = { parameters, into: parameters, gradient, state };
      const slice = { first: 0, limit: table.size, frozen: 0 };
      updateParameters({ config, table, ...vectors, ...slice, learningRate, scale, step: i + 1 });
      expect(relativeL2(parameters, floats(expected.parameters))).toBeLessThan(1e-6);
    }
  });
});

it('layer-wise rates are those of timm', () => {
  const { entries } = parameterTable({ ...MODEL, depth: layerDecay.depth });
  const top = layerDecay.depth + 1;
  for (const { name, layer } of entries) {
    const expected = layerDecay.scales[name];
    expect(layerRate(layerDecay.decay, layer, top), name).toBeCloseTo(expected!, 12);
  }
});
