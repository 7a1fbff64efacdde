/** @file Jobs over vectors: any cut makes the same bits, and what ranges found adds up. */
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  cut,
  type Job,
  NOTHING_FOUND,
  together,
  withVectors,
  work,
} from '../../../coordinator/reducers/jobs.ts';
import { inlineReducers, numLanes, numReducers } from '../../../coordinator/reducers/reducers.ts';
import { ReducerThreads } from '../../../coordinator/reducers/threads.ts';
import { bytesOf } from '../../../shared/contract/chunks.ts';
import { VectorMemory } from '../../../shared/kernels/vectors.ts';
import { lanedRig } from '../../support/lanes.ts';
import { NODE } from '../../support/loopback.ts';

const SIZE = 70_003;
const WAVE = Float32Array.from({ length: SIZE }, (_, i) => Math.sin(i));
/** Bits of two bfloat16 that no NaN is among, since these are views of floats. */
const HALVES = new Float32Array(Math.ceil(SIZE / 2));
const wave = (factor: number) => WAVE.map((value) => value * factor);
const TABLE = {
  entries: [
    { name: 'a', shape: [30_001], offset: 0, size: 30_001, decays: true, layer: 0 },
    { name: 'b', shape: [40_002], offset: 30_001, size: 40_002, decays: false, layer: 1 },
  ],
  size: SIZE,
};
const FROZEN = 5;

/** Each kind of job, on vectors of its own. */
function jobs(): Job[] {
  const range = { from: 0, to: SIZE };
  const trained = (factor: number) => wave(factor).subarray(FROZEN);
  return [
    { type: 'add', vectors: { target: wave(1), source: wave(2) }, sums: 'f32', ...range },
    { type: 'add', vectors: { target: wave(1), source: wave(2) }, sums: 'bf16', ...range },
    { type: 'squares', vectors: { values: wave(3) }, ...range },
    { type: 'finite', vectors: { values: wave(4).with(50_000, Number.NaN) }, ...range },
    { type: 'sums', vectors: { values: wave(5) }, ...range },
    { type: 'average', vectors: { average: wave(6), values: wave(7) }, decay: 0.9, ...range },
    { type: 'round', vectors: { values: wave(1 / 3), halves: HALVES.slice() }, ...range },
    {
      type: 'step',
      vectors: { parameters: wave(8), into: new Float32Array(SIZE), gradient: trained(9) },
      state: { m: trained(10), v: trained(11).map(Math.abs) },
      settings: {
        config: {
          ...{ name: 'adamw', learningRate: 0.1, weightDecay: 0.1, momentum: 0, layerDecay: 0.5 },
          ...{ beta1: 0.9, beta2: 0.99, epsilon: 1e-8 },
        },
        ...{ table: TABLE, frozen: FROZEN, learningRate: 0.1, step: 3, scale: 0.5 },
      },
      ...{ from: FROZEN, to: SIZE },
    },
  ];
}

/** The bits of a job's vectors, in order. */
function bitsOf(job: Job): string {
  const digest = createHash('sha256');
  withVectors(job, (vector) => digest.update(vector));
  return digest.digest('hex');
}

describe.each(jobs().map((_, index) => [jobs()[index]!.type, index] as const))('%s', (_, index) => {
  const whole = jobs()[index]!;
  const found = work(whole, whole.from, whole.to);

  it('in ranges makes the same bits', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 9 }), (threads) => {
        const job = jobs()[index]!;
        const results = cut(job, threads).map(([first, limit]) => work(job, first, limit));
        expect(together(results)).toEqual(found);
        expect(bitsOf(job)).toEqual(bitsOf(whole));
      }),
      { numRuns: 5 },
    );
  });

  it('by kernels makes the same bits', async () => {
    const memory = new VectorMemory();
    const job = withVectors(jobs()[index]!, (vector) => memory.copyOf(vector));
    expect(await inlineReducers(memory).run(job)).toEqual(found);
    expect(bitsOf(job)).toEqual(bitsOf(whole));
  });
});

it('lanes are as many as threads, unless the config says less or all workers are here', () => {
  const threads = 4;
  expect(numLanes('auto', { threads, isLocal: false })).toBe(4);
  expect(numLanes('auto', { threads, isLocal: true })).toBe(0);
  expect(numLanes(2, { threads, isLocal: true })).toBe(2);
  expect(numLanes(8, { threads, isLocal: false })).toBe(4);
  expect(numLanes(0, { threads, isLocal: false })).toBe(0);
});

describe('threads', () => {
  // Built by `npm run build`: a thread of Node runs JavaScript.
  const entry = new URL('../../../dist/coordinator/reducers/thread.js', import.meta.url);
  const found = jobs().map((job) => work(job, job.from, job.to));

  it.each([1, 2, 3])(
    '%s of them make the bits of none, whether kernels reach a vector or not',
    async (count) => {
      const memory = new VectorMemory();
      const reducers = new ReducerThreads(memory, count, entry);
      try {
        // The memory grows after the threads have begun.
        for (const place of [(v: Float32Array) => memory.copyOf(v), shared]) {
          for (const [index, whole] of jobs().entries()) {
            const job = withVectors(whole, place);
            const result = await reducers.run(job);
            work(whole, whole.from, whole.to);
            expect(result).toEqual(found[index]);
            expect(bitsOf(job)).toBe(bitsOf(whole));
          }
        }
      } finally {
        await reducers.close();
      }
    },
  );

  it('do several jobs at once', async () => {
    const memory = new VectorMemory();
    const reducers = new ReducerThreads(memory, 2, entry);
    const results = await Promise.all(
      jobs().map((job) => reducers.run(withVectors(job, (v) => memory.copyOf(v)))),
    );
    expect(results).toEqual(found);
    await reducers.close();
  });

  it('that die fail their jobs and all later ones', async () => {
    const dying = new URL('data:text/javascript,process.exit(3)');
    const reducers = new ReducerThreads(new VectorMemory(), 2, dying);
    const job = jobs()[4]!;
    const error = {
      code: 'INTERNAL',
      sentence: expect.stringMatching(/reducer thread \d .* ended with code 3/),
    };
    await expect(reducers.run(withVectors(job, shared))).rejects.toMatchObject(error);
    await expect(reducers.run(withVectors(job, shared))).rejects.toMatchObject(error);
    await reducers.close();
  });

  it('say what went wrong in a job', async () => {
    const memory = new VectorMemory();
    const reducers = new ReducerThreads(memory, 1, entry);
    const job = withVectors(jobs().at(-1)!, (vector) => memory.copyOf(vector)) as Job & {
      type: 'step';
    };
    const broken = { ...job, state: { m: memory.zeros(3) } };
    await expect(reducers.run(broken)).rejects.toThrow(/the optimizer's state has "m"/);
    await reducers.close();
  });

  it('serve lanes beside their jobs, until they are closed', async () => {
    const reducers = new ReducerThreads(new VectorMemory(), 3, entry);
    const rig = await lanedRig(reducers);
    rig.host.gradientLength = WAVE.length;
    rig.host.vector = wave(2);
    const exchange = rig.open();
    const target = new Float32Array(WAVE.length);
    const job = withVectors(jobs()[4]!, (vector) => reducers.vectors.copyOf(vector));
    const [outcome, , result] = await Promise.all([
      exchange.pushNode(NODE, { gradient: WAVE, features: [] }),
      exchange.pull({ version: 3, first: 0 }, target),
      reducers.run(job),
    ]);
    expect(outcome).toBe('accepted');
    expect(result).toEqual(found[4]);
    expect(Buffer.compare(bytesOf(rig.host.nodes[0]!.gradient!), bytesOf(WAVE))).toBe(0);
    expect(Buffer.compare(bytesOf(target), bytesOf(wave(2)))).toBe(0);
    await reducers.close();
    await rig.close();
  });

  it('that are closed cancel their jobs', async () => {
    const reducers = new ReducerThreads(new VectorMemory(), 1, entry);
    const ended = reducers.run(withVectors(jobs()[4]!, shared));
    await Promise.all([
      expect(ended).rejects.toMatchObject({ code: 'CANCELLED' }),
      reducers.close(),
    ]);
  });
});

function shared(values: Float32Array): Float32Array {
  const copy = new Float32Array(new SharedArrayBuffer(values.byteLength));
  copy.set(values);
  return copy;
}

it('cuts touch no cache line twice, cover all once, and do not cut what has an order', () => {
  fc.assert(
    fc.property(
      fc.nat(1000),
      fc.nat(5000),
      fc.integer({ min: 1, max: 64 }),
      (from, length, threads) => {
        const range = { from, to: from + length };
        const ranges = cut({ type: 'sums', vectors: { values: 0 }, ...range }, threads);
        expect(ranges.length).toBeLessThanOrEqual(threads);
        expect([from, ...ranges.map(([, limit]) => limit)]).toEqual(
          [...ranges.map(([first]) => first), range.to].slice(0, ranges.length + 1),
        );
        for (const [first] of ranges) expect((first - from) % 16).toBe(0);
        expect(cut({ type: 'squares', vectors: { values: 0 }, ...range }, threads)).toHaveLength(1);
      },
    ),
  );
});

it('what an empty range finds is nothing', () => {
  const job = { type: 'sums', vectors: { values: wave(1) }, from: 0, to: 0 } as const;
  expect(work(job, 0, 0)).toEqual(NOTHING_FOUND);
});

it('a small model has no threads, a large one one per core up to eight, unless the config says how many', () => {
  expect(numReducers('auto', 2 ** 20 - 1, 64)).toBe(0);
  expect(numReducers('auto', 2 ** 20, 2)).toBe(2);
  expect(numReducers('auto', 86_000_000, 64)).toBe(8);
  expect(numReducers(3, 10, 2)).toBe(3);
});
