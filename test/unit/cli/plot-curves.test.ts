/** @file Curves over steps, epochs or time; long ones keep their peaks. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { axisOf } from '../../../cli/plot/axis.ts';
import { curves, plotCurves } from '../../../cli/plot/curves.ts';
import { smoothed, thinned } from '../../../cli/plot/thinned.ts';
import { readMetrics } from '../../../shared/runs/reader/metrics.ts';
import { errorOf } from '../../support/config.ts';

const timeOf = (seconds: number) => new Date(Date.UTC(2026, 0, 1) + seconds * 1000).toISOString();
const data = (seconds: number) => ({
  ...{ type: 'data', time: timeOf(seconds), sentence: '', classes: [], size: {} },
  found: { from: {}, leftOut: [], notes: [] },
});
const step = (seconds: number, number: number) => ({
  ...{ type: 'step', time: timeOf(seconds), step: number, epoch: Math.ceil(number / 2) },
  ...{ loss: 1 / number, accuracy: 0.5, learningRate: 4e-4, gradientNorm: 2, imagesPerSecond: 90 },
});

/** A run that worked for 100 s, paused for an hour, and worked for 100 s more. */
async function pausedRun() {
  const folder = mkdtempSync(join(tmpdir(), 'tessera-curves-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const first = [data(0), step(50, 1), step(100, 2)];
  const second = [data(3700), step(3750, 3), step(3800, 4)];
  const lines = [...first, ...second].map((record) => JSON.stringify(record)).join('\n');
  writeFileSync(join(folder, 'metrics.jsonl'), `${lines}\n`);
  return readMetrics(folder);
}

it.each([
  ['step', 'step', [1, 2, 3, 4]],
  ['epoch', 'epoch', [0.5, 1, 1.5, 2]],
  ['time', 'minutes at work', [50, 100, 150, 200].map((seconds) => seconds / 60)],
] as const)('by %s', async (by, label, places) => {
  const metrics = await pausedRun();
  const axis = axisOf(by, [metrics]);
  const place = axis.placesIn(metrics);
  expect(axis.label).toBe(label);
  expect(metrics.steps.map(({ step: version, time }) => place({ version, time }))).toEqual(places);
});

it('a picture has five panels, and names their axes', async () => {
  const metrics = await pausedRun();
  const svg = curves([{ name: 'a', metrics }], [], 'time');
  for (const text of ['Loss', 'Accuracy', 'Learning rate', 'Gradient norm', 'Speed', '4e-4']) {
    expect(svg).toContain(`>${text}<`);
  }
  expect(svg.match(/>minutes at work</g)).toHaveLength(5);
});

it('figures of others are by epoch: with another axis they are refused', async () => {
  const error = await errorOf(plotCurves({ runs: [], beside: ['paper.csv'], by: 'time' }));
  expect(error.code).toBe('USAGE');
});

it('a long curve keeps its lowest and highest points in their order, a short one all', () => {
  const points = Array.from({ length: 1e5 }, (_, x) => [x, x % 7] as const);
  points[61_234] = [61_234, 1000];
  points[61_240] = [61_240, -1000];
  const few = thinned(points);
  expect(few.length).toBeLessThanOrEqual(2000);
  expect(few).toContainEqual([61_234, 1000]);
  expect(few).toContainEqual([61_240, -1000]);
  expect(few.every(([x], at) => at === 0 || x > (few[at - 1]?.[0] ?? 0))).toBe(true);
  expect(thinned(points.slice(0, 2000))).toHaveLength(2000);
});

it('a smooth curve leaves out what is not a number', () => {
  expect(
    smoothed([
      [1, 2],
      [2, Number.NaN],
      [3, 4],
    ]),
  ).toEqual([
    [1, 2],
    [3, 3],
  ]);
});
