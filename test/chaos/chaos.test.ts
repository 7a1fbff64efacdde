/**
 * @file `npm run chaos`: one training run under a hundred kills.
 *
 * CHAOS_KILLS how many, CHAOS_MINUTES for how long at most, CHAOS_SEED to replay a schedule.
 */
import { randomInt } from 'node:crypto';
import { expect, it } from 'vitest';
import { scratchFolder } from '../support/cluster.ts';
import { tableOf } from './report.ts';
import { runChaos } from './run.ts';

/** Steps of an epoch leave room for so many blows. */
const BLOWS_PER_EPOCH = 10;

it('a run that is killed over and over loses no step, changes no bit, and recovers within its bars', async () => {
  const kills = setting('CHAOS_KILLS', 100);
  const pauses = Math.ceil(kills / 4);
  const seed = setting('CHAOS_SEED', randomInt(1_000_000));
  process.stdout.write(`CHAOS_SEED=${seed} CHAOS_KILLS=${kills} replays the schedule\n`);
  const report = await runChaos({
    seed,
    kills,
    pauses,
    epochs: Math.ceil((kills + pauses) / BLOWS_PER_EPOCH),
    folder: scratchFolder(),
    blowsForMs: setting('CHAOS_MINUTES', 30) * 60_000,
    endsWithinMs: 20 * 60_000,
  });
  process.stdout.write(`${tableOf(report)}\n${JSON.stringify(report)}\n`);
  expect(report).toMatchObject({ lostSteps: [], differentSteps: [], damagedLines: 0 });
  expect(report.parametersSha256).toBe(report.expectedSha256);
  expect(report.workerDeath.maxMs).toBeLessThanOrEqual(report.workerDeathBarMs);
  expect(report.firstStep.maxMs).toBeLessThanOrEqual(report.firstStepBarMs);
});

function setting(name: string, otherwise: number): number {
  const value = Number(process.env[name] ?? otherwise);
  if (Number.isInteger(value) && value >= 0) return value;
  throw new Error(`${name}=${process.env[name]} is no whole number`);
}
