/**
 * @file Many launches of worker processes that end at any time: the restarts are bounded and spaced, none comes after
 * the end, and there always is an end. SIM_WORLDS, SIM_FIRST and SIM_SEED as in `worlds.test.ts`.
 */
import { expect, it } from 'vitest';
import { launchCounts, liveLaunch } from './launch-world.ts';

const { SIM_SEED: seed, SIM_WORLDS: numWorlds = '300', SIM_FIRST: first = '1' } = process.env;

it('workers are started again within bounds in every faulty launch', async () => {
  const counts = launchCounts();
  const seeds =
    seed === undefined
      ? Array.from({ length: Number(numWorlds) }, (_, world) => Number(first) + world)
      : [Number(seed)];
  for (const world of seeds) await liveLaunch(world, counts);
  process.stdout.write(`launched ${JSON.stringify(counts)}\n`);
  if (seed !== undefined) return;
  const absent = Object.entries(counts).filter(([, count]) => count === 0);
  expect(absent, 'every kind of thing has happened').toEqual([]);
});
