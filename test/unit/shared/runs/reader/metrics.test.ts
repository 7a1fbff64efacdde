/** @file What is read of a run that has a validation split, and of one from before there were any. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { readMetrics } from '../../../../../shared/runs/reader/metrics.ts';

const time = '2026-01-01T00:00:00.000Z';
const step = (number: number, loss: number | null = 1) => ({
  ...{ type: 'step', time, step: number, epoch: 1, loss, accuracy: 0.5 },
  ...{ learningRate: 1, gradientNorm: 1, imagesPerSecond: 1 },
});
const evaluation = (version: number, accuracy: number, more: object = {}) => ({
  ...{ type: 'evaluation', time, version, epoch: 1, loss: 1, accuracy },
  ...more,
});
const validation = (version: number, accuracy: number) =>
  evaluation(version, accuracy, { split: 'validation', atStep: version });

async function read(records: readonly object[]) {
  const folder = mkdtempSync(join(tmpdir(), 'tessera-metrics-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const lines = records.map((record) => JSON.stringify(record)).join('\n');
  writeFileSync(join(folder, 'metrics.jsonl'), `${lines}\n`);
  return readMetrics(folder);
}

it('the best is chosen on validation, and the test is of that version; both are read once after a resume', async () => {
  const end = [validation(2, 0.7), evaluation(1, 0.6, { split: 'test', atStep: 2 })];
  const run = [step(1), validation(1, 0.8), step(2), ...end];
  const metrics = await read([...run, step(2), ...end]);
  expect(metrics.chosenOn).toBe('validation');
  expect(metrics.evaluations.map(({ version }) => version)).toEqual([1, 2]);
  expect(metrics.best).toMatchObject({ version: 1, accuracy: 0.8 });
  expect(metrics.test).toMatchObject({ version: 1, accuracy: 0.6 });
  expect(metrics.damagedLines).toBe(0);
});

it('records that name no split are of the test images, and a step without a loss is a step', async () => {
  const metrics = await read([step(1, null), evaluation(1, 0.5), step(2), evaluation(2, 0.4)]);
  expect(metrics.chosenOn).toBe('test');
  expect(metrics.steps[0]?.loss).toBeNaN();
  expect([metrics.best?.version, metrics.test?.version]).toEqual([1, 2]);
});
