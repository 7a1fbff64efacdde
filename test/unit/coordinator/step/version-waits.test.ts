/** @file Pulls that wait for their version: until it is there, for so long, one for each worker, and no longer than the run. */
import { expect, it } from 'vitest';
import { VersionWaits } from '../../../../coordinator/step/version-waits.ts';
import { systemClock } from '../../../../shared/core/clock.ts';

const LONG_MS = 60_000;

it('a wait ends with its version, or a later one', async () => {
  const waits = new VersionWaits(systemClock);
  const ended: string[] = [];
  const all = ['w1', 'w2', 'w3'].map((worker, at) =>
    waits.until(worker, 5 + at, LONG_MS).then(() => ended.push(worker)),
  );
  waits.reached(4);
  waits.reached(6);
  await Promise.all(all.slice(0, 2));
  expect(ended).toEqual(['w1', 'w2']);
  waits.close();
  await Promise.all(all);
});

it('a wait ends in time, and a second one of a worker at once', async () => {
  const waits = new VersionWaits(systemClock);
  await waits.until('w1', 5, 1);
  const first = waits.until('w1', 5, LONG_MS);
  await waits.until('w1', 6, LONG_MS);
  waits.reached(5);
  await first;
});
