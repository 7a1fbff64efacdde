/** @file What a run begins with is kept, and a run that goes on is held against it. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { beginRun } from '../../../../coordinator/begin/begin.ts';
import { assemble } from '../../../../coordinator/begin/build.ts';
import { configSchema, type RunConfig } from '../../../../shared/config/schema.ts';
import { systemClock } from '../../../../shared/core/clock.ts';
import { TesseraError } from '../../../../shared/core/errors.ts';
import { NOTHING_LEFT_OUT } from '../../../../shared/data/found.ts';
import type { DataSource } from '../../../../shared/data/source.ts';
import { createLog } from '../../../../shared/machine/log.ts';

const TRAIN = ['train/a/0.jpg', 'train/a/1.jpg', 'train/b/2.jpg', 'train/b/3.jpg'];

/** A set of files by name; the content of each is its name, unless another is given. */
function sourceOf(
  train = TRAIN,
  { classes = ['a', 'b'], bytesOf = (name: string) => name } = {},
): DataSource {
  const files = { train, test: ['test/a/0.jpg'] };
  const label = (name = '') => Math.max(0, classes.indexOf(name.split('/')[1] ?? ''));
  const nameAt = (split: string, index: number) => files[split as 'train' | 'test'][index] ?? '';
  const bytesAt = (split: string, index: number) => Buffer.from(bytesOf(nameAt(split, index)));
  return {
    classes,
    size: { train: train.length, validation: 0, test: 1 },
    found: NOTHING_LEFT_OUT,
    label: (split, index) => label(nameAt(split, index)),
    name: nameAt,
    listedBytes: (split, index) => bytesAt(split, index).length,
    bytes: async (split, index) => bytesAt(split, index).length,
    read: async (split, index) => {
      const name = nameAt(split, index);
      return { index, name, label: label(name), raw: undefined, bytes: bytesAt(split, index) };
    },
  } as DataSource;
}

const config = (changes: Partial<RunConfig> = {}) => ({
  ...configSchema.parse({
    name: 'begun',
    seed: 3,
    data: { source: 'image-folder', path: '/photos' },
    model: { imageSize: 4, patchSize: 4, width: 2, depth: 1, heads: 1, mlpWidth: 2 },
    training: { epochs: 1, batchSize: 2, microBatch: 1, optimizer: { learningRate: 1e-3 } },
  }),
  ...changes,
});

async function begin(
  runFolder: string,
  { source = sourceOf(), isResumed = true, of = config() } = {},
) {
  const log = createLog({ component: 'test', level: 'off' });
  return await beginRun({ config: of, source, runFolder, isResumed, baseFolder: '/', log });
}

/** A run that has saved its beginning. */
async function begunRun() {
  const runFolder = mkdtempSync(join(tmpdir(), 'tessera-begun-'));
  const begun = await begin(runFolder, { isResumed: false });
  const parts = assemble({ ...begun, source: sourceOf(), clock: systemClock });
  await parts.checkpointer.save(parts.store);
  const path = join(runFolder, 'identity.json');
  writeFileSync(path, begun.beginning);
  return { runFolder, begun, path };
}

/** Why a run does not go on; '' when it does. */
async function refusal(promise: Promise<unknown>): Promise<string> {
  const why = await promise.then(
    () => '',
    (error: unknown) => error,
  );
  return why === '' ? '' : `${TesseraError.from(why).code}: ${TesseraError.from(why).sentence}`;
}

it('does not begin with values that are not finite, and says which they are', async () => {
  const model = { ...config().model, positionDeviation: 1e39 };
  const begun = begin('/nowhere', { isResumed: false, of: config({ model }) });
  await expect(begun).rejects.toMatchObject({
    code: 'NON_FINITE',
    sentence: expect.stringMatching(/^the initial values are not finite: pos_embed holds -?Infin/),
    hint: 'make model.positionDeviation smaller',
  });
});

describe('a run that goes on', () => {
  it('is the same run to its workers, whatever of its settings does not decide the numbers', async () => {
    const { runFolder, begun } = await begunRun();
    const of = config({ name: 'other', evaluation: { everyEpochs: 0 } });
    const again = await begin(runFolder, { of });
    expect(again.resumed?.step).toBe(0);
    expect(again.identity.runId).toBe(begun.identity.runId);
    expect(again.beginning).toBe(begun.beginning);
    const { data } = config();
    const judged = await begin(runFolder, {
      of: config({ data: { ...data, validation: 'none' } }),
    });
    expect(judged.resumed?.step).toBe(0);
    expect(judged.identity.runId, 'workers have another division').not.toBe(again.identity.runId);
    const other = await begin(runFolder, { isResumed: false, of: config({ seed: 4 }) });
    expect(other.identity.runId).not.toBe(begun.identity.runId);
  });

  it.each<[string, DataSource, string]>([
    [
      'another name for a sample, their number being the same',
      sourceOf(TRAIN.with(1, 'train/a/9.jpg')),
      'sample 1 of train (train/a/9.jpg now) had another name or class when the run began',
    ],
    [
      'a sample more',
      sourceOf([...TRAIN, 'train/b/4.jpg']),
      'it has 5 samples of train now and had 4; sample 4 of train is train/b/4.jpg now and missing when the run began',
    ],
    [
      'a sample fewer',
      sourceOf(TRAIN.slice(0, 3)),
      'it has 3 samples of train now and had 4; sample 3 of train is missing now',
    ],
    [
      'a class more',
      sourceOf(TRAIN, { classes: ['a', 'b', 'c'] }),
      'it has the classes a, b, c now and had a, b',
    ],
    [
      'a larger file',
      sourceOf(TRAIN, { bytesOf: (name) => (name === TRAIN[2] ? `${name}+` : name) }),
      'sample 2 of train (train/b/2.jpg now) had another size when the run began',
    ],
    [
      'other bytes in a file',
      sourceOf(TRAIN, { bytesOf: (name) => (name === TRAIN[2] ? name.toUpperCase() : name) }),
      'train/b/2.jpg has other bytes now',
    ],
  ])('is refused with %s', async (_what, source, words) => {
    const { runFolder } = await begunRun();
    expect(await refusal(begin(runFolder, { source }))).toBe(
      `CHECKPOINT_MISMATCH: the data set is not the one that the run began with: ${words}`,
    );
  });

  it('is told of another seed, not of the samples that are elsewhere by it', async () => {
    const { runFolder } = await begunRun();
    const of = config({ seed: 4 });
    const source = sourceOf(TRAIN.with(1, 'train/a/9.jpg'));
    const why = await refusal(begin(runFolder, { of, source }));
    expect(why).toMatch(/^CHECKPOINT_MISMATCH: .*seed: 3 in the checkpoint, 4 now/);
  });

  it('of which nothing was kept goes on, with classes and numbers compared; what it has now is kept', async () => {
    const { runFolder, path } = await begunRun();
    for (const lose of [() => rmSync(path), () => writeFileSync(path, '{"schema":"identity/9"}')]) {
      lose();
      const again = await begin(runFolder, { source: sourceOf(TRAIN.with(1, 'train/a/9.jpg')) });
      expect(again.resumed?.step).toBe(0);
      expect(JSON.parse(again.beginning)).toMatchObject({ schema: 'identity/1' });
    }
    const grown = sourceOf([...TRAIN, 'train/b/4.jpg']);
    expect(await refusal(begin(runFolder, { source: grown }))).toMatch(
      /trainSamples: 4 in the checkpoint, 5 now/,
    );
  });

  it('that saved nothing begins anew, with the files that are there now', async () => {
    const runFolder = mkdtempSync(join(tmpdir(), 'tessera-begun-'));
    const first = await begin(runFolder, { isResumed: false });
    writeFileSync(join(runFolder, 'identity.json'), first.beginning);
    expect((await begin(runFolder)).identity.runId).toBe(first.identity.runId);
    const other = await begin(runFolder, { source: sourceOf(TRAIN.with(1, 'train/a/9.jpg')) });
    expect(other.resumed).toBeUndefined();
    expect(other.identity.runId).not.toBe(first.identity.runId);
    expect(existsSync(join(runFolder, 'checkpoints'))).toBe(false);
    expect(readFileSync(join(runFolder, 'identity.json'), 'utf8')).toBe(first.beginning);
  });
});
