/**
 * @file What we write is what TensorBoard reads: each tag, step, time and value, also of a run that was resumed.
 *
 * The fixture has the files of a made-up run and what TensorBoard of PyPI read of them (read.json), so that this needs no
 * Python; `TENSORBOARD=write` makes it again. Where TensorBoard is or can be installed, it reads them now, too.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { histogramOf } from '../../../../tools/tensorboard/histogram.ts';
import { summaryRecord } from '../../../../tools/tensorboard/records.ts';
import { TensorBoard } from '../../../../tools/tensorboard/tensorboard.ts';
import { histogram, image } from '../../../../tools/tensorboard/values.ts';
import {
  dataEvent,
  eventAt,
  MemorySink,
  pythonWithTensorBoard,
  type Reading,
  readByTensorBoard,
  smallConfig,
  stepOf,
  workersEvent,
} from '../../../support/tensorboard.ts';

const FOLDER = fileURLToPath(new URL('../../../fixtures/tensorboard/', import.meta.url));
const RUN = 'digits';
const NAMES = [1_700_000_000, 1_700_000_100].map((time) => `events.out.tfevents.${time}.host.1.0`);
const CONFIG_TEXT = 'name: digits\nseed: 42 # --set\n';
const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
);
const VALUES = Float32Array.from({ length: 1000 }, (_, at) => Math.sin(at) ** 3);
const WALL = 1_700_000_000;

/** The files of a run that is killed after step 6, and resumed from the checkpoint of step 4. */
async function written(): Promise<readonly Buffer[]> {
  const options = { runFolder: `runs/${RUN}`, extent: 'figures', config: smallConfig() } as const;
  const sinks = [new MemorySink(), new MemorySink()];
  const [first, second] = sinks.map(
    (sink) => new TensorBoard({ ...options, configText: CONFIG_TEXT, opened: async () => sink }),
  ) as [TensorBoard, TensorBoard];
  first.event(eventAt(0, dataEvent(0)));
  for (const step of [1, 2, 3, 4]) first.event(eventAt(step, stepOf(step)));
  first.event(eventAt(5, evaluationOf(4, 'validation')));
  for (const step of [5, 6]) first.event(eventAt(step + 1, stepOf(step, 100)));
  await first.close();
  second.event(eventAt(100, dataEvent(4)));
  second.event(eventAt(101, stepOf(5)));
  second.event(eventAt(102, stepOf(6, Number.NaN)));
  second.event(eventAt(103, workersEvent(6)));
  second.event(eventAt(104, evaluationOf(6, 'validation')));
  second.event(eventAt(105, evaluationOf(4, 'test')));
  second.event(eventAt(106, { type: 'phase', phase: 'done', reason: '' }));
  await second.close();
  const seen = summaryRecord({ step: 6, wallSeconds: WALL + 104.5 }, [
    image('images/batch', { bytes: PNG, width: 1, height: 1 }),
    histogram('parameters/head.weight', histogramOf(VALUES)!),
    histogram('gradients/head.bias', histogramOf(Float32Array.of(0, 0))!),
  ]);
  return [sinks[0]!.bytes, Buffer.concat([sinks[1]!.bytes, seen])];
}

function evaluationOf(version: number, split: 'validation' | 'test') {
  const figures = { loss: 0.5 + version / 100, accuracy: 0.9 + version / 1000 };
  return { type: 'evaluation', split, version, epoch: 1, ...figures, atStep: version } as const;
}

/** The scalars that a reader must have: those of steps that were redone are the new ones. */
function expectedScalars(): Record<string, [number, number, number][]> {
  const steps = [1, 2, 3, 4, 5].map((step) => ({ step, wall: WALL + (step === 5 ? 101 : step) }));
  const all = [...steps, { step: 6, wall: WALL + 102 }];
  const f = Math.fround;
  const each = (of: typeof all, value: (step: number) => number) =>
    of.map(({ step, wall }): [number, number, number] => [step, wall, f(value(step))]);
  const one = (step: number, seconds: number, value: number): [number, number, number][] => [
    [step, WALL + seconds, f(value)],
  ];
  const workers = Object.entries({
    ...{ pull: 0.125, fetch: 0.125, compute: 0.5, push: 0.125, idle: 0.125 },
  }).flatMap(([part, value]) =>
    ['w1', 'w2'].map((worker) => [`workers_${part}/${worker}`, one(6, 103, value)] as const),
  );
  return {
    ...Object.fromEntries(workers),
    'workers_images_per_second/w1': one(6, 103, 50),
    'workers_images_per_second/w2': one(6, 103, 51),
    'loss/train': each(steps, (step) => 2 / step),
    'accuracy/train': each(all, (step) => step / 10),
    learning_rate: each(all, (step) => step / 1000),
    gradient_norm: each(all, (step) => 1 / (step + 1)),
    images_per_second: each(all, (step) => 100 + step),
    epoch: each(all, () => 1),
    'loss/validation': [...one(4, 5, 0.54), ...one(6, 104, 0.56)],
    'accuracy/validation': [...one(4, 5, 0.904), ...one(6, 104, 0.906)],
    'loss/test': one(4, 105, 0.54),
    'accuracy/test': one(4, 105, 0.904),
  };
}

/** All of a reading that this run decides. */
function expectReading({ series, hparams }: Reading): void {
  expect(Object.keys(series)).toEqual([RUN]);
  const { scalars, text, histograms, images } = series[RUN]!;
  expect(scalars).toEqual(expectedScalars());
  const block = '    name: digits\n    seed: 42 # --set\n    ';
  expect(text?.['config']?.at(-1)).toEqual([4, WALL + 100, block]);
  expect(text?.['data']?.at(-1)?.[2]).toBe('7,600 training images in 10 classes');
  expect(images?.['images/batch']).toEqual([
    [6, WALL + 104.5, ['MQ==', 'MQ==', PNG.toString('base64')]],
  ]);
  expect(Object.keys(histograms ?? {})).toEqual(['gradients/head.bias', 'parameters/head.weight']);
  const buckets = histograms?.['parameters/head.weight']?.[0]?.[2] ?? [];
  const mine = histogramOf(VALUES)!;
  expect(buckets.map(([, , count]) => count)).toEqual([...mine.counts]);
  expect(buckets.at(-1)?.[1]).toBe(mine.max);
  const session = hparams.sessions[RUN]!;
  expect(session).toMatchObject({ group: RUN, status: 1, ended: WALL + 106 });
  expect(session['settings']).toMatchObject({
    seed: 42,
    'data.source': 'mnist',
    'data.augment.flip': false,
    'training.batchSize': 128,
    'training.optimizer.learningRate': 0.004,
    'training.classWeights': '[1,1,1,1,1,1,1,1,1,2]',
  });
  expect(hparams.columns).toEqual(Object.keys(session['settings'] as object).sort());
  expect(hparams.metrics).toEqual(Object.keys(scalars ?? {}).sort());
}

const files = await written();
if (process.env['TENSORBOARD'] === 'write') {
  mkdirSync(join(FOLDER, RUN), { recursive: true });
  for (const [at, name] of NAMES.entries()) writeFileSync(join(FOLDER, RUN, name), files[at]!);
}

it('is byte for byte what TensorBoard has read', () => {
  for (const [at, name] of NAMES.entries()) {
    expect(files[at]!.equals(readFileSync(join(FOLDER, RUN, name))), name).toBe(true);
  }
  expectReading(JSON.parse(readFileSync(join(FOLDER, 'read.json'), 'utf8')));
});

// An install may take minutes: `npm run tensorboard` asks for it, and CI has it beforehand.
const found = pythonWithTensorBoard(process.env['TENSORBOARD'] !== undefined);
if ('reason' in found) process.stderr.write(`skipped: reading by TensorBoard, ${found.reason}\n`);

it.skipIf('reason' in found)('is read so by TensorBoard, by both of its readers', async () => {
  const { python } = found as { python: string };
  const readings = [];
  for (const reader of ['python', 'rust'] as const) {
    readings.push(await readByTensorBoard(python, FOLDER, reader));
  }
  const path = join(FOLDER, 'read.json');
  if (process.env['TENSORBOARD'] === 'write') {
    writeFileSync(path, `${JSON.stringify(readings[0], null, 1)}\n`);
  }
  for (const reading of readings) expectReading(reading);
  expect(readings[0]).toEqual(JSON.parse(readFileSync(path, 'utf8')));
});
