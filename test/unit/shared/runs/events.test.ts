/** @file The one schema of events: what a coordinator emits is what a reader of metrics.jsonl gets, of older versions too. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { createLog } from '../../../../shared/machine/log.ts';
import { type RunEvent, timedEventSchema } from '../../../../shared/runs/events.ts';
import { MetricsFile } from '../../../../shared/runs/metrics-file.ts';
import { Observers } from '../../../../shared/runs/observer.ts';
import { readMetrics } from '../../../../shared/runs/reader/metrics.ts';

const { NaN: none } = Number;
const report = { epoch: 1, loss: none, accuracy: 0.5 };
const TIMINGS = {
  ...{ wallMs: 9, pullMs: 1, fetchMs: 1, computeMs: 5, pushMs: 1, idleMs: 0 },
  ...{ sumMs: 1, optimizerMs: 1, coordinatorBusyMs: 2 },
};
const STEP = { ...report, step: 1, learningRate: 0.1, gradientNorm: none, imagesPerSecond: 8 };
const EVENTS: readonly RunEvent[] = [
  {
    ...{ type: 'data', sentence: '2 images', classes: ['a'], size: { train: 2, test: 0 } },
    found: { from: { train: 'train' }, leftOut: [{ what: '.heic', count: 1 }], notes: [] },
  },
  { type: 'worker', worker: 'w', what: 'joined', reason: 'cpu', workers: 1 },
  { type: 'phase', phase: 'training', reason: 'epoch 1 of 1' },
  { type: 'step', ...STEP, timings: TIMINGS },
  { type: 'emptyStep', step: 1 },
  { type: 'badSample', name: 'train sample 0', reason: 'torn' },
  { type: 'evaluation', split: 'validation', ...report, version: 1, atStep: 1 },
  {
    ...{ type: 'checkpoint', step: 1, folder: 'f', bytes: 1, seconds: 0.5 },
    ...{ parametersSha256: 'ab', givenUp: 'e' },
  },
  { type: 'checkpointFailed', step: 1, reason: 'full' },
  { type: 'mirrored', step: 1, bytes: 9, seconds: 0.5 },
  { type: 'mirrorFailed', step: 1, reason: 'away' },
  { type: 'bestGone', version: 1, reason: 'gone' },
  { type: 'stall', seconds: 9, sentence: 'no step has completed' },
  { type: 'stallOver', seconds: 9 },
  { type: 'alarm', name: 'lossHigh', state: 'raised', sentence: 'the loss is high' },
  { type: 'alarm', name: 'lossHigh', state: 'over', sentence: 'it is not' },
  { type: 'phase', phase: 'failed', reason: 'stopped', code: 'CANCELLED' },
  { type: 'ended', how: 'stopped', exit: 130, code: 'CANCELLED', reason: 'stopped' },
];
const time = '2026-01-01T00:00:00.000Z';

it.each(EVENTS)('$type is read as it was emitted', (event) => {
  const record: unknown = JSON.parse(JSON.stringify({ time, ...event }));
  expect(timedEventSchema.parse(record)).toEqual({ time, ...event });
});

it('records of versions without timings, splits and steps of evaluations have defaults', () => {
  const step = timedEventSchema.parse({ type: 'step', time, ...STEP, loss: 1, gradientNorm: 1 });
  expect(step).toMatchObject({ timings: { wallMs: none, coordinatorBusyMs: none } });
  const evaluation = { type: 'evaluation', time, ...report, loss: 1, version: 7 };
  expect(timedEventSchema.parse(evaluation)).toMatchObject({ split: 'test', atStep: 7 });
});

it('a run that emits them leaves a file without a damaged line', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tessera-events-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const silent = { failed: () => {}, recovered: () => {}, lost: () => {} };
  const log = createLog({ component: 'test', level: 'off' });
  const observers = new Observers([new MetricsFile(folder, silent)], log);
  for (const event of EVENTS) observers.emit(event);
  await observers.close();
  const metrics = await readMetrics(folder);
  const { damagedLines, steps, evaluations, checkpoints, phases } = metrics;
  expect(damagedLines).toBe(0);
  expect(steps).toMatchObject([STEP]);
  expect([evaluations.length, checkpoints.length, phases.at(-1)?.code]).toEqual([
    1,
    1,
    'CANCELLED',
  ]);
});
