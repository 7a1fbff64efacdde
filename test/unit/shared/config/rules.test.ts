/** @file The rules between fields, against the data, and the identity of a run. */
import { describe, expect, it } from 'vitest';
import { configJsonSchema, explainConfig } from '../../../../shared/config/explain.ts';
import { identityJson, modelFingerprint } from '../../../../shared/config/fingerprint.ts';
import { checkAgainstData, checkConfig, resolveModel } from '../../../../shared/config/rules.ts';
import type { RunConfig } from '../../../../shared/config/schema.ts';
import { sha256OfText } from '../../../../shared/files/digest.ts';
import { smallConfig } from '../../../support/config.ts';

const NO_SHAPE = { patchSize: undefined, width: undefined, depth: undefined, heads: undefined };
type Changes = Parameters<typeof smallConfig>[0];

describe('fields that do not fit together', () => {
  it.each<[path: string, sentence: string, changes: Changes]>([
    ['model.variant', 'S/14 already sets patchSize', { model: { variant: 'S/14' } }],
    [
      'model',
      'without a variant it needs depth, heads',
      { model: { depth: undefined, heads: undefined } },
    ],
    ['model.heads', '3 heads do not divide a width of 16', { model: { heads: 3 } }],
    ['model.variant', 'patches of 16 pixels', { model: { ...NO_SHAPE, variant: 'B/16' } }],
    ['model.patchSize', 'patches of 5 pixels', { model: { patchSize: 5 } }],
    ['model.freeze', 'blocks<9 of a model with', { model: { freeze: 'blocks<9' } }],
    [
      'training.microBatch',
      'need a microBatch of at least 2',
      { data: { augment: { mixup: 0.2 } }, training: { microBatch: 1 } },
    ],
    ['data.path', 'missing; source idx needs the folder', { data: { source: 'idx' } }],
    ['data.testFraction', 'have no test split', { data: { testFraction: 0 } }],
    [
      'data.testFraction',
      '1 would leave one of the two splits empty',
      { data: { testFraction: 1 } },
    ],
    ['data.mean', '2 values for images of 1 channel', { data: { mean: [0.5, 0.5] } }],
    [
      'data.deviation',
      '2 values for images of 3 channels',
      { data: { channels: 3, deviation: [1, 1] } },
    ],
    [
      'data.augment.cropScale',
      'the smallest share (0.9)',
      { data: { augment: { cropScale: [0.9, 0.1] } } },
    ],
    ['training.microBatch', 'a leaf of 64 samples', { training: { microBatch: 64 } }],
    [
      'data.transfer',
      'uint8 holds decoded pixels, and mixup makes values between them',
      { data: { transfer: 'uint8', augment: { mixup: 0.2 } } },
    ],
    [
      'data.transfer',
      'uint8 holds decoded pixels, and erasing makes values between them',
      { data: { transfer: 'uint8', augment: { erasing: 0.2 } } },
    ],
    [
      'training.precision',
      'engine onnxruntime (cpu) does not compute in bf16',
      {
        compute: { engine: 'onnxruntime', provider: 'cpu' },
        training: { precision: 'bf16' },
      },
    ],
    ['limits.chunkBytes', 'a chunk of 4.0 MiB', { limits: { chunkBytes: '4MiB' } }],
    [
      'cluster.silenceMs',
      'must be at least twice cluster.heartbeatMs',
      { cluster: { heartbeatMs: 6_000 } },
    ],
    [
      'cluster.minWorkers',
      '3 exceeds limits.workersMax',
      { cluster: { minWorkers: 3 }, limits: { workersMax: 2 } },
    ],
  ])('%s: %s', (path, sentence, changes) => {
    const problems = checkConfig(smallConfig(changes));
    expect(problems.map((problem) => problem.path.join('.'))).toEqual([path]);
    expect(problems[0]?.sentence).toContain(sentence);
    expect(problems[0]?.hint).toBeDefined();
  });

  it('all problems are reported, not the first', () => {
    const config = smallConfig({ model: { heads: 3, patchSize: 5 }, training: { microBatch: 64 } });
    expect(checkConfig(config)).toHaveLength(3);
  });

  it('a sound config has none, whatever way the model is given', () => {
    expect(checkConfig(smallConfig({}))).toEqual([]);
    expect(checkConfig(smallConfig({ model: { ...NO_SHAPE, variant: 'Ti/7' } }))).toEqual([]);
    expect(checkConfig(smallConfig({ limits: { chunkBytes: 4 * 1024 ** 2 - 64 * 1024 } }))).toEqual(
      [],
    );
  });
});

describe('a config against its data', () => {
  const classes = ['cat', 'dog'];
  const config = (warmupSteps: number) => smallConfig({ training: { schedule: { warmupSteps } } });

  it.each([
    ['training.batchSize', 0, { train: 31, test: 10 }],
    ['data.testFraction', 0, { train: 32, test: 0 }],
    ['training.schedule.warmupSteps', 4, { train: 33, test: 1 }],
  ])('%s is named', (path, warmupSteps, samples) => {
    expect(() => checkAgainstData(config(warmupSteps), { size: samples, classes })).toThrow(
      `[CONFIG_INVALID] ${path}: `,
    );
  });

  it('a data set of one class is refused', () => {
    const set = { size: { train: 33, test: 1 }, classes: ['cat'] };
    expect(() => checkAgainstData(config(0), set)).toThrow(
      '[DATA_INVALID] the data set has a single class',
    );
  });

  it('the last, short batch of an epoch is a step too', () => {
    expect(() =>
      checkAgainstData(config(3), { size: { train: 33, test: 1 }, classes }),
    ).not.toThrow();
    expect(() => checkAgainstData(config(2), { size: { train: 32, test: 1 }, classes })).toThrow(
      'which has 2',
    );
  });
});

describe('the shape of the model', () => {
  it('an MLP is four times as wide as the model unless the config says otherwise', () => {
    expect(resolveModel(smallConfig({}), 10).mlpWidth).toBe(64);
    expect(resolveModel(smallConfig({ model: { mlpWidth: 40 } }), 10).mlpWidth).toBe(40);
  });

  it('a variant is its numbers', () => {
    const config = smallConfig({ model: { ...NO_SHAPE, variant: 'Ti/14' }, data: { channels: 3 } });
    expect(resolveModel(config, 7)).toEqual({
      imageSize: 28,
      channels: 3,
      numClasses: 7,
      patchSize: 14,
      width: 192,
      depth: 12,
      heads: 3,
      mlpWidth: 768,
    });
  });
});

describe('the identity of a run', () => {
  const FACTS = {
    ...{ modelFingerprint: 'f', classes: ['a', 'b'] },
    ...{ trainSamples: 100, validationSamples: 0, testSamples: 10 },
  };
  const identity = (config: RunConfig, facts = {}) => identityJson(config, { ...FACTS, ...facts });
  const base = smallConfig({});

  it.each<[name: string, config: RunConfig]>([
    ['its name', { ...base, name: 'other' }],
    ['the cluster', smallConfig({ cluster: { workers: 7, leaseMs: 1 } })],
    ['the limits', smallConfig({ limits: { chunkBytes: '64KiB' } })],
    ['the engine', { ...base, compute: { ...base.compute, engine: 'tfjs-cpu' } }],
    ['checkpoints', { ...base, checkpoint: { ...base.checkpoint, keep: 9 } }],
    ['evaluations', { ...base, evaluation: { everyEpochs: 0 } }],
    ['where the data are', smallConfig({ data: { path: '/x', access: 'local', cacheBytes: 9 } })],
    ['what an unreadable image does', smallConfig({ data: { onBadImage: 'fail' } })],
    ['an MLP width that is the default', smallConfig({ model: { mlpWidth: 64 } })],
    [
      'a colour behind transparent images that is not given',
      { ...base, data: { ...base.data, background: undefined } },
    ],
    ['what is computed again', smallConfig({ training: { recompute: 'blocks' } })],
    ["a set's own validation split", smallConfig({ data: { validation: 'none' } })],
  ])('does not depend on %s', (_name, config) => expect(identity(config)).toBe(identity(base)));

  it('is, without data.validation, the text that it was before there was one', () => {
    for (const validationSamples of [0, 7]) {
      expect(identity(base, { validationSamples })).not.toMatch(/validation/i);
    }
  });

  it('is, with the defaults of younger options, the text that it was before there were any', () => {
    // Of the version before `training.precision`: checkpoints of then resume.
    expect(sha256OfText(identity(base))).toBe(
      '01c1c711e7a845f22bdf1000d1ebc2c1cc99c6c02504d2b8da2b639c211193c3',
    );
  });

  it.each<[name: string, config: RunConfig, facts?: object]>([
    ['the precision', smallConfig({ training: { precision: 'bf16' } })],
    ['what gradients are rounded to', smallConfig({ exchange: { gradients: 'bf16' } })],
    ['what parameters are rounded to', smallConfig({ exchange: { parameters: 'bf16' } })],
    ['how pixels go to the device', smallConfig({ data: { transfer: 'float16' } })],
    ['the seed', { ...base, seed: 1 }],
    ['a share that validates', smallConfig({ data: { validation: 0.1 } })],
    ['a folder that validates', smallConfig({ data: { validation: 'held' } })],
    ['the batch', smallConfig({ training: { batchSize: 16 } })],
    ['the colour behind transparent images', smallConfig({ data: { background: '#ffffff' } })],
    ['the normalisation', smallConfig({ data: { mean: [0.4] } })],
    ['the split', smallConfig({ data: { testFraction: 0.3 } })],
    ['the heads', smallConfig({ model: { heads: 4 } })],
    ['the number of samples', base, { trainSamples: 99 }],
    ['the classes', base, { classes: ['b', 'a'] }],
  ])('depends on %s', (_name, config, facts) => {
    expect(identity(config, facts)).not.toBe(identity(base));
  });

  it('a model fingerprint is 64 hex digits of what decides a step', () => {
    const spec = { model: resolveModel(base, 10), microBatch: 8, labelSmoothing: 0 };
    expect(modelFingerprint(spec)).toMatch(/^[0-9a-f]{64}$/);
    expect(modelFingerprint({ ...spec, microBatch: 4 })).not.toBe(modelFingerprint(spec));
    expect(modelFingerprint({ ...spec, precision: 'bf16' })).not.toBe(modelFingerprint(spec));
    expect(modelFingerprint({ ...spec, gradients: 'bf16' })).not.toBe(modelFingerprint(spec));
    expect(modelFingerprint({ ...spec, gradients: 'f32' })).toBe(modelFingerprint(spec));
    expect(modelFingerprint({ ...spec, precision: 'f32' })).toBe(modelFingerprint(spec));
    expect(modelFingerprint({ ...spec, recompute: 'blocks' })).toBe(modelFingerprint(spec));
  });
});

describe('the list of options', () => {
  const options = explainConfig();

  it('every option says its type and meaning', () => {
    expect(options.length).toBeGreaterThan(45);
    expect(options.filter(({ type, description }) => type === '' || description === '')).toEqual(
      [],
    );
  });

  it.each([
    ['training.epochs', 'auto | whole number >= 1', 'auto'],
    ['data.cropFraction', 'number > 0 and <= 1', 1],
    ['training.labelSmoothing', 'number >= 0 and < 1', 0],
    ['data.augment.flip', 'true | false', false],
    ['data.augment.cropScale', 'list of 2, each a number > 0 and <= 1', [1, 1]],
    ['cluster.workers', 'auto | whole number >= 1', 'auto'],
    ['limits.chunkBytes', 'size such as 64MiB', '1MiB'],
    ['training.schedule.name', 'cosine | linear | constant | plateau | rising', 'cosine'],
  ])('%s is %s', (path, type, fallback) => {
    expect(options.find((option) => option.path === path)).toMatchObject({ type });
    expect(options.find((option) => option.path === path)?.default).toEqual(fallback);
  });

  it('configs/schema.json is the schema (npx vitest -u writes it)', async () => {
    const text = `${JSON.stringify(configJsonSchema, null, 2)}\n`;
    await expect(text).toMatchFileSnapshot('../../../../configs/schema.json');
  });
});
