/** @file Which checkpoints are looked at: one at a time, the newest, within a budget; and what a look shows of. */
import { expect, it } from 'vitest';
import { type Deferred, deferred } from '../../../../shared/core/async.ts';
import type { TesseraError } from '../../../../shared/core/errors.ts';
import type { DataSource } from '../../../../shared/data/source.ts';
import type { TrainingLeaf } from '../../../../tools/blocks/training-leaves.ts';
import type { LookFound } from '../../../../tools/look/job.ts';
import { sampled } from '../../../../tools/look/sampled.ts';
import { histogramOf } from '../../../../tools/tensorboard/histogram.ts';
import { LookBudget } from '../../../../tools/tensorboard/look-budget.ts';
import { Looks } from '../../../../tools/tensorboard/looks.ts';
import { paddedLeaf } from '../../../../tools/tensorboard/padded-leaf.ts';

/** Looks whose processes are settled by hand. */
function scene({ isThere = true } = {}) {
  const begun: { step: number; isLast: boolean; found: Deferred<LookFound> }[] = [];
  const found: string[] = [];
  const faults: TesseraError[] = [];
  const at = { seconds: 1000 };
  const looks = new Looks({
    budget: new LookBudget(2),
    begin({ step }, isLast) {
      const settled = deferred<LookFound>();
      begun.push({ step, isLast, found: settled });
      return { found: settled.promise, end: () => settled.reject(new Error('ended')) };
    },
    isThere: () => isThere,
    found: (records) => found.push(String(Buffer.from(records))),
    fault: (error) => faults.push(error),
    runSeconds: () => at.seconds,
  });
  const saved = (step: number) => looks.saved({ folder: `step-${step}`, step });
  const finish = async (index: number, coreSeconds: number) => {
    const records = Buffer.from(`${begun[index]?.step}`);
    begun[index]?.found.resolve({ records, coreSeconds, lacks: [] });
    await expect.poll(() => found.length).toBe(index + 1);
    // What follows the last await of a look.
    await Promise.resolve();
  };
  return {
    looks,
    begun,
    found,
    faults,
    at,
    saved,
    finish,
    steps: () => begun.map((b) => b.step),
  };
}

it('takes one hundredth of the cores, and the last checkpoint after the run', async () => {
  const { looks, found, at, saved, finish, steps, begun, faults } = scene();
  at.seconds = 100;
  saved(1);
  expect(steps()).toEqual([]);
  at.seconds = 200;
  saved(2);
  saved(3);
  expect(steps()).toEqual([2]);
  await finish(0, 3);
  at.seconds = 290;
  saved(4);
  expect(steps()).toEqual([2]);
  at.seconds = 300;
  saved(5);
  expect(steps()).toEqual([2, 5]);
  await finish(1, 3);
  saved(6);
  const closing = looks.close(true);
  await expect.poll(steps).toEqual([2, 5, 6]);
  await finish(2, 3);
  await closing;
  expect([found, begun.map(({ isLast }) => isLast)]).toEqual([
    ['2', '5', '6'],
    [false, false, true],
  ]);
  expect(faults).toEqual([]);
});

it('ends a look at an older checkpoint when the run ends, and looks at nothing of one that ended badly', async () => {
  for (const isThere of [true, false]) {
    const { looks, saved, steps, faults, found } = scene({ isThere });
    saved(1);
    saved(2);
    const closing = looks.close(true);
    await expect.poll(steps).toEqual([1, 2]);
    expect(faults).toEqual([]);
    // It takes too long; that the checkpoint has gone meanwhile is no failure.
    looks.end();
    await closing;
    expect([found, faults.length]).toEqual([[], Number(isThere)]);
  }
  const bad = scene();
  bad.saved(1);
  await bad.looks.close(false);
  expect([bad.steps(), bad.faults]).toEqual([[1], []]);
});

it('waits for longer after a look that failed, and says so', async () => {
  const { begun, at, saved, steps, faults } = scene();
  saved(1);
  begun[0]?.found.reject(new Error('no memory'));
  await expect.poll(() => faults.length).toBe(1);
  at.seconds = 599;
  saved(2);
  expect(steps()).toEqual([1]);
  at.seconds = 600;
  saved(3);
  expect(steps()).toEqual([1, 3]);
});

it('counts values in buckets from the smallest to the largest, and none that is not finite', () => {
  const found = histogramOf(Float32Array.of(-1, 0, 0.5, 2, Number.NaN, Number.POSITIVE_INFINITY))!;
  const { min, max, count, sum, sumOfSquares, limits, counts } = found;
  expect([min, max, count, sum, sumOfSquares]).toEqual([-1, 2, 4, 1.5, 5.25]);
  expect([counts[0], counts[10], counts[15], counts[29], limits[29]]).toEqual([1, 1, 1, 1, 2]);
  expect(counts.reduce((all, one) => all + one)).toBe(4);
  const alike = histogramOf(Float32Array.of(3, 3))!;
  expect([alike.counts.reduce((a, b) => a + b), alike.limits[29]]).toEqual([2, 3.5]);
  expect(histogramOf(Float32Array.of(Number.NaN))).toBeUndefined();
});

it('takes images of a split evenly, and leaves the others', async () => {
  const source: DataSource = {
    classes: ['a', 'b'],
    size: { train: 3, validation: 0, test: 10 },
    found: { from: {}, leftOut: [], notes: [] } as never,
    label: (_, index) => Number(index >= 5),
    name: (split, index) => `${split}/${index}`,
    listedBytes: (_, index) => index,
    bytes: async (_, index) => index,
    read: async (split, index) => ({
      ...{ index, label: 0, name: `${split}/${index}`, raw: undefined, bytes: new Uint8Array() },
    }),
  };
  const some = sampled(source, 'test', 4);
  expect(some.size).toEqual({ train: 3, validation: 0, test: 4 });
  expect([0, 1, 2, 3].map((at) => some.name('test', at))).toEqual([
    'test/0',
    'test/2',
    'test/5',
    'test/7',
  ]);
  expect([some.name('train', 2), some.label('test', 2), some.listedBytes('test', 3)]).toEqual([
    'train/2',
    1,
    7,
  ]);
  expect(await some.read('test', 1)).toMatchObject({ index: 1, name: 'test/2' });
  expect(await some.bytes('test', 3)).toBe(7);
  expect(sampled(source, 'test', 10)).toBe(source);
});

it('fills a short leaf up with places of no weight', () => {
  const leaf: TrainingLeaf = {
    images: Float32Array.of(1, 2, 3, 4),
    labels: Int32Array.of(5, 6),
    weights: Float32Array.of(1, 0.5),
    samples: Uint32Array.of(7, 8),
    bad: [],
    mix: { labels: Int32Array.of(6, 5), shares: Float32Array.of(0.5, 0.25) },
  };
  expect(paddedLeaf(leaf, 3)).toEqual({
    images: Float32Array.of(1, 2, 3, 4, 0, 0),
    labels: Int32Array.of(5, 6, 0),
    weights: Float32Array.of(1, 0.5, 0),
    mix: { labels: Int32Array.of(6, 5, 0), shares: Float32Array.of(0.5, 0.25, 1) },
  });
  expect(paddedLeaf(leaf, 2)).toMatchObject({ images: leaf.images });
  expect(paddedLeaf({ ...leaf, mix: undefined }, 3).mix).toBeUndefined();
});
