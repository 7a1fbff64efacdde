/** @file Pictures of checkpoints: one look at a time, of the newest one; which classes are confused most. */
import { expect, it } from 'vitest';
import { deferred } from '../../../../shared/core/async.ts';
import { confusedPairs, PictureMaker } from '../../../../tools/board/pictures.ts';
import type { LookFound, LookJob } from '../../../../tools/look/job.ts';
import { liveRun } from '../../../support/board.ts';

const time = '2026-01-01T00:00:00.000Z';

function maker() {
  const { run, view } = liveRun();
  const jobs: LookJob[] = [];
  const found = deferred<LookFound>();
  const ends: string[] = [];
  const pictures = new PictureMaker((job) => {
    jobs.push(job);
    return { found: found.promise, end: () => ends.push('end') };
  });
  const save = (step: number) =>
    view.event({
      ...{ type: 'checkpoint', time, step, folder: `elsewhere/step-${step}`, bytes: 1 },
      ...{ seconds: 1, parametersSha256: '' },
    });
  return { run, pictures, jobs, found, save, ends };
}

it('the newest checkpoint is looked at, where the run lies now', async () => {
  const { run, pictures, jobs, found, save } = maker();
  expect(() => pictures.begin(run)).toThrow(/no checkpoint yet/);
  save(10);
  save(20);
  pictures.begin(run);
  expect(jobs).toEqual([{ folder: '/nowhere/checkpoints/step-20', step: 20 }]);
  expect(pictures.of(run)).toEqual({ state: 'working', step: 20, newest: 20 });
  expect(() => pictures.begin(run)).toThrow(/is looked at/);
  save(30);
  found.resolve({ records: Buffer.from('{}'), coreSeconds: 1, lacks: [] });
  await found.promise;
  await expect
    .poll(() => pictures.of(run))
    .toEqual({
      ...{ state: 'found', step: 20, json: '{}', newest: 30 },
    });
});

it('a look that fails says why, and another may begin; the end of the server ends one', async () => {
  const { run, pictures, jobs, found, save, ends } = maker();
  save(10);
  pictures.begin(run);
  found.reject(new Error('the disk is gone'));
  await expect.poll(() => pictures.of(run).state).toBe('failed');
  expect(pictures.of(run)).toMatchObject({ sentence: expect.stringContaining('the disk is gone') });
  pictures.begin(run);
  expect(jobs).toHaveLength(2);
  pictures.close();
  expect(ends).toEqual(['end']);
});

it('the most frequent mistakes come first, and what is right is none', () => {
  const counts = [
    [50, 1, 0],
    [7, 40, 2],
    [0, 0, 9],
  ];
  expect(confusedPairs(counts, ['a', 'b', 'c'])).toEqual([
    { label: 'b', predicted: 'a', count: 7 },
    { label: 'b', predicted: 'c', count: 2 },
    { label: 'a', predicted: 'b', count: 1 },
  ]);
});
