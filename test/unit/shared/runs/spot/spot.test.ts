/** @file What the deaths of a run cost, counted from its records. */
import { expect, it } from 'vitest';
import { type TimedEvent, timedEventSchema } from '../../../../../shared/runs/events.ts';
import { spotTexts } from '../../../../../shared/runs/spot/text.ts';
import { SpotAccount, UNDISTURBED } from '../../../../../shared/runs/spot.ts';

const at = (second: number) => new Date(1e12 + second * 1000).toISOString();
const event = (second: number, fields: object): TimedEvent =>
  timedEventSchema.parse({ time: at(second), ...fields });
const data = (second: number) =>
  event(second, {
    ...{ type: 'data', sentence: '', classes: [], size: { train: 10 } },
    found: { from: {}, leftOut: [], notes: [] },
  });
const step = (second: number, number: number, parameterSums = `${number}`.padStart(8, '0')) =>
  event(second, {
    ...{ type: 'step', step: number, epoch: 1, loss: 1, accuracy: 1, learningRate: 1 },
    ...{ gradientNorm: 1, imagesPerSecond: 1, parameterSums: `${parameterSums}-00000000` },
    timings: { wallMs: 1000 },
  });
const worker = (second: number, fields: object) =>
  event(second, { type: 'worker', worker: 'w1', reason: '', workers: 1, ...fields });

function reportOf(events: readonly TimedEvent[]) {
  const account = new SpotAccount(4);
  for (const one of events) account.add(one);
  return account.report();
}

it('a run that nothing happened to lost nothing', () => {
  const events = [data(0), worker(1, { what: 'ready', engine: 'cpu' }), step(3, 1), step(4, 2)];
  expect(reportOf(events)).toEqual(UNDISTURBED);
});

it('counts lives, steps done again with the images of each, and the time until the run was as far again', () => {
  const report = reportOf([
    ...[data(0), step(3, 1), step(4, 2), step(5, 3), step(6, 4)],
    // Killed at 6 s; its last checkpoint was of step 1.
    ...[data(20), step(25, 2), step(26, 3), step(27, 4), step(28, 5)],
  ]);
  // An epoch has ten images in batches of 4, 4 and 2.
  expect(report).toMatchObject({ lives: 2, stepsAgain: 3, samplesAgain: 4 + 2 + 4 });
  expect(report).toMatchObject({ secondsLost: 21, stepsDiffering: 0, isOneKind: true });
});

it('lives that die before they are as far as the first are one loss', () => {
  const report = reportOf([
    ...[data(0), step(1, 1), step(2, 2), step(3, 3)],
    ...[data(10), step(12, 2)],
    ...[data(20), step(22, 2), step(23, 3)],
  ]);
  expect(report).toMatchObject({ lives: 3, stepsAgain: 3, secondsLost: 20 });
});

it('a life that continues where the one before saved loses the time between them', () => {
  const report = reportOf([data(0), step(1, 1), step(2, 2), data(10), step(13, 3)]);
  expect(report).toMatchObject({ lives: 2, stepsAgain: 0, samplesAgain: 0, secondsLost: 10 });
});

it('counts lost workers with the leaves that they held, and the time without enough of them', () => {
  const report = reportOf([
    ...[data(0), step(1, 1), worker(2, { what: 'lost', leaves: 3 })],
    ...[worker(2, { what: 'left' }), event(2, { type: 'phase', phase: 'waiting', reason: '' })],
    step(9, 2),
  ]);
  expect(report).toMatchObject({ lives: 1, workersLost: 1, leavesAgain: 3, secondsLost: 6 });
});

it('says where steps that were done again have other bits, and where engines differ', () => {
  const differing = reportOf([data(0), step(1, 1), data(2), step(3, 1, 'ffffffff')]);
  expect(differing.stepsDiffering).toBe(1);
  expect(spotTexts(differing)[1]).toBe('1 step computed again had other bits than the first time');
  const mixed = reportOf([
    worker(0, { what: 'ready', engine: 'cpu', processor: 'Intel' }),
    worker(0, { what: 'ready', engine: 'cpu', processor: 'AMD' }),
  ]);
  expect(mixed.isOneKind).toBe(false);
  expect(spotTexts({ ...mixed, lives: 2 })[1]).toMatch(/^several kinds of engines/);
});

it('is told in two lines', () => {
  const spot = { ...UNDISTURBED, lives: 3, workersLost: 1, secondsLost: 42, stepsAgain: 12 };
  expect(spotTexts({ ...spot, samplesAgain: 1536, leavesAgain: 1 })).toEqual([
    'started 3 times, 1 worker lost: 42 s lost, 12 steps (1,536 images) and 1 leaf computed again',
    'the result is that of a run that nothing disturbed, to the last bit',
  ]);
});
