/** @file Loading a config: presets, precedence, origins, and the words for everything that can be wrong. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { applySettings, loadConfig, presetNames } from '../../../../shared/config/load.ts';
import { errorOf, SMALL, smallConfig, writeConfig } from '../../../support/config.ts';

const CONFIGS = resolve(import.meta.dirname, '../../../../configs');
const files = readdirSync(CONFIGS).filter((file) => file.endsWith('.yaml'));

/** Loads the small config after an edit of its text. */
async function loadEdited(edit: (text: string) => string, set: readonly string[] = []) {
  return await loadConfig(await writeConfig(edit(SMALL)), { set, env: {} });
}

describe('the configs of the package', () => {
  it('there are the quickstart and the recipes', () => {
    expect(files).toContain('quickstart.yaml');
    expect(files.length).toBeGreaterThan(10);
  });

  it.each(files)('%s loads, by its path and by its name', async (file) => {
    const name = file.replace('.yaml', '');
    const byPath = await loadConfig(resolve(CONFIGS, file), { env: {} });
    expect(byPath.config.name).toBe(name);
    expect(await loadConfig(name, { env: {} })).toEqual(byPath);
  });

  it.each(files)('%s says what to expect and how to run it', (file) => {
    const text = readFileSync(resolve(CONFIGS, file), 'utf8');
    expect(text).toMatch(/^# yaml-language-server: \$schema=\.\/schema\.json\n#\n# /);
    for (const title of ['Reproduces', 'Expect', 'Run']) expect(text).toContain(`# ${title} `);
    expect(text).toContain(`# Run         tessera `);
  });

  it('the presets are those files', async () => {
    expect(await presetNames()).toEqual(files.map((file) => file.replace('.yaml', '')).sort());
  });
});

describe('where a value comes from', () => {
  it('a flag beats the environment, which beats the file, which beats the default', async () => {
    const path = await writeConfig(`${SMALL}seed: 1\n`);
    const env = { TESSERA_SET: 'training.epochs=3, data.mean=[0.1],training.batchSize=16' };
    const { config, origins } = await loadConfig(path, { set: ['training.epochs=5'], env });
    expect(config.training).toMatchObject({ epochs: 5, batchSize: 16, microBatch: 8 });
    expect(config.data.mean).toEqual([0.1]);
    const paths = ['training.epochs', 'training.batchSize', 'data.mean', 'seed', 'data.resize'];
    expect(paths.map((option) => origins.get(option))).toEqual([
      'flag',
      'env',
      'env',
      'file',
      'default',
    ]);
  });

  it('a section as a value replaces the whole section', async () => {
    const { config, origins } = await loadEdited(
      (text) => text,
      ['training.schedule={name: linear}'],
    );
    expect(config.training.schedule).toMatchObject({
      name: 'linear',
      warmupSteps: 0,
      finalRate: 0,
    });
    expect(origins.get('training.schedule.name')).toBe('flag');
    expect(origins.get('training.schedule.warmupSteps')).toBe('default');
  });

  it('null removes a key, so that a variant can take the place of its numbers', async () => {
    const names = ['patchSize', 'width', 'depth', 'heads'];
    const set = names.map((name) => `model.${name}=null`);
    const { config } = await loadEdited((text) => text, ['model.variant=Ti/14', ...set]);
    expect(config.model.variant).toBe('Ti/14');
    expect(names.filter((name) => name in config.model)).toEqual([]);
  });

  it('data.path is relative to the file that names it, and to here when a flag does', async () => {
    const path = await writeConfig(SMALL.replace('mnist', 'idx\n  path: ../images'));
    const fromFile = await loadConfig(path, { env: {} });
    expect(fromFile.config.data.path).toBe(resolve(dirname(path), '../images'));
    expect(fromFile.baseFolder).toBe(dirname(path));
    const fromFlag = await loadConfig(path, { set: ['data.path=images'], env: {} });
    expect(fromFlag.config.data.path).toBe(resolve('images'));
  });

  it('a colour is no comment in --set', () => {
    const { data } = applySettings(smallConfig({}), ['data.background=#ffffff']);
    expect(data.background).toBe('#ffffff');
    expect(() => applySettings(smallConfig({}), ['data.background=#fff'])).toThrow(
      /--set data.background: expected colour such as '#ffffff', in quotes/,
    );
  });

  it('settings can be laid over a config that is no file', () => {
    const config = smallConfig({});
    expect(applySettings(config, ['data.path=x', 'seed=7'])).toEqual({
      ...config,
      seed: 7,
      data: { ...config.data, path: resolve('x') },
    });
    expect(() => applySettings(config, ['model.heads=3'])).toThrow(
      '--set model.heads: 3 heads do not divide a width of 16',
    );
  });
});

type Fault = [name: string, edit: (text: string) => string, ...sentences: string[]];
const FAULTS: Fault[] = [
  [
    'an unknown key',
    (text) => text.replace('  optimizer:', '  optimizr:'),
    ':15:3 training.optimizr: unknown key, did you mean "optimizer"?',
  ],
  [
    'a key of another section',
    (text) => `batch_size: 3\n${text}`,
    ':1:1 batch_size: unknown key, did you mean "training.batchSize"?',
  ],
  [
    'a key like no other',
    (text) => text.replace('model:', 'model:\n  zebra: 1'),
    ':6:3 model.zebra: unknown key',
  ],
  [
    'a wrong type',
    (text) => text.replace('epochs: 2', 'epochs: two'),
    ':12:3 training.epochs: expected auto | whole number >= 1, got "two"',
  ],
  [
    'a fraction of a whole number',
    (text) => text.replace('depth: 1', 'depth: 1.5'),
    ':9:3 model.depth: expected whole number >= 1 and <= 1000, got 1.5',
  ],
  [
    'a number that is none',
    (text) => text.replace('1.0e-3', '.nan'),
    ':16:5 training.optimizer.learningRate: expected auto | number > 0, got NaN',
  ],
  [
    'a number at the open end of its range',
    (text) => `${text}  labelSmoothing: 1\n`,
    ':17:3 training.labelSmoothing: expected number >= 0 and < 1, got 1',
  ],
  [
    'a wrong choice',
    (text) => text.replace('mnist', 'minst'),
    ':3:3 data.source: expected mnist | image-folder | idx | program, got "minst"',
  ],
  [
    'a wrong size',
    (text) => `${text}limits: {chunkBytes: 5 apples}`,
    ':17:10 limits.chunkBytes: expected size such as 64MiB, got "5 apples"',
  ],
  [
    'a wrong address',
    (text) => `${text}cluster:\n  listen: here\n`,
    ':18:3 cluster.listen: expected HOST:PORT such as 127.0.0.1:50051, got "here"',
  ],
  [
    'a wrong item of a list',
    (text) => `${text}`.replace('channels: 1', 'channels: 1\n  mean: [0.5, x]'),
    ':5:15 data.mean[1]: expected number, got "x"',
  ],
  [
    'a key without a value',
    (text) => text.replace('epochs: 2', 'epochs:'),
    ':12:3 training.epochs: expected auto | whole number >= 1, got nothing',
  ],
  [
    'a section that is a value',
    (text) => `${text}checkpoint: often\n`,
    ':17:1 checkpoint: expected section with everySteps, everyEpochs, keep, mirror, mirrorCredentials, mirrorWaitMs, got "often"',
  ],
  [
    'two faults',
    (text) => text.replace('epochs: 2', 'epochs: 0').replace('name: small', 'name: a b'),
    ':1:1 name: expected name of up to 64 letters',
    ':12:3 training.epochs: expected auto | whole number >= 1, got 0',
  ],
  [
    'heads that do not divide the width',
    (text) => text.replace('heads: 2', 'heads: 3'),
    ':10:3 model.heads: 3 heads do not divide a width of 16',
  ],
  [
    'patches that do not divide the image',
    (text) => text.replace('patchSize: 7', 'patchSize: 5'),
    ':7:3 model.patchSize: patches of 5 pixels do not divide an image of 28',
  ],
  [
    'a duplicate key',
    (text) => text.replace('  batchSize: 32', '  batchSize: 32\n  epochs: 3'),
    ':14:3: the key epochs occurs twice',
  ],
  ['broken syntax', (text) => text.replace('width: 16', 'width: [16'), ':9:3: not YAML: '],
  [
    'a missing section',
    (text) => text.replace(/^model:\n(?: .*\n)+/m, ''),
    ':1:1 model: missing, expected section with variant, imageSize',
  ],
  ['two documents', (text) => `${text}---\n${text}`, ':17:1: a second document starts here'],
  ['a list', () => '- 1\n', ':1:1: expected a mapping of options, got [1]'],
  ['nothing', () => '', ':1:1: expected a mapping of options, got an empty file'],
  ['an alias to nothing', () => 'name: *x\n', ':1:1: Unresolved alias'],
  ['an alias that leads back', () => 'name: &x {y: *x}\n', ':1:1: an alias refers to itself'],
  ['an alias bomb', aliasBomb, ':1:1: Excessive alias count'],
];

function aliasBomb(): string {
  const lines = ['a0: &a0 [x, x, x, x, x, x, x, x, x]'];
  for (let level = 1; level < 9; level += 1) {
    lines.push(
      `a${level}: &a${level} [${Array(9)
        .fill(`*a${level - 1}`)
        .join(', ')}]`,
    );
  }
  return lines.join('\n');
}

describe('what is wrong with a file is said with its line', () => {
  it.each(FAULTS)('%s', async (_name, edit, ...sentences) => {
    const error = await errorOf(loadEdited(edit));
    expect(error.code).toBe('CONFIG_INVALID');
    expect(error.hint).toBeDefined();
    for (const sentence of sentences) expect(error.message).toContain(`run.yaml${sentence}`);
    expect(error.message.match(/run\.yaml:/g)).toHaveLength(sentences.length);
  });

  it.each([
    ['a near miss of a preset', 'quikstart', 'did you mean quickstart?'],
    ['nothing near', '/no/such.yaml', 'fashion-mnist, foodvision-600-finetune'],
  ])('a file that is not there: %s', async (_name, path, hint) => {
    const error = await errorOf(loadConfig(path, { env: {} }));
    expect(error.message).toBe(
      `[CONFIG_INVALID] there is no folder or file ${path}, nor a preset of this name`,
    );
    expect(error.hint).toContain(hint);
  });

  it('a folder, a file of 2 MiB, and one that is no text are refused', async () => {
    const folder = await errorOf(loadConfig(CONFIGS));
    expect(folder.sentence).toBe(`${CONFIGS} is not a file`);
    expect(folder.hint).toContain('tessera init FOLDER');
    const large = await writeConfig(new Uint8Array(2 * 1024 ** 2));
    expect((await errorOf(loadConfig(large))).sentence).toContain('has 2.0 MiB; a config file has');
    const binary = await writeConfig(new Uint8Array([0xff, 0xfe, 0x00]));
    const binaryError = await errorOf(loadConfig(binary));
    expect(binaryError.sentence).toContain('is not a config file: it is not UTF-8 text');
    expect(binaryError.hint).toContain('an archive is unpacked first');
  });
});

describe('what is wrong with a setting is said with its flag', () => {
  it.each([
    ['training.epochs=two', '--set training.epochs: expected auto | whole number >= 1, got "two"'],
    ['training.epoch=2', '--set training.epoch: unknown key, did you mean "epochs"?'],
    ['training.epochs.x=2', '--set training.epochs.x: unknown key'],
    ['traning.epochs=2', '--set traning.epochs traning: unknown key, did you mean "training"?'],
    ['__proto__.x=2', '--set __proto__.x __proto__: unknown key'],
    ['seed', '--set seed: expected PATH=VALUE'],
    ['seed=', '--set seed: expected PATH=VALUE'],
    ['seed=[1', '--set seed: not a value: '],
    ['name=123', '--set name: expected name of up to 64 letters'],
    ['name=null', '--set name: missing, expected name of up to 64 letters'],
    ['model.heads=3', '--set model.heads: 3 heads do not divide a width of 16'],
    [
      'training.schedule={nam: x}',
      '--set training.schedule training.schedule.nam: unknown key, did you mean "name"?',
    ],
    [
      'model.variant=Ti/7',
      '--set model.variant: Ti/7 already sets patchSize, width, depth, heads, which are given too',
    ],
  ])('%s', async (setting, sentence) => {
    const error = await errorOf(loadEdited((text) => text, [setting]));
    expect(error.message).toContain(`[CONFIG_INVALID] ${sentence}`);
    expect(error.hint).toBeDefined();
  });

  it('a setting of the environment names its variable', async () => {
    const env = { TESSERA_SET: 'seed=7,training.epochs=0' };
    const error = await errorOf(loadConfig(await writeConfig(SMALL), { env }));
    expect(error.sentence).toBe(
      'TESSERA_SET training.epochs: expected auto | whole number >= 1, got 0',
    );
  });

  it('faults of flags, environment and file come in one error', async () => {
    const path = await writeConfig(SMALL.replace('depth: 1', 'depth: 0'));
    const options = { set: ['training.x=1', 'training.epochs=0'], env: { TESSERA_SET: 'bogus' } };
    const { sentence } = await errorOf(loadConfig(path, options));
    expect(sentence.split('\n').filter((line) => !line.startsWith('  '))).toEqual([
      'TESSERA_SET bogus: expected PATH=VALUE',
      '--set training.x: unknown key',
      `${path}:9:3 model.depth: expected whole number >= 1 and <= 1000, got 0`,
      '--set training.epochs: expected auto | whole number >= 1, got 0',
    ]);
  });
});
