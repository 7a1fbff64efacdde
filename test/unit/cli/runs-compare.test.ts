/** @file Where two runs part, by the sums in their records: what is said, and what differs before. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, expect, it, vi } from 'vitest';
import { compareRuns } from '../../../cli/runs/compare.ts';
import { type BegunRun, comparisonLines, comparisonOf } from '../../../cli/runs/compare-view.ts';
import { encodeBeginning, readBeginning } from '../../../shared/runs/identity-file.ts';
import { readRun } from '../../../shared/runs/reader/read.ts';
import { smallConfig } from '../../support/config.ts';

const root = mkdtempSync(join(tmpdir(), 'tessera-compare-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
afterEach(() => vi.restoreAllMocks());

const sums = (number: number) => `${String(number).padStart(8, '0')}-00000000`;
const time = '2026-01-01T12:00:00.000Z';
const SOUND = { from: {}, leftOut: [], notes: [] };
/** A coordinator begins or resumes at a version. */
const begins = (version: number, parameterSums = sums(version)) => ({
  ...{ type: 'data', time, sentence: '', classes: [], size: {}, found: SOUND },
  begins: { version, parameterSums },
});
const ready = (engine: string, processor?: string) => ({
  ...{ type: 'worker', time, worker: 'w', what: 'ready', reason: 'an engine', workers: 1, engine },
  ...(processor !== undefined && { processor }),
});
const step = (number: number, others: object = {}) => ({
  ...{ type: 'step', time, step: number, epoch: 1, loss: 1, accuracy: 0.5 },
  ...{ learningRate: 1, gradientNorm: 1, imagesPerSecond: 1, parameterSums: sums(number) },
  ...others,
});
const steps = (first: number, last: number) =>
  Array.from({ length: last - first + 1 }, (_, at) => step(first + at));
const older = (number: number) => step(number, { parameterSums: undefined });

const SPLIT = {
  ...{ samples: 10, listing: 'a'.repeat(64), sizes: 'b'.repeat(64) },
  ...{ listingMarks: '', sizeMarks: '', contents: [] },
};
const beginningWith = (splits: object, classes = ['cat']) => ({
  ...{ id: 'c'.repeat(64), samples: 'd'.repeat(64) },
  data: { classes, splits: { train: { ...SPLIT, ...splits } } },
});

/** A run of these records; its folder is its name. */
async function aRun(
  name: string,
  records: readonly object[],
  { config = {}, seed = 42, beginning = beginningWith({}) } = {},
): Promise<BegunRun> {
  const folder = join(root, name);
  mkdirSync(folder, { recursive: true });
  const files = {
    'config.json': JSON.stringify({ ...smallConfig(config), seed }),
    'identity.json': encodeBeginning(beginning as Parameters<typeof encodeBeginning>[0]),
    'metrics.jsonl': records.map((record) => `${JSON.stringify(record)}\n`).join(''),
  };
  for (const [file, text] of Object.entries(files)) writeFileSync(join(folder, file), text);
  return { run: await readRun(folder), beginning: await readBeginning(folder) };
}

const ONE = [begins(0), ready('cpu'), ...steps(1, 5)];

/** The lines about a run beside ONE, which is called `a`. */
async function linesOf(records: readonly object[], others: Parameters<typeof aRun>[2] = {}) {
  const [a, b] = [await aRun('a', ONE), await aRun('b', records, others)];
  return comparisonLines(comparisonOf(a, b)).slice(1).join('\n');
}

it('that are the same are said to be, over the steps that both have', async () => {
  expect(await linesOf(ONE)).toBe('a and b: the same parameters after each of 5 steps (1 to 5)');
  expect(await linesOf(ONE.slice(0, 5))).toMatchInlineSnapshot(`
    "a and b: the same parameters after each of 3 steps (1 to 3)
      length:           a has 5 steps, b 3"
  `);
});

it('part at a step: an engine that came before it is named', async () => {
  const [four, five] = [step(4, { gradientNorm: 2, parameterSums: sums(40) }), step(5)];
  const records = [...ONE.slice(0, 5), ready('gpu'), four, { ...five, parameterSums: sums(50) }];
  expect(await linesOf(records)).toMatchInlineSnapshot(`
    "a and b: the same parameters up to step 3, other parameters from step 4 on
      settings:         all that decide numbers are the same
      data set:         the same
      first parameters: the same
      engines:          cpu | cpu + gpu
      step 4:           the same loss, another gradient"
  `);
});

it('on processors of two kinds are shown to be, though their engine is the same', async () => {
  const on = (processor: string, last: object) =>
    aRun(processor, [begins(0), ready('cpu', processor), last]);
  const one = await on('AMD EPYC 7571 (avx2)', step(1));
  const other = await on('Intel Xeon (avx512f)', step(1, { parameterSums: sums(10) }));
  expect(comparisonLines(comparisonOf(one, other)).join('\n')).toContain(
    'engines:          cpu on AMD EPYC 7571 (avx2) | cpu on Intel Xeon (avx512f)',
  );
});

it('part at a step, and one record alone that is other is shown as such', async () => {
  const records = [...ONE.slice(0, 4), step(3, { parameterSums: sums(30) }), ...steps(4, 5)];
  expect(await linesOf(records)).toMatchInlineSnapshot(`
    "a and b: the same parameters up to step 2, other parameters from step 3 on, and the same again from step 4 on
      settings:         all that decide numbers are the same
      data set:         the same
      first parameters: the same
      engines:          the same (cpu)
      step 3:           the same loss and gradient norm: the gradient in other bits, or the optimizer step"
  `);
});

it('part from the start: seed, data set and first parameters are compared', async () => {
  const records = [begins(0, sums(9)), ready('cpu'), step(1, { loss: 2, parameterSums: sums(10) })];
  const beginning = beginningWith({ samples: 12 });
  const others = { config: { cluster: { workers: 3 } }, seed: 8, beginning };
  expect(await linesOf(records, others)).toMatchInlineSnapshot(`
    "a and b: other parameters from step 1 on
      settings:         seed 42 | 8
      data set:         10 and 12 samples of train
      first parameters: others
      engines:          the same (cpu)
      step 1:           another loss: of other samples, or computed otherwise
      length:           a has 5 steps, b 1"
  `);
});

it.each([
  [{ learningRate: 0.5 }, 'another learning rate'],
  [{ loss: 2, gradientNorm: 2 }, 'another loss: of other samples, or computed otherwise'],
  [{ gradientNorm: 2 }, 'the same loss, another gradient'],
  [{}, 'the same loss and gradient norm: the gradient in other bits, or the optimizer step'],
])('figures of the step that differs tell where: %j', async (figures, words) => {
  const records = [begins(0), ready('cpu'), step(1, { ...figures, parameterSums: sums(7) })];
  expect(await linesOf(records)).toContain(`step 1:           ${words}`);
});

it.each([
  [beginningWith({}, ['dog']), 'other classes, or in another order'],
  [beginningWith({ listing: 'f'.repeat(64) }), 'the samples of train have other names or classes'],
  [
    beginningWith({ sizes: 'f'.repeat(64), sizeMarks: 'f'.repeat(8) }),
    'sample 0 of train: other sizes',
  ],
])('data sets that differ are named', async (beginning, words) => {
  const records = [begins(0), step(1, { parameterSums: sums(7) })];
  expect(await linesOf(records, { beginning })).toContain(`data set:         ${words}`);
});

it('of an older version have no sums: that is said, of some steps or of all', async () => {
  expect(await linesOf([ready('cpu'), older(1), older(2)])).toMatchInlineSnapshot(`
    "a and b: not known to be the same: no step has sums in both
      length:           a has 5 steps, b 2
      without sums:     2 steps of b (older versions record none)"
  `);
  const later = [older(1), older(2), step(3, { parameterSums: sums(30) })];
  expect(await linesOf(later)).toMatchInlineSnapshot(`
    "a and b: other parameters in step 3, perhaps before
      settings:         all that decide numbers are the same
      data set:         the same
      first parameters: not known
      engines:          cpu | not known
      step 3:           the same loss and gradient norm: the gradient in other bits, or the optimizer step
      length:           a has 5 steps, b 3
      without sums:     2 steps of b (older versions record none)"
  `);
});

it('that were killed and resumed count what was done last', async () => {
  const otherwise = step(4, { parameterSums: sums(40) });
  const again = [begins(3), ready('cpu'), ...steps(4, 5)];
  const killed = [begins(0), ready('cpu'), ...steps(1, 3)];
  expect(await linesOf([...killed, ...steps(4, 4), ...again])).toBe(
    'a and b: the same parameters after each of 5 steps (1 to 5)',
  );
  expect(await linesOf([...killed, otherwise, ...again])).toMatchInlineSnapshot(`
    "a and b: the same parameters after each of 5 steps (1 to 5)
      resumed:          b had other parameters at step 4 when it came there again"
  `);
  expect(await linesOf([...killed, begins(3, sums(33)), ...steps(4, 5)])).toContain(
    'b had other parameters at step 3 when it came there again',
  );
});

it('engines of steps that were undone do not explain what came before them', async () => {
  const killed = [begins(0), ready('cpu'), ...steps(1, 3), ready('gpu'), ...steps(4, 5)];
  const again = [begins(2), ready('tpu'), step(3, { parameterSums: sums(30) })];
  const { run } = await aRun('b', [...killed, ...again]);
  expect(run.metrics.origins).toEqual({
    firstSums: sums(0),
    engines: [
      { name: 'cpu', afterStep: 0 },
      { name: 'tpu', afterStep: 2 },
    ],
    changedStep: 3,
  });
  const unsaid = again.slice(1);
  const engines = (await aRun('b', [...killed, ...unsaid])).run.metrics.origins.engines;
  expect(engines.map(({ name, afterStep }) => `${name} ${afterStep}`)).toEqual([
    'cpu 0',
    'gpu 2',
    'tpu 2',
  ]);
});

it('--exact tells a script: 0, 1, or 65 where nothing is known', async () => {
  const exact = (...names: readonly string[]) =>
    compareRuns({ names: names.map((name) => join(root, name)), runsFolder: root, exact: true });
  vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  await aRun('a', ONE);
  await aRun('same', ONE);
  await aRun('other', [...ONE.slice(0, 6), step(5, { parameterSums: sums(50) })]);
  await aRun('elsewhere', [begins(0, sums(9))]);
  await aRun('older', [older(1)]);
  expect(await exact('a', 'same')).toBe(0);
  expect(await exact('a', 'same', 'other')).toBe(1);
  expect(await exact('a', 'elsewhere')).toBe(1);
  await expect(exact('a', 'older')).rejects.toMatchObject({ code: 'DATA_INVALID' });
  await expect(exact('a')).rejects.toMatchObject({ code: 'DATA_INVALID' });
});
