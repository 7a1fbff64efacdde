/**
 * @file What the coordinator's arithmetic costs for ViT-B/16: one gradient added and one AdamW step, by turns as plain loops,
 * as kernels in one thread, and as kernels in two threads and in one a core.
 *
 * The kernels' work is the product's, with the sums of the parameters' bits; the plain loops' is without, as it was when
 * they were all that there was. Memory: 2 GB for each of both.
 */
import { availableParallelism } from 'node:os';
import type { Job } from '../coordinator/reducers/jobs.ts';
import { inlineReducers, type Reducers } from '../coordinator/reducers/reducers.ts';
import { ReducerThreads } from '../coordinator/reducers/threads.ts';
import { VectorMemory } from '../shared/kernels/vectors.ts';
import { parameterTable } from '../shared/model/parameters.ts';
import { updateParameters } from '../shared/training/optimizer.ts';
import { median, rangeOf, ratiosOf } from './figures/median.ts';

/** What was measured. Units  milliseconds, medians; rates in millions of elements a second. */
interface OptimizerFigures {
  readonly elements: number;
  readonly plainMs: number;
  readonly plainRate: number;
  readonly oneThreadMs: number;
  readonly oneThreadRate: number;
  /** Each turn's plain loops over its one thread, and their median. */
  readonly oneThreadTimes: number;
  readonly oneThreadRatios: string;
  /** The main thread alone, by kernels: no messages. */
  readonly inlineMs: number;
  readonly threads: number;
  readonly threadsMs: number;
  /** One thread over so many; the bar is 0.8 of their number. */
  readonly threadsTimes: number;
  readonly threadsRatios: string;
}

const TURNS = 5;
const TABLE = parameterTable({
  ...{ imageSize: 224, patchSize: 16, channels: 3, numClasses: 1000 },
  ...{ width: 768, depth: 12, heads: 12, mlpWidth: 3072 },
});
const SETTINGS = {
  config: {
    ...{
      name: 'adamw' as const,
      learningRate: 1e-3,
      weightDecay: 0.05,
      momentum: 0,
      layerDecay: 1,
    },
    ...{ beta1: 0.9, beta2: 0.999, epsilon: 1e-8 },
  },
  ...{ table: TABLE, frozen: 0, learningRate: 1e-3, step: 10, scale: 1 / 64 },
} as const;

/** The vectors of a step. */
function vectorsIn(make: (length: number) => Float32Array) {
  const vector = (factor: number) => {
    const values = make(TABLE.size);
    // Second moments are not negative, and for speed it is all one.
    const pattern = 2 ** 16;
    for (let i = 0; i < pattern; i += 1) values[i] = Math.abs(Math.sin(i)) * factor;
    for (let i = pattern; i < values.length; i += pattern) {
      values.copyWithin(i, 0, Math.min(pattern, values.length - i));
    }
    return values;
  };
  return {
    ...{ parameters: vector(0.02), into: vector(0.02), gradient: vector(0.1) },
    ...{ other: vector(0.1), m: vector(1e-3), v: vector(1e-3) },
  };
}

type StepVectors = ReturnType<typeof vectorsIn>;

/** Measures all by turns. */
export async function benchOptimizer(): Promise<OptimizerFigures> {
  const memory = new VectorMemory();
  const near = vectorsIn((length) => memory.float32(length));
  const far = vectorsIn((length) => new Float32Array(length));
  const numThreads = Math.max(2, availableParallelism());
  const [one, several] = [new ReducerThreads(memory, 1), new ReducerThreads(memory, numThreads)];
  const inline = inlineReducers(memory);
  const times = { plain: [], one: [], inline: [], several: [] } as Record<string, number[]>;
  for (let turn = 0; turn <= TURNS; turn += 1) {
    const round = {
      plain: await timeOf(() => plainStep(far)),
      one: await timeOf(() => stepBy(one, near)),
      inline: await timeOf(() => stepBy(inline, near)),
      several: await timeOf(() => stepBy(several, near)),
    };
    // The first turn compiles.
    if (turn > 0) for (const [kind, ms] of Object.entries(round)) times[kind]?.push(ms);
  }
  await Promise.all([one.close(), several.close()]);
  return figuresOf(times, numThreads);
}

function figuresOf(times: Record<string, number[]>, threads: number): OptimizerFigures {
  const { plain = [], one = [], inline = [], several = [] } = times;
  const rate = (ms: number) => TABLE.size / 1000 / ms;
  const [plainMs, oneThreadMs] = [median(plain), median(one)];
  const [gains, scaling] = [ratiosOf(plain, one), ratiosOf(one, several)];
  return {
    elements: TABLE.size,
    ...{ plainMs, plainRate: rate(plainMs), oneThreadMs, oneThreadRate: rate(oneThreadMs) },
    ...{ oneThreadTimes: median(gains), oneThreadRatios: rangeOf(gains), inlineMs: median(inline) },
    ...{ threads, threadsMs: median(several) },
    ...{ threadsTimes: median(scaling), threadsRatios: rangeOf(scaling) },
  };
}

async function timeOf(step: () => Promise<unknown> | undefined): Promise<number> {
  const startedMs = performance.now();
  await step();
  return performance.now() - startedMs;
}

/** As the main thread did it: a million values at a time. */
function plainStep({ parameters, into, gradient, other, m, v }: StepVectors): undefined {
  const slice = 2 ** 20;
  for (let i = 0; i < TABLE.size; i += 1) {
    gradient[i] = (gradient[i] as number) + (other[i] as number);
  }
  for (let first = 0; first < TABLE.size; first += slice) {
    const limit = Math.min(first + slice, TABLE.size);
    const vectors = { parameters, into, gradient, state: { m, v } };
    updateParameters({ ...SETTINGS, ...vectors, first, limit });
  }
}

async function stepBy(reducers: Reducers, vectors: StepVectors): Promise<void> {
  const { parameters, into, gradient, other, m, v } = vectors;
  const range = { from: 0, to: TABLE.size };
  const add: Job = {
    ...{ type: 'add', vectors: { target: gradient, source: other }, sums: 'f32', ...range },
  };
  await reducers.run(add);
  const step = { parameters, into, gradient };
  await reducers.run({
    type: 'step',
    vectors: step,
    state: { m, v },
    settings: SETTINGS,
    ...range,
  });
}
