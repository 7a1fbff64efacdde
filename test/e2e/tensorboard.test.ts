/** @file A real run writes for TensorBoard what it measured, beside the same bits. Read by TensorBoard where it is installed. */
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { crc32c } from '../../tools/tensorboard/crc32c.ts';
import { SMALL_RUN, scratchFolder, tessera } from '../support/cluster.ts';
import { pythonWithTensorBoard, readByTensorBoard } from '../support/tensorboard.ts';

const folder = scratchFolder();
const runs = join(folder, 'runs');
const run = join(runs, 'all');
const found = pythonWithTensorBoard(process.env['TENSORBOARD'] !== undefined);
if ('reason' in found) process.stderr.write(`skipped: reading by TensorBoard, ${found.reason}\n`);

const train = (runFolder: string, ...more: string[]) =>
  tessera(['train', ...SMALL_RUN, '--workers', '1', '--json', '--run-folder', runFolder, ...more]);

/** The messages of an events file, whose checksums hold. */
function recordsOf(file: Buffer): string[] {
  const records: string[] = [];
  const masked = (bytes: Uint8Array) => {
    const crc = crc32c([bytes]);
    return (((crc >>> 15) | (crc << 17)) + 0xa282_ead8) >>> 0;
  };
  for (let at = 0; at < file.length; ) {
    const size = Number(file.readBigUInt64LE(at));
    expect(file.readUInt32LE(at + 8)).toBe(masked(file.subarray(at, at + 8)));
    const message = file.subarray(at + 12, at + 12 + size);
    expect(file.readUInt32LE(at + 12 + size)).toBe(masked(message));
    records.push(message.toString('latin1'));
    at += 16 + size;
  }
  return records;
}

const eventFiles = (runFolder: string) =>
  readdirSync(runFolder).filter((name) => name.startsWith('events.out.tfevents.'));

/** Records of metrics.jsonl of one type. */
function metrics(type: string): Record<string, number>[] {
  const lines = readFileSync(join(run, 'metrics.jsonl'), 'utf8').trim().split('\n');
  return lines.map((line) => JSON.parse(line)).filter((record) => record.type === type);
}

it('is off when asked to be, and changes no bit', async () => {
  mkdirSync(runs);
  const [off, all] = await Promise.all([
    train(join(folder, 'off'), '--tensorboard', 'off'),
    train(run, '--tensorboard', 'all'),
  ]);
  expect([off.code, all.code], off.stderr + all.stderr).toEqual([0, 0]);
  expect(all.stderr).not.toMatch(/TensorBoard/);
  const sha256 = ({ stdout }: { stdout: string }) => JSON.parse(stdout).parametersSha256;
  expect(sha256(all)).toBe(sha256(off));
  expect([eventFiles(join(folder, 'off')), eventFiles(run)]).toEqual([[], [expect.anything()]]);
  const [name] = eventFiles(run);
  const records = recordsOf(readFileSync(join(run, name as string)));
  expect(records[0]).toContain('brain.Event:2');
  const steps = metrics('step').length;
  expect(records.filter((record) => record.includes('loss/train'))).toHaveLength(steps);
  for (const tag of ['_hparams_/session_end_info', 'config', 'images/batch', 'images/mistakes']) {
    expect(
      records.some((record) => record.includes(tag)),
      tag,
    ).toBe(true);
  }
});

it.skipIf('reason' in found)('is read with the values of metrics.jsonl', async () => {
  const { python } = found as { python: string };
  const { series, hparams } = await readByTensorBoard(python, runs, 'rust');
  const { scalars = {}, histograms = {}, images = {}, text = {} } = series['all'] ?? {};
  const f = Math.fround;
  const of = (tag: string) => scalars[tag]?.map(([step, , value]) => [step, value]);
  const steps = metrics('step');
  const keys = {
    'loss/train': 'loss',
    'accuracy/train': 'accuracy',
    learning_rate: 'learningRate',
    gradient_norm: 'gradientNorm',
    images_per_second: 'imagesPerSecond',
    epoch: 'epoch',
  };
  for (const [tag, key] of Object.entries(keys)) {
    expect(of(tag), tag).toEqual(steps.map((one) => [one['step'], f(one[key] as number)]));
  }
  for (const key of ['loss', 'accuracy']) {
    const judged = metrics('evaluation').map((one) => [one['version'], f(one[key] as number)]);
    expect(of(`${key}/test`)).toEqual(judged);
  }
  const last = steps.length;
  const parameters = Object.keys(histograms).filter((tag) => tag.startsWith('parameters/'));
  expect(parameters).toHaveLength(4 + 2 * 12 + 4);
  for (const tag of parameters) {
    const [[step, , buckets] = []] = [histograms[tag]?.at(-1)];
    const gradient = histograms[tag.replace('parameters/', 'gradients/')]?.at(-1);
    const size = (all: typeof buckets) => all?.reduce((sum, [, , count]) => sum + count, 0);
    expect([step, gradient?.[0]], tag).toEqual([last, last]);
    expect(size(gradient?.[2]), tag).toBe(size(buckets));
  }
  for (const tag of ['images/batch', 'images/mistakes']) {
    const [step, , [width, , file] = []] = images[tag]?.at(-1) ?? [];
    const png = Buffer.from(file ?? '', 'base64');
    expect([step, png.subarray(1, 4).toString()]).toEqual([last, 'PNG']);
    expect(png.readUInt32BE(16)).toBe(Number(Buffer.from(width ?? '', 'base64')));
  }
  expect(text['config']?.[0]?.[2]).toMatch(/width: 16 # flag/);
  expect(hparams.sessions['all']).toMatchObject({ status: 1, settings: { 'model.width': 16 } });
});

it('gets no other file from a run that is done', async () => {
  const before = eventFiles(run);
  const again = await tessera(['train', '--resume', run]);
  expect([again.code, eventFiles(run)], again.stderr).toEqual([0, before]);
});
