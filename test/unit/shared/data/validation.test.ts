/** @file What validates, by data.validation: the set's own folder, a share, a named folder, or nothing. */
import { describe, expect, it } from 'vitest';
import { foundSentence } from '../../../../shared/data/found.ts';
import { type DataSet, dataSourceOf } from '../../../../shared/data/sets/collection.ts';
import { openDataSource } from '../../../../shared/data/sets/open.ts';
import type { DataSource, Split } from '../../../../shared/data/source.ts';
import { dataConfig, temporaryFolder, writeFiles } from '../../../support/data.ts';
import { HEADS } from '../../../support/image-heads.ts';

const CLASSES = ['a', 'b'];

/** `train/a/0.jpg` and so on: as many files of each class in each folder as it says. */
function files(folders: Readonly<Record<string, number>>): Record<string, string> {
  const all: Record<string, string> = {};
  for (const [folder, count] of Object.entries(folders)) {
    for (const name of CLASSES) {
      for (let at = 0; at < count; at += 1) all[`${folder}/${name}/${at}.jpg`] = HEADS.jpg;
    }
  }
  return all;
}

async function opened(
  folders: Readonly<Record<string, number>>,
  data: object = {},
  at = 'set',
): Promise<DataSource> {
  const root = await temporaryFolder();
  await writeFiles(root, files(folders));
  const config = dataConfig({ source: 'image-folder', path: at, ...data });
  return openDataSource(config, { seed: 3, baseFolder: root });
}

const namesOf = (source: DataSource, split: Split) =>
  Array.from({ length: source.size[split] }, (_, index) => source.name(split, index));
const SET = { 'set/train': 20, 'set/val': 4, 'set/test': 6 };

describe('data.validation', () => {
  it('auto is the val folder of a set that has a test folder', async () => {
    const source = await opened(SET);
    expect(source.size).toEqual({ train: 40, validation: 8, test: 12 });
    expect(foundSentence(source)).toBe(
      '40 images of 2 classes to train (from train), 8 to validate (from val), 12 to test (from test)',
    );
    expect(source.found.notes).toEqual([]);
  });

  it.each<[validation: object, train: number, validated: number]>([
    [{}, 40, 0],
    [{ validation: 'none' }, 40, 0],
    [{ validation: 0.25 }, 30, 10],
  ])(
    'val without a test folder is for testing, as it was, and that is said: %j',
    async (data, train, validation) => {
      const source = await opened({ 'set/train': 20, 'set/val': 4 }, data);
      expect(source.size).toEqual({ train, validation, test: 8 });
      expect(source.found.notes.join()).toMatch(/^val is the test split here/);
      expect(source.found.from['test']).toBe('val');
    },
  );

  it('val by its name validates, and a share of train tests', async () => {
    const source = await opened({ 'set/train': 20, 'set/Val': 4 }, { validation: 'val' });
    expect(source.size).toEqual({ train: 32, validation: 8, test: 8 });
    expect(namesOf(source, 'validation').every((name) => name.startsWith('Val/'))).toBe(true);
  });

  it.each(['none', 0.1])('%s leaves a val folder unused, and says so', async (validation) => {
    const source = await opened(SET, { validation });
    expect(source.size.validation).toBe(validation === 'none' ? 0 : 4);
    expect(source.found.notes).toEqual([`val is not used: data.validation is ${validation}`]);
    expect(namesOf(source, 'validation').some((name) => name.startsWith('val'))).toBe(false);
  });

  it('a share takes as much of every class from what trains, and nothing from the test split', async () => {
    const whole = await opened({ set: 50 });
    const source = await opened({ set: 50 }, { validation: 0.25 });
    expect(source.size).toEqual({ train: 60, validation: 20, test: 20 });
    expect(namesOf(source, 'test')).toEqual(namesOf(whole, 'test'));
    const [train, validation] = [namesOf(source, 'train'), namesOf(source, 'validation')];
    expect([...train, ...validation].sort()).toEqual(namesOf(whole, 'train').sort());
    expect(validation.filter((name) => name.startsWith('a/'))).toHaveLength(10);
    const labels = validation.map((_, index) => source.label('validation', index));
    expect(labels.filter((label) => label === 0)).toHaveLength(10);
    // It is drawn by the seed, not from one end.
    expect(validation.map((name) => Number(/\d+/.exec(name)?.[0])).slice(0, 10)).not.toEqual([
      ...Array(10).keys(),
    ]);
  });

  it('a folder beside the set validates by the names of its classes', async () => {
    const other = { 'elsewhere/held': 3 };
    const source = await opened({ ...SET, ...other }, { validation: 'elsewhere/held' });
    expect(source.size).toEqual({ train: 40, validation: 6, test: 12 });
    expect(namesOf(source, 'validation')[0]).toBe('elsewhere/held/a/0.jpg');
    const sample = await source.read('validation', 3);
    expect(sample).toMatchObject({ name: 'elsewhere/held/b/0.jpg', label: 1, index: 3 });
    expect(source.found.from['validation']).toBe('elsewhere/held');
  });

  it('a folder of the set that is neither train, val nor test is not left out when it validates', async () => {
    const source = await opened({ ...SET, 'set/held': 3 }, { validation: 'held' });
    expect(source.size.validation).toBe(6);
    expect(source.found.leftOut).toEqual([]);
  });

  it.each<[what: string, folders: Record<string, number>, validation: unknown, sentence: RegExp]>([
    ['a folder that is not there', SET, 'gone', /there is no folder gone/],
    ['the test split', SET, 'test', /test is the test split already/],
    ['the training split', SET, './train/', /train\/ is the train split already/],
    ['a folder whose images would train too', { set: 5, 'set/a': 0 }, 'a', /would train too/],
    ['a part of the training split', SET, 'train/a', /belong to the train split already/],
    ['a set that has splits', { ...SET, 'o/train': 1, 'o/test': 1 }, 'o', /that has splits/],
    ['a share that leaves none', { set: 4 }, 0.01, /leaves nothing to validate/],
  ])('refuses %s', async (_what, folders, validation, sentence) => {
    await expect(opened(folders, { validation })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      sentence: expect.stringMatching(sentence),
    });
  });

  it('refuses a folder with a class that is not trained, by its name', async () => {
    const root = await temporaryFolder();
    await writeFiles(root, { ...files(SET), 'o/a/1.jpg': HEADS.jpg, 'o/zebra/1.jpg': HEADS.jpg });
    const config = dataConfig({ source: 'image-folder', path: 'set', validation: 'o' });
    await expect(openDataSource(config, { seed: 1, baseFolder: root })).rejects.toMatchObject({
      code: 'DATA_INVALID',
      sentence: 'class zebra of o is not among the training classes',
    });
  });

  it('a test fraction and a share divide digits three ways, each alike in every class', async () => {
    const set = {
      classes: CLASSES,
      train: collection(1000),
      found: { from: {}, leftOut: [], notes: [] },
    };
    const source = dataSourceOf(set, { testFraction: 0.2, validation: 0.1, seed: 42 });
    expect(source.size).toEqual({ train: 720, validation: 80, test: 200 });
    for (const split of ['train', 'validation', 'test'] as const) {
      const labels = Array.from({ length: source.size[split] }, (_, at) => source.label(split, at));
      expect(labels.filter((label) => label === 0)).toHaveLength(source.size[split] / 2);
    }
  });
});

/** So many images of two classes by turns. */
function collection(count: number): DataSet['train'] {
  const name = (at: number) => `n${at}`;
  const labels = Array.from({ length: count }, (_, at) => at % 2);
  const image = (at: number) => ({ name: name(at), raw: undefined, bytes: new Uint8Array() });
  return { labels, name, listedBytes: () => 0, image };
}
