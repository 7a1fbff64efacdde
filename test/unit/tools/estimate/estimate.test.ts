/** @file The model of a step and of memory gives back the runs that it was fitted to, and bends the right way. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { estimateLines } from '../../../../cli/estimate/estimate-view.ts';
import { parseBandwidth } from '../../../../cli/estimate/flags.ts';
import { parseVariant } from '../../../../shared/model/variants.ts';
import { bestChoice } from '../../../../tools/estimate/best.ts';
import {
  type FitModels,
  fitMemory,
  fitStep,
  type MeasuredRun,
} from '../../../../tools/estimate/fit.ts';
import { coordinatorBytes, deviceBytes, hostBytes } from '../../../../tools/estimate/memory.ts';
import { estimateRun, type LeafFacts } from '../../../../tools/estimate/run.ts';
import { type Cluster, estimateStep, type Work } from '../../../../tools/estimate/step.ts';
import { leafOfDevice } from '../../../../tools/estimate/table-leaf.ts';
import { smallConfig } from '../../../support/config.ts';

const NONE = { fetchMs: 0, computeMs: 50, idleMs: 0, coordinatorBusyMs: 0 };
const MB = 1e6;
const PARAMETERS = 20e6;

const TINY = 1000;

const CORES = 2;
const WAITING = 1.2;

/** A run with a few figures; where workers share cores, they take what both ends need of them. */
function run(parameters: number, workers: number): MeasuredRun {
  const millions = parameters / 1e6;
  const [alonePull, alonePush] = [1 + 10 * millions, 2 + 15 * millions];
  const [sumMs, optimizerMs] = [0.5 * millions * (workers - 1), 1 + 5 * millions];
  const [coordinatorMs, workerMs] = [2 + 12 * millions, 3 + 30 * millions];
  const ofCores = (workers * (2 + 3 + WAITING * (12 + 30) * millions)) / CORES;
  const crowded = workers === 1 ? 1 : ofCores / (alonePull + alonePush);
  const [pullMs, pushMs] = [alonePull, alonePush].map((ms) => ms * Math.max(1, crowded)) as [
    number,
    number,
  ];
  const vector = 4 * parameters;
  return {
    ...{ parameters, workers, leafMs: 50, others: 0 },
    timings: {
      ...{ ...NONE, pullMs, pushMs, sumMs, optimizerMs },
      wallMs: 60 + pullMs + pushMs + sumMs + optimizerMs,
    },
    coordinator: {
      cpuSeconds: (10 + coordinatorMs * workers + sumMs) / 1000,
      peakBytes: 100 * MB + 2 * MB * workers + (4.5 + workers) * vector,
    },
    workersUsed: {
      cpuSeconds: (workerMs * workers) / 1000,
      peakBytes: Math.max(100 * MB, 80 * MB + 3 * vector),
    },
  };
}

const RUNS = Object.fromEntries(
  Object.entries({ tiny: TINY, large: PARAMETERS }).map(([name, parameters]) => [
    name,
    { one: run(parameters, 1), many: run(parameters, 4) },
  ]),
) as unknown as FitModels;
const step = fitStep(RUNS, CORES);
const memory = fitMemory(RUNS);
const work: Work = {
  ...{ parameters: PARAMETERS, trainable: PARAMETERS, batchSize: 1, microBatch: 1 },
  ...{ parameterBytes: 4, gradientBytes: 4 },
};
const cluster: Cluster = {
  ...{ workers: 1, devices: 1, cores: CORES, isOneMachine: true, latency: 0 },
  bandwidth: undefined,
};
const leaf = { fixed: 0.05, image: 0 };

describe('a step', () => {
  it('of the runs that it was fitted to is theirs, and of any in between and beyond', () => {
    for (const workers of [1, 2, 4, 8, 64]) {
      for (const parameters of [TINY, 5e6, PARAMETERS, 300e6]) {
        const sized = { ...work, batchSize: workers, parameters, trainable: parameters };
        const found = estimateStep(sized, { ...cluster, workers }, { leaf, step });
        const { timings } = run(parameters, workers);
        for (const part of ['pull', 'push', 'sum', 'optimizer'] as const) {
          expect(1000 * found[part], `${part} of ${workers}`).toBeCloseTo(timings[`${part}Ms`], 4);
        }
        expect(1000 * found.total).toBeCloseTo(timings.wallMs, 4);
      }
    }
  });

  it('is that of cores without other programs, where these took half of them', () => {
    const { many, one } = RUNS.large;
    const { pullMs, pushMs, wallMs } = many.timings;
    const slower = { ...many.timings, wallMs: wallMs + pullMs + pushMs };
    const disturbed = { ...RUNS, large: { one, many: { ...many, timings: slower, others: 0.5 } } };
    expect(fitStep(disturbed, CORES).waiting).toBeCloseTo(step.waiting, 6);
  });

  it('is the sum of its parts, and no better with less: a link, cores, a larger model', () => {
    const sizes = fc.record({
      workers: fc.integer({ min: 1, max: 64 }),
      batchSize: fc.integer({ min: 1, max: 512 }),
      microBatch: fc.integer({ min: 1, max: 32 }),
      parameters: fc.integer({ min: 1000, max: 600e6 }),
      bandwidth: fc.double({ min: 1e6, max: 1e11, noNaN: true }),
      isOneMachine: fc.boolean(),
      more: fc.double({ min: 1, max: 4, noNaN: true }),
    });
    fc.assert(
      fc.property(sizes, ({ workers, bandwidth, isOneMachine, more, ...sized }) => {
        const at = (parameters: number, rate: number, cores: number) =>
          estimateStep(
            { ...work, ...sized, parameters, trainable: parameters },
            { ...cluster, workers, isOneMachine, bandwidth: rate, cores },
            { leaf, step },
          );
        const { total, compute, pull, push, sum, optimizer, other } = at(
          sized.parameters,
          bandwidth,
          8,
        );
        expect(compute + pull + push + sum + optimizer + other).toBeCloseTo(total, 9);
        for (const worse of [
          at(sized.parameters * more, bandwidth, 8),
          at(sized.parameters, bandwidth / more, 8),
          at(sized.parameters, bandwidth, 8 / more),
        ]) {
          expect(worse.total).toBeGreaterThanOrEqual(total * (1 - 1e-9));
        }
      }),
    );
  });

  it('says what bounds it: a slow link, one machine', () => {
    const many = { ...work, batchSize: 16 };
    const apart = { ...cluster, workers: 16, isOneMachine: false };
    const boundOf = (about: Partial<Cluster>) =>
      estimateStep(many, { ...apart, ...about }, { leaf, step }).bound;
    expect(boundOf({ bandwidth: 1e7 })).toBe('link');
    expect(boundOf({ bandwidth: 1e12 })).toBe('coordinator');
    expect(boundOf({ isOneMachine: true, bandwidth: undefined })).toBe('cores');
    expect(boundOf({ bandwidth: 1e12, workers: 1 })).toBe('worker');
  });

  it('counts the gradients that three workers push: a run of leaves that is no node is several', () => {
    const found = estimateStep(
      { ...work, batchSize: 8 },
      { ...cluster, workers: 3 },
      { leaf, step },
    );
    // 2, 3 and 3 leaves of 8: 0..2, then 2..4 and 4..5, then 5..6 and 6..8.
    expect(found.pushes).toBe(5);
  });
});

describe('memory', () => {
  it('of the runs that it was fitted to is theirs', () => {
    const size = { parameters: PARAMETERS, trainable: PARAMETERS, moments: 2, hasAverage: false };
    for (const one of Object.values(RUNS.large)) {
      expect(coordinatorBytes({ ...size, workers: one.workers }, memory)).toBeCloseTo(
        one.coordinator.peakBytes,
        0,
      );
    }
    for (const { one } of Object.values(RUNS)) {
      expect(hostBytes(one.parameters, memory)).toBeCloseTo(one.workersUsed.peakBytes, 0);
    }
  });

  it('of a device is less where blocks are computed again, and half in 16 bits but for the vectors', () => {
    const model = { ...parseVariant('B/16'), imageSize: 224, channels: 3, numClasses: 1000 };
    const size = { model, parameters: 86e6, trainable: 86e6, microBatch: 64 };
    const at = (valueBytes: 2 | 4, recompute: 'none' | 'blocks') =>
      deviceBytes({ ...size, valueBytes, recompute });
    const vectors = 6 * 4 * 86e6;
    expect(at(4, 'none') - vectors).toBeCloseTo(2 * (at(2, 'none') - vectors), 0);
    expect(at(2, 'blocks') - vectors).toBeLessThan((at(2, 'none') - vectors) / 3);
  });
});

describe('the best setting', () => {
  it('has as many workers as save a fifth with each doubling, and no smaller leaf for nothing', () => {
    const steps = (workers: number, microBatch: number) =>
      0.1 + 1 / workers + 0.001 * (8 / microBatch);
    expect(bestChoice([1, 2, 4, 8], 64, steps)).toMatchObject({ workers: 16, microBatch: 8 });
    expect(bestChoice([4, 8], 64, () => 1)).toMatchObject({ workers: 1, microBatch: 8 });
  });
});

describe('a run on a device that is not here', () => {
  const config = smallConfig({});
  const model = { ...parseVariant('L/16'), imageSize: 224, channels: 3, numClasses: 1000 };
  const device = leafOfDevice('h100', { model, config, devices: 8 });
  const estimate = estimateRun({
    ...{ model, config, samples: 1000, leaf: device, step, memory, others: 0 },
    cluster: { ...cluster, workers: 2, devices: 8, isOneMachine: false, bandwidth: 1.25e9 },
  });

  it('says of each constant whether it was measured or is assumed', () => {
    const { leaf: found, step: exchange, memory: bytes } = estimate.constants;
    expect([found.source, exchange.source, bytes.source]).toEqual([
      'assumed',
      'measured',
      'measured',
    ]);
    const text = estimateLines(estimate).join('\n');
    expect(text).toContain('leaf (assumed)');
    expect(text).toContain('35 % of what its maker states');
    const slow = {
      ...estimate,
      step: { ...estimate.step, pull: 12.34, push: 0.01234, sum: 358.1 },
    };
    expect(estimateLines(slow).join('\n')).toMatch(/pull +12\.3 s.+push +12\.3 ms.+sum +358 s/s);
  });

  it('moves half the bytes where they are bfloat16', () => {
    const exchange = { gradients: 'bf16', parameters: 'bf16' } as const;
    const small = estimateRun({
      ...{
        model,
        config: { ...config, exchange },
        samples: 1000,
        leaf: device,
        step,
        memory,
        others: 0,
      },
      cluster: estimate.cluster,
    });
    // So much of a transfer is not of its bytes.
    expect(small.step.pull / estimate.step.pull).toBeCloseTo(0.5, 2);
    expect(small.step.push / estimate.step.push).toBeCloseTo(0.5, 2);
  });

  it('says of workers on one machine what they share, and that a batch has no leaves for some', () => {
    const here = estimateRun({
      ...{ model, config, samples: 1000, leaf: device, step, memory, others: 0.4 },
      cluster: { ...cluster, workers: 1000 },
    });
    const leaves = config.training.batchSize / here.microBatch;
    expect(here.busyWorkers).toBe(leaves);
    expect(here.memory.shared).toBe(4 * here.parameters * (1 + leaves));
    expect(estimate.memory.shared).toBe(0);
    const text = estimateLines(here).join('\n');
    expect(text).toContain(`a batch has leaves for ${leaves}`);
    expect(text).toContain("other programs took 40 % of this machine's cores");
  });

  it('takes longer with more workers where they share the cores that compute', () => {
    const crowding = { fixed: 0.1, each: 0.9 };
    const at = (workers: number, leaf: LeafFacts) =>
      estimateRun({
        ...{ model, config, samples: 1000, leaf, step, memory, others: 0 },
        cluster: { ...cluster, workers },
      }).step.compute;
    expect(at(2, { ...device, crowding }) / at(2, device)).toBeCloseTo(1.9, 9);
    expect(at(1, { ...device, crowding })).toBeCloseTo(at(1, device), 9);
  });

  it('has an epoch an hour for as many samples as it takes in an hour', () => {
    expect(estimate.epochsPerHour).toBeCloseTo((3600 * estimate.imagesPerSecond) / 1000, 9);
    expect(estimate.parameters).toBe(304_326_632);
  });
});

it('a bandwidth is in bits or in bytes a second', () => {
  expect(parseBandwidth('10Gb/s')).toBe(1.25e9);
  expect(parseBandwidth('1.25GB/s')).toBe(1.25e9);
  expect(parseBandwidth('100Mb/s')).toBe(12.5e6);
  for (const text of ['10', '10Gb', '0Gb/s', '-1Gb/s', '10 Gb/s', 'b/s']) {
    expect(() => parseBandwidth(text), text).toThrow('expected a bandwidth');
  }
});
