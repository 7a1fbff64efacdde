/** @file The parameter store: PyTorch's numbers, what it refuses, what readers see meanwhile. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ParameterStore } from '../../../../coordinator/step/parameters.ts';
import type { OptimizerConfig, ScheduleConfig } from '../../../../shared/training/options.ts';
import { parameterSums } from '../../../../shared/training/parameter-sums.ts';
import { learningRateAt } from '../../../../shared/training/schedule.ts';

interface Golden {
  tensors: { name: string; shape: number[] }[];
  schedule: ScheduleConfig;
  peak: number;
  weightDecay: number;
  clipNorm: number;
  runs: {
    name: OptimizerConfig['name'];
    settings: Partial<OptimizerConfig>;
    initial: number[];
    steps: {
      samples: number;
      gradientSum: number[];
      learningRate: number;
      gradientNorm: number;
      parameters: number[];
    }[];
  }[];
}

const FIXTURE = join(import.meta.dirname, '../../../fixtures/training/golden.json');
const golden: Golden = JSON.parse(readFileSync(FIXTURE, 'utf8'));
const ADAMW: OptimizerConfig = {
  name: 'adamw',
  learningRate: 0.1,
  weightDecay: 0.05,
  beta1: 0.9,
  beta2: 0.999,
  epsilon: 1e-8,
  momentum: 0.9,
  layerDecay: 1,
};

function tableOf(tensors: readonly { name: string; shape: number[] }[]) {
  let size = 0;
  const entries = tensors.map(({ name, shape }) => {
    const entry = { name, shape, offset: size, size: 1, decays: shape.length > 1, layer: 0 };
    entry.size = shape.reduce((product, side) => product * side, 1);
    size += entry.size;
    return entry;
  });
  return { entries, size };
}

/** A store of two matrices of so many values in all, and a gradient for it. */
function storeOf(size: number, config = ADAMW) {
  const table = tableOf([
    { name: 'a', shape: [1, 3] },
    { name: 'b', shape: [1, size - 3] },
  ]);
  const parameters = new Float32Array(size).map((_, i) => Math.sin(i));
  const gradientSum = new Float32Array(size).map((_, i) => Math.cos(i));
  const store = new ParameterStore({ config, table, parameters });
  const inputs = { gradientSum, samples: 4, step: 1, learningRate: 0.1, clipNorm: 1 };
  return { store, inputs, parameters };
}

describe('ten steps of PyTorch', () => {
  it.each(golden.runs)(
    'are those of $name with $settings',
    async ({ name, settings, initial, steps }) => {
      const store = new ParameterStore({
        config: { ...ADAMW, name, weightDecay: golden.weightDecay, ...settings },
        table: tableOf(golden.tensors),
        parameters: Float32Array.from(initial),
      });
      for (const [i, expected] of steps.entries()) {
        const learningRate = learningRateAt(golden.schedule, golden.peak, i, steps.length);
        expect(learningRate).toBeCloseTo(expected.learningRate, 14);
        const { gradientNorm } = await store.applyStep({
          gradientSum: Float32Array.from(expected.gradientSum),
          samples: expected.samples,
          step: i + 1,
          learningRate,
          clipNorm: golden.clipNorm,
        });
        expect(Math.abs(gradientNorm / expected.gradientNorm - 1)).toBeLessThan(1e-6);
        expected.parameters.forEach((value, k) => {
          const tolerance = 1e-6 * Math.max(1, Math.abs(value));
          expect(Math.abs(store.parameters[k]! - value)).toBeLessThan(tolerance);
        });
      }
      expect(golden.runs[0]!.steps.some(({ gradientNorm }) => gradientNorm > golden.clipNorm)).toBe(
        true,
      );
      expect(store.version).toBe(10);
    },
  );
});

describe('a step', () => {
  it.each([0, 0.9])(
    'without a sample is counted and changes nothing (average %d)',
    async (averageDecay) => {
      const { store: plain, inputs } = storeOf(10);
      const { table, parameters } = plain;
      const store = new ParameterStore({ config: ADAMW, table, averageDecay, parameters });
      await store.applyStep(inputs);
      const state = () => [
        store.parameters.slice(),
        structuredClone(store.state),
        store.average?.slice(),
      ];
      const before = state();
      store.skipStep(2);
      expect(store.version).toBe(2);
      expect(state()).toEqual(before);
      await store.applyStep({ ...inputs, step: 3 });
      expect(store.version).toBe(3);
    },
  );

  it('lets the event loop turn, and shows readers one version or the other meanwhile', async () => {
    const { store, inputs, parameters } = storeOf(3 * 2 ** 20);
    const before = parameters.slice();
    let isOver = false;
    const stepping = store.applyStep(inputs).finally(() => {
      isOver = true;
    });
    let turns = 0;
    for (; !isOver; turns += 1) {
      expect(store.parameters === parameters).toBe(store.version === 0);
      await new Promise(setImmediate);
    }
    await stepping;
    expect(turns).toBeGreaterThanOrEqual(4);
    expect(store.version).toBe(1);
    // Whoever still holds the old version reads it whole until the step after.
    expect(Buffer.compare(Buffer.from(parameters.buffer), Buffer.from(before.buffer))).toBe(0);
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])(
    'with %d in the gradient is refused and changes nothing',
    async (value) => {
      const { store, inputs } = storeOf(10);
      await store.applyStep(inputs);
      const before = [await store.sha256(), structuredClone(store.state), store.version];
      const gradientSum = inputs.gradientSum.with(7, value);
      const stepping = store.applyStep({ ...inputs, gradientSum, step: 2 });
      await expect(stepping).rejects.toMatchObject({ code: 'NON_FINITE' });
      expect([await store.sha256(), store.state, store.version]).toEqual(before);
    },
  );

  it('whose new parameters overflow is refused and named, and the version before stays', async () => {
    const { store, inputs } = storeOf(10);
    const { parameters } = store;
    const before = parameters.slice();
    const stepping = store.applyStep({ ...inputs, learningRate: 1e39 });
    await expect(stepping).rejects.toMatchObject({
      code: 'NON_FINITE',
      sentence: expect.stringMatching(/^step 1 makes .*: \S+ holds -?Infinity$/),
      hint: expect.stringContaining('training.clipNorm'),
    });
    expect([store.version, store.parameters, parameters]).toEqual([0, before, before]);
  });

  it('whose gradient has squares that overflow is refused: its parameter would never move again', async () => {
    const { store, inputs } = storeOf(10);
    const gradientSum = inputs.gradientSum.with(3, 1e22);
    const stepping = store.applyStep({ ...inputs, gradientSum, clipNorm: 0 });
    await expect(stepping).rejects.toMatchObject({ code: 'NON_FINITE' });
    // Clipped, it is as good as any.
    const { store: other } = storeOf(10);
    await other.applyStep({ ...inputs, gradientSum, clipNorm: 1 });
    expect(other.version).toBe(1);
  });

  it.each([
    ['no samples', { samples: 0 }],
    ['a step that does not follow', { step: 2 }],
    ['a gradient of another length', { gradientSum: new Float32Array(9) }],
  ])('of %s is refused as a bug', async (_, wrong) => {
    const { store, inputs } = storeOf(10);
    await expect(store.applyStep({ ...inputs, ...wrong })).rejects.toMatchObject({
      code: 'INTERNAL',
    });
  });
});

describe('a store', () => {
  it.each(['adamw', 'sgd'] as const)(
    'of %s goes on with the same bits from its parts',
    async (name) => {
      const config = { ...ADAMW, name };
      const { store, inputs } = storeOf(10, config);
      await store.applyStep(inputs);
      const again = new ParameterStore({
        config,
        table: store.table,
        parameters: store.parameters.slice(),
        state: structuredClone(store.state),
        version: store.version,
      });
      const next = { ...inputs, step: 2 };
      expect(await again.applyStep(next)).toEqual(await store.applyStep(next));
      expect(await again.sha256()).toBe(await store.sha256());
    },
  );

  it('hashes the little-endian bytes of its present version', async () => {
    const { store, inputs } = storeOf(10);
    await store.applyStep(inputs);
    const bytes = Buffer.alloc(40);
    for (const [i, value] of store.parameters.entries()) bytes.writeFloatLE(value, 4 * i);
    expect(await store.sha256()).toBe(createHash('sha256').update(bytes).digest('hex'));
  });

  it('refuses parameters that do not fill its table', () => {
    const { store } = storeOf(10);
    const parameters = new Float32Array(9);
    expect(() => new ParameterStore({ config: ADAMW, table: store.table, parameters })).toThrow(
      /INTERNAL/,
    );
  });
});

describe('the sums of a version', () => {
  const LARGE = 2 ** 20 + 5;

  it.each([0, LARGE - 2])(
    'are those of all its parameters, %d frozen ones too, in slices',
    async (frozen) => {
      const { store: whole, inputs } = storeOf(LARGE);
      const { table, parameters } = whole;
      const store = new ParameterStore({ config: ADAMW, table, frozen, parameters });
      const first = await store.sums();
      expect(first).toEqual(parameterSums(parameters));
      await store.applyStep({ ...inputs, gradientSum: inputs.gradientSum.slice(frozen) });
      expect(await store.sums()).toEqual(parameterSums(store.parameters));
      expect(await store.sums()).not.toEqual(first);
    },
  );
});

describe('a frozen beginning', () => {
  it.each(['adamw', 'adam', 'sgd'] as const)(
    'stays as it is, and what trains goes as if alone (%s)',
    async (name) => {
      const config = { ...ADAMW, name };
      const { store: whole, inputs, parameters } = storeOf(9, config);
      const start = parameters.slice();
      const { table } = whole;
      const frozen = 3;
      const store = new ParameterStore({ config, table, frozen, parameters: parameters.slice() });
      const gradientSum = inputs.gradientSum.slice(frozen);
      for (let step = 1; step <= 3; step += 1) {
        await whole.applyStep({ ...inputs, step, clipNorm: 0 });
        await store.applyStep({ ...inputs, gradientSum, step, clipNorm: 0 });
        expect(store.parameters.slice(0, frozen)).toEqual(start.slice(0, frozen));
        expect(store.parameters.slice(frozen)).toEqual(whole.parameters.slice(frozen));
      }
    },
  );
});

describe('the moving average', () => {
  it('follows the weights slowly, from the first ones on', async () => {
    const { store: plain, inputs, parameters } = storeOf(9);
    const start = parameters.slice();
    const store = new ParameterStore({
      config: ADAMW,
      table: plain.table,
      averageDecay: 0.9,
      parameters: parameters.slice(),
    });
    expect(plain.average).toBeUndefined();
    await store.applyStep(inputs);
    // The decay of the first step is (1 + 1) / (10 + 1).
    for (const [i, value] of (store.average ?? []).entries()) {
      expect(value).toBeCloseTo((2 / 11) * start[i]! + (9 / 11) * store.parameters[i]!, 6);
    }
  });
});
