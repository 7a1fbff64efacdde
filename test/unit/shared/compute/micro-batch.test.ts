/** @file The largest micro-batch that fits: the search, what fits, and what the compiler of XLA reports. */
import { describe, expect, it } from 'vitest';
import { measureWith } from '../../../../shared/compute/engines/measure.ts';
import {
  bytesNeeded,
  equalLeaves,
  isFitting,
  largestThatFits,
} from '../../../../shared/compute/micro-batch.ts';
import type { PartMemory } from '../../../../shared/compute/program.ts';
import { CPU_COMPILED, SMALL_SPEC } from '../../../support/compute.ts';
import { lacksXlaCpu } from '../../../support/xla.ts';

const MEMORY = { code: 5, arguments: 100, outputs: 30, aliases: 0, temporary: 1000, peak: 0 };
const TINY = {
  ...SMALL_SPEC,
  model: { ...SMALL_SPEC.model, width: 8, heads: 2, mlpWidth: 8, depth: 3 },
};

describe('the search', () => {
  it('finds the last size that fits, and tries few', async () => {
    const sizes = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024];
    for (const limit of [0, 1, 3, 64, 100, 1024, 5000]) {
      const tried: number[] = [];
      const found = await largestThatFits(sizes, async (size) => {
        tried.push(size);
        return size <= limit;
      });
      expect(found).toBe(sizes.findLast((size) => size <= limit));
      expect(tried.length).toBeLessThanOrEqual(4);
    }
    expect(await largestThatFits([], async () => true)).toBeUndefined();
  });

  it('is among sizes that divide the batch, with a leaf for each program', () => {
    expect(equalLeaves(96, 1)).toEqual([1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 96]);
    expect(equalLeaves(96, 5)).toEqual([1, 2, 3, 4, 6, 8, 12, 16]);
    expect(equalLeaves(7, 8)).toEqual([1]);
  });

  it('counts two leaves in hand and the sums of a node, and leaves a tenth free', () => {
    expect(bytesNeeded(MEMORY)).toBe(5 + 1000 + 2 * 130 + 4 * 30);
    expect(isFitting(MEMORY, 1385 / 0.9 + 1)).toBe(true);
    expect(isFitting(MEMORY, 1385 / 0.9 - 1)).toBe(false);
  });
});

it('an engine that reports no memory is refused in words', async () => {
  const find = { batchSize: 8, programs: 1 };
  const task = { spec: SMALL_SPEC, parts: ['training'] } as const;
  await expect(measureWith(CPU_COMPILED, task)).rejects.toMatchObject({
    code: 'ENGINE_UNAVAILABLE',
    sentence: 'onnxruntime-cpu, threads 1 does not report what a program takes on this machine',
    hint: expect.stringContaining('choose an engine of xla'),
  });
  await expect(measureWith(CPU_COMPILED, { ...task, find })).rejects.toMatchObject({
    code: 'ENGINE_UNAVAILABLE',
    sentence: expect.stringMatching(/^onnxruntime-cpu, threads 1 does not report the memory/),
    hint: expect.stringContaining('training.microBatch as a number'),
  });
});

describe.skipIf(lacksXlaCpu('the memory that XLA reports'))('XLA', () => {
  const choice = { id: 'xla-cpu', threads: 1 } as const;
  const task = { spec: TINY, parts: ['training'] } as const;

  it('finds a micro-batch for this machine, and takes less memory where blocks are computed again', async () => {
    const find = { batchSize: 2, programs: 2 };
    const found = await measureWith(choice, { ...task, find });
    expect(found).toMatchObject({ microBatch: 1, engine: expect.stringMatching(/^xla-cpu/) });
    const { training: none } = found.parts;
    expect(found.limit).toBeGreaterThan(bytesNeeded(none as PartMemory));
    const spec = { ...TINY, microBatch: 1, recompute: 'blocks' } as const;
    const { training: blocks } = (await measureWith(choice, { ...task, spec })).parts;
    expect(blocks?.temporary).toBeLessThan(0.8 * Number(none?.temporary));
  });
});
