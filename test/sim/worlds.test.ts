/**
 * @file Many faulty worlds: goal, promises P1 to P4 and liveness; method, oracles after every event.
 *
 * SIM_WORLDS sets how many; SIM_SEED replays one.
 */
import { expect, it } from 'vitest';
import { Dice } from './dice.ts';
import { drawSettings, NO_FAULTS } from './settings.ts';
import { liveWorld, noCounts, World } from './world.ts';

const { SIM_SEED: seed, SIM_WORLDS: numWorlds = '1200' } = process.env;

it('P1-P4 hold and the run ends in every faulty world', () => {
  const counts = noCounts();
  if (seed !== undefined) liveWorld(Number(seed), counts);
  else for (let world = 1; world <= Number(numWorlds); world += 1) liveWorld(world, counts);
  process.stdout.write(`simulated ${JSON.stringify(counts)}\n`);
  if (seed !== undefined) return;
  const absent = Object.entries(counts).filter(([, count]) => count === 0);
  expect(absent, 'every kind of thing has happened').toEqual([]);
});

it('a world of one worker without faults takes the steps of the reference', () => {
  const counts = noCounts();
  const dice = new Dice(1);
  const drawn = drawSettings(dice, undefined);
  const plan = { ...drawn.plan, minWorkers: 1 };
  const workers = drawn.workers.slice(0, 1);
  new World(dice, { ...drawn, plan, workers, faults: NO_FAULTS }, counts).live();
  const numSteps = plan.epochs * Math.ceil(plan.trainSamples / plan.batchSize);
  expect(counts).toMatchObject({ steps: numSteps, lost: 0, stale: 0, acceptedBefore: 0 });
});

it('equal workers without faults compute nothing twice', () => {
  const counts = noCounts();
  const dice = new Dice(2);
  const drawn = drawSettings(dice, undefined);
  const workers = [0, 1, 2, 3].map((index) => ({ name: `w${index}`, startMs: 0, leafMs: 20 }));
  const plan = { ...drawn.plan, minWorkers: 4, trainSamples: 160, batchSize: 32, microBatch: 2 };
  new World(dice, { ...drawn, plan, workers, faults: NO_FAULTS }, counts).live();
  expect(counts).toMatchObject({ speculations: 0, acceptedBefore: 0, reminders: 0 });
});
