/** @file What a config names: paths, names of the catalogue, where they are, and what is said when they are nowhere. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { checkConfigs } from '../../../../cli/config/config.ts';
import { inputLines } from '../../../../cli/inputs/inputs.ts';
import { cacheFolder, findInCatalog } from '../../../../shared/catalog/find.ts';
import { absentNames, getCommand, requireInputs } from '../../../../shared/config/absent-inputs.ts';
import { applySettings, loadConfig, presetNames, settled } from '../../../../shared/config/load.ts';
import { errorOf, SMALL, writeConfig } from '../../../support/config.ts';

const root = mkdtempSync(join(tmpdir(), 'tessera-inputs-'));
afterAll(() => rmSync(root, { recursive: true }));

/** A user whose cache holds these; no name of the catalogue is in the current folder of the tests. */
function user(name: string, ...held: string[]) {
  const XDG_CACHE_HOME = join(root, name);
  for (const path of held) {
    const at = join(XDG_CACHE_HOME, 'tessera', path);
    mkdirSync(path.startsWith('data') ? at : dirname(at), { recursive: true });
    if (!path.startsWith('data')) writeFileSync(at, '');
  }
  return { XDG_CACHE_HOME };
}

const NAMED = `${SMALL.replace('mnist', 'image-folder\n  path: cifar10')}`.replace(
  'imageSize',
  'init: {weights: vit_b_16}\n  imageSize',
);
const lostIn = (error: unknown) => errorOf(Promise.reject(error));
const refusal = (work: () => void) => {
  try {
    work();
  } catch (error) {
    return lostIn(error);
  }
  throw new Error('nothing was refused');
};

describe('a name of the catalogue', () => {
  it('is looked for in the current folder, then in the cache', () => {
    const currentFolder = join(root, 'here');
    const env = user('cached', 'data/cifar10');
    const find = () => findInCatalog('data', 'cifar10', { env, currentFolder });
    expect(find()).toEqual({
      name: 'cifar10',
      isThere: true,
      path: join(root, 'cached/tessera/data/cifar10'),
      lookedIn: [join(currentFolder, 'data'), join(root, 'cached/tessera/data')],
    });
    mkdirSync(join(currentFolder, 'data/cifar10'), { recursive: true });
    expect(find()?.path).toBe(join(currentFolder, 'data/cifar10'));
    expect(findInCatalog('data', 'cifar11', { env })).toBeUndefined();
  });

  it.each([
    ['as it is published', 'vit_b_16-c867db91.pth'],
    ['as it is called', 'vit_b_16'],
  ])('of weights is found %s', async (_what, file) => {
    const env = user(file, `weights/${file}`);
    const { config, inputs } = await loadConfig(await writeConfig(NAMED), { env });
    expect(config.model.init?.weights).toBe(join(root, file, 'tessera/weights', file));
    expect(inputLines(inputs)).toEqual([expect.stringMatching(`weights.*vit_b_16: .*${file}$`)]);
    expect(absentNames(inputs).map(({ name }) => name)).toEqual(['cifar10']);
  });

  it.each([
    [{ XDG_CACHE_HOME: '/cache', HOME: '/home/me' }, '/cache/tessera/data'],
    [{ XDG_CACHE_HOME: 'relative', HOME: '/home/me' }, '/home/me/.cache/tessera/data'],
    [{ HOME: '/home/me' }, '/home/me/.cache/tessera/data'],
  ])('with %j is cached in %s', (env, folder) => {
    expect(cacheFolder('data', env)).toBe(folder);
  });

  it('gives way to a folder of the same name beside the config', async () => {
    const path = await writeConfig(NAMED);
    mkdirSync(join(dirname(path), 'cifar10'));
    const { config, inputs } = await loadConfig(path, { env: user('both', 'data/cifar10') });
    expect(config.data.path).toBe(join(dirname(path), 'cifar10'));
    expect(inputs[0]).toMatchObject({ isThere: true, given: 'cifar10' });
    expect(inputs[0]?.name).toBeUndefined();
  });

  it('is understood in --set too', async () => {
    const env = user('set', 'data/fashion-mnist');
    const set = ['data.path=fashion-mnist', 'data.source=idx'];
    const { config } = await loadConfig(await writeConfig(NAMED), { env, set });
    expect(config.data.path).toBe(join(root, 'set/tessera/data/fashion-mnist'));
  });
});

describe('relative paths', () => {
  it('of weights are relative to the file that names them, and to here when a flag or the environment does', async () => {
    const path = await writeConfig(NAMED.replace('vit_b_16', '../w.pth'));
    const weightsOf = async (options: object) =>
      (await loadConfig(path, { env: {}, ...options })).config.model.init?.weights;
    expect(await weightsOf({})).toBe(resolve(dirname(path), '../w.pth'));
    expect(await weightsOf({ set: ['model.init.weights=w.pth'] })).toBe(resolve('w.pth'));
    expect(await weightsOf({ set: ['model.init={weights: w.pth}'] })).toBe(resolve('w.pth'));
    expect(await weightsOf({ env: { TESSERA_SET: 'model.init.weights=w.pth' } })).toBe(
      resolve('w.pth'),
    );
    const { config } = await loadConfig(path, { env: {} });
    const changed = applySettings(settled(config), ['model.init.weights=w.pth']);
    expect(changed.model.init?.weights).toBe(resolve('w.pth'));
    expect(changed.data.path).toBe(config.data.path);
  });
});

describe('what is not there', () => {
  it('is got by one line', async () => {
    const { inputs } = await loadConfig(await writeConfig(NAMED), { env: user('empty') });
    expect(getCommand(absentNames(inputs))).toMatch(
      /^tessera data get cifar10 && tessera weights get vit_b_16$/,
    );
    const error = await refusal(() => requireInputs(inputs, { canGet: true }));
    expect(error).toMatchObject({
      code: 'DATA_INVALID',
      sentence: `the data set cifar10 and the weights vit_b_16 are not here: looked for in ./data, ${root}/empty/tessera/data, ./weights, ${root}/empty/tessera/weights`,
      hint: expect.stringMatching(/data get cifar10 && .*weights get vit_b_16 .*--yes/),
    });
  });

  it.each([
    ['cifar10', 'cifar-10', /cifar-10 is not a name of the catalogue/, /did you mean cifar10\?/],
    ['cifar10', './x/y', /^data\.path: there is no folder \S+\/x\/y$/, /--set data\.path=FOLDER/],
    ['vit_b_16', 'w.pth', /^model\.init\.weights: there is no file/, /weights get --list/],
  ])('instead of %s, %s, is named', async (name, given, sentence, hint) => {
    const text = NAMED.replace(name, given);
    const env = user('half', 'data/cifar10', 'weights/vit_b_16');
    const { inputs } = await loadConfig(await writeConfig(text), { env });
    const error = await refusal(() => requireInputs(inputs));
    expect(error.sentence).toMatch(sentence);
    expect(error.hint).toMatch(hint);
  });

  it('is no matter where the digits of the package are used', async () => {
    const text = NAMED.replace('image-folder', 'mnist').replace(/ {2}init.*\n/, '');
    const { inputs } = await loadConfig(await writeConfig(text), { env: {} });
    expect(inputs).toEqual([]);
  });

  it('fails `config check`, and so does data that is no data set', async () => {
    const plain = SMALL.replace('mnist', 'idx\n  path: .');
    const lost = SMALL.replace('mnist', 'idx\n  path: ./nowhere');
    for (const text of [plain, lost]) {
      const error = await errorOf(checkConfigs({ names: [await writeConfig(text)] }));
      expect(error.code).toBe('DATA_INVALID');
    }
  });
});

it('every preset runs from anywhere: it names entries of the catalogue, or says what to set', async () => {
  const lost: string[] = [];
  for (const name of await presetNames()) {
    const { inputs } = await loadConfig(name, { env: user('nothing') });
    for (const input of inputs) {
      if (input.name === undefined) lost.push(`${name}: ${input.given}`);
    }
  }
  expect(lost).toEqual(['vit-b16-imagenet: /data/imagenet']);
});
