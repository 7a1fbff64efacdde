/** @file The doors of configs: YAML files, and values of --set and TESSERA_SET. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import fc from 'fast-check';
import { applySettings, loadConfig } from '../../shared/config/load.ts';
import { SMALL, smallConfig } from '../support/config.ts';
import { mutated } from './bytes.ts';
import { door } from './door.ts';
import { scratchFolder } from './sandbox.ts';

const folder = scratchFolder('config');
const file = join(folder, 'run.yaml');

const preset = (name: string) =>
  readFileSync(resolve(import.meta.dirname, '../../configs', `${name}.yaml`), 'utf8');
const TEXTS = [SMALL, preset('quickstart'), preset('foodvision-scratch')];

/** Lines that are no harm alone. */
const line = fc.constantFrom(
  ...['a: &a [1, 1]', 'b: &b [*a, *a, *a, *a]', 'c: &c [*b, *b, *b, *b]', 'd: [*c, *c, *c, *c]'],
  ...['e: &e {f: *e}', '<<: *a', '__proto__: {polluted: 1}', 'constructor: {prototype: 1}'],
  ...['seed: 1e999', 'seed: -0', 'seed: 0x1fffffffffffff', 'seed: .nan', 'seed: 9007199254740993'],
  ...['seed: 1', 'seed: 2', 'name: ../../etc', 'name: "\\u0000"', '? [a, b]\n: c', '--- ', '...'],
  ...[
    '%YAML 1.1',
    '!!js/function "x"',
    'x: !!binary aGk=',
    'data: 1',
    'model: []',
    '\tx: 1',
    '- a',
  ],
  ...["'a", '"', '{', '[', '|', '>', '&', '*', '!', '#', ': ', '-', '?'],
);
const assembled = fc
  .tuple(fc.constantFrom(...TEXTS), fc.array(fc.tuple(fc.nat(30), line), { maxLength: 6 }))
  .map(([text, lines]) => {
    const all = text.split('\n');
    for (const [at, added] of lines) all.splice(at, 0, added);
    return Buffer.from(all.join('\n'));
  });

const value = fc.oneof(
  line,
  fc.string(),
  fc.constantFrom('1', '2', '0.5', 'null', 'true', '[1, 2]', '{a: 1}', '1e-3', '9'.repeat(400)),
  fc.nat(3000).map((depth) => '['.repeat(depth)),
);
/** Settings that are sound, and those that are not. */
const sound = fc.constantFrom(
  ...['seed=7', 'name=x', 'training.epochs=3', 'data.path=x', 'model.width=32', 'model={heads: 4}'],
  ...['training.optimizer.learningRate=1e-4', 'limits.chunkBytes=64KiB', 'data.augment.flip=true'],
  ...['data.path=null', 'training.schedule.warmupSteps=1', 'checkpoint.keep=2', 'seed=0x10'],
);
const path = fc.constantFrom(
  ...['seed', 'training.epochs', 'training', 'data.path', 'model.width', 'training.optimizer.name'],
  ...['__proto__.x', 'constructor', 'training.__proto__', 'limits.chunkBytes', '', '.', 'a.b.c'],
  ...['k'.repeat(3000), 'traning.epochs', 'model.depth', 'cluster.listen', 'training.epochs.x'],
);
const setting = fc.oneof(
  { weight: 3, arbitrary: sound },
  { weight: 1, arbitrary: fc.tuple(path, value).map(([name, text]) => `${name}=${text}`) },
);
/** Linux takes eight times that; it is the user's own, and costs what it is long. */
const VARIABLE_CHARS_MAX = 16 * 1024;
const settings = fc.array(setting, { minLength: 1, maxLength: 3 });

export const configDoors = [
  door({
    name: 'config files',
    numInputs: 200,
    inputs: fc.oneof(assembled, mutated(TEXTS.map((text) => Buffer.from(text)))),
    async enter(bytes) {
      writeFileSync(file, bytes);
      await loadConfig(file, { env: {} });
      if ('polluted' in {}) throw new Error('the prototype of all objects was changed');
    },
    refusals: ['CONFIG_INVALID'],
    least: { accepted: 0.1, refused: 0.3 },
  }),
  door({
    name: 'settings',
    numInputs: 120,
    inputs: settings,
    enter: (set) => applySettings(smallConfig({}), set),
    refusals: ['CONFIG_INVALID'],
    least: { accepted: 0.2, refused: 0.2 },
  }),
  door({
    name: 'TESSERA_SET',
    numInputs: 30,
    inputs: fc.oneof(
      settings.map((set) => set.join(',')),
      settings.map((set) => set.join(' , ')),
      fc
        .tuple(settings, fc.nat(3000))
        .map(([set, count]) => `${set.join()},`.repeat(count).slice(0, VARIABLE_CHARS_MAX)),
    ),
    enter: (text) => loadConfig('quickstart', { env: { TESSERA_SET: text } }),
    refusals: ['CONFIG_INVALID'],
    least: { accepted: 0.1, refused: 0.2 },
  }),
];
