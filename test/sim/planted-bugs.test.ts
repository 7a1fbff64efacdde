/** @file The oracles are worth something only if they find bugs: each planted one must be found within a few hundred worlds. */
import { expect, it } from 'vitest';
import type { Bug } from './settings.ts';
import { liveWorld, noCounts } from './world.ts';

const WORLDS_MAX = 400;

it.each<[Bug, RegExp]>([
  ['sumWithoutJudging', /joins|sum|samples|judged/],
  ['announceBeforeCheckpoint', /checkpoint \d+ is durable|the end is durable/],
  ['forgetLostWorkers', /knows nobody who is not connected/],
  ['mixVersions', /parameters of a worker/],
  ['sumInOrderOfArrival', /canonical association/],
  ['resumeOneTooFar', /resumed parameters/],
  ['neverRemind', /the healed run ends/],
])('finds the planted bug %s', (bug, promise) => {
  const live = () => {
    for (let seed = 1; seed <= WORLDS_MAX; seed += 1) liveWorld(seed, noCounts(), bug);
  };
  expect(live).toThrow(promise);
});
