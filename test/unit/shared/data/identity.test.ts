/** @file Two data sets are compared by what they are: classes, names, labels, sizes, contents; never by numbers alone. */
import { describe, expect, it } from 'vitest';
import { TesseraError } from '../../../../shared/core/errors.ts';
import {
  dataIdentitySchema,
  firstDifference,
  type IdentifiableSource,
  identifyData,
} from '../../../../shared/data/identity/identity.ts';
import type { EncodedSample, Split } from '../../../../shared/data/source.ts';
import { refuseOtherData } from '../../../../worker/leaves/data-check.ts';

/** A sample: its name (train/CLASS/FILE), and its bytes. */
type Files = Readonly<Record<string, string>>;

/** A set of files in the order in which they are named. */
function setOf(train: Files, test: Files = { 'test/a/0.jpg': 'x' }, classes = ['a', 'b']) {
  const splits = { train: Object.entries(train), validation: [], test: Object.entries(test) };
  const at = (split: Split, index: number) => splits[split][index] as [string, string];
  const label = (split: Split, index: number) =>
    classes.indexOf(at(split, index)[0].split('/')[1] as string);
  const source: IdentifiableSource = {
    classes,
    size: { train: splits.train.length, validation: 0, test: splits.test.length },
    label,
    name: (split, index) => at(split, index)[0],
    listedBytes: (split, index) => at(split, index)[1].length,
    read: async (split, index): Promise<EncodedSample> => {
      const [name, text] = at(split, index);
      if (text === 'unreadable') throw new TesseraError('DATA_INVALID', 'it cannot be read');
      const bytes = new TextEncoder().encode(text);
      return { index, name, label: label(split, index), raw: undefined, bytes };
    },
  };
  return source;
}

/** `train/a/000.jpg` to `train/a/NNN.jpg`, each with bytes of its own. */
const many = (count: number) =>
  Object.fromEntries(
    Array.from({ length: count }, (_, at) => {
      const number = String(at).padStart(3, '0');
      return [`train/${at % 2 ? 'b' : 'a'}/${number}.jpg`, `bytes ${number}`];
    }),
  );

/** The sentence with which a worker that has `here` is refused by a run that has `there`; '' where it is not. */
async function refusal(here: IdentifiableSource, there: IdentifiableSource, canAsk = true) {
  const dataJson = JSON.stringify(await identifyData(there, 7));
  const samples = async function* (split: Split, indices: readonly number[]) {
    if (!canAsk) throw new TesseraError('TIMEOUT', 'too late');
    for (const index of indices) yield await there.read(split, index);
  };
  const outcome = refuseOtherData(here, { seed: 7, dataJson, samples, place: '/data' });
  return await outcome.then(
    () => '',
    (error: TesseraError) => `${error.code}: ${error.sentence}`,
  );
}

/** A copy of a set's files with one file in the place of another. */
function replaced(files: Files, index: number, by: readonly [string, string]): Files {
  return Object.fromEntries(Object.entries(files).map((file, at) => (at === index ? by : file)));
}

const FILES = many(40);

describe('a worker with a data set of its own', () => {
  it('is taken with the same files', async () => {
    expect(await refusal(setOf(FILES), setOf(FILES))).toBe('');
    const composed = { 'train/a/caf\u00e9.jpg': '1' };
    const decomposed = { 'train/a/cafe\u0301.jpg': '1' };
    expect(await refusal(setOf(composed), setOf(decomposed))).toBe('');
  });

  const file = (index: number) => Object.entries(FILES)[index] as [string, string];
  it.each<[string, IdentifiableSource, string]>([
    [
      'classes of other names',
      setOf({ 'train/zz/1.jpg': '1', 'train/b/1.jpg': '1' }, undefined, ['b', 'zz']),
      'its data set has the classes b, zz where the run has a, b',
    ],
    [
      'one sample fewer',
      setOf(Object.fromEntries(Object.entries(FILES).filter((_, at) => at !== 3))),
      'its data set has 39 samples of train where the run has 40; sample 3 of train is train/a/004.jpg here and train/b/003.jpg there',
    ],
    [
      'one sample more at the end',
      setOf({ ...FILES, 'train/b/zzz.jpg': '' }),
      'its data set has 41 samples of train where the run has 40; sample 40 of train is train/b/zzz.jpg here and missing there',
    ],
    ['no test images', setOf(FILES, {}), 'its data set has 0 samples of test where the run has 1'],
    [
      'another name',
      setOf(replaced(FILES, 17, ['train/b/017x.jpg', file(17)[1]])),
      'sample 17 of train is train/b/017x.jpg here and train/b/017.jpg there',
    ],
    [
      'a file of another class',
      setOf(replaced(FILES, 17, ['train/a/017.jpg', file(17)[1]])),
      'sample 17 of train is train/a/017.jpg here and train/b/017.jpg there',
    ],
    [
      'another size',
      setOf(replaced(FILES, 4, [file(4)[0], 'longer bytes'])),
      'train/a/004.jpg has 12 bytes here and 9 there',
    ],
    [
      'other bytes',
      setOf(replaced(FILES, 5, [file(5)[0], 'BYTES 005'])),
      'train/b/005.jpg has other bytes here',
    ],
    [
      'other bytes in the test split',
      setOf(FILES, { 'test/a/0.jpg': 'y' }),
      'test/a/0.jpg has other bytes here',
    ],
  ])('that has %s is refused, and told', async (_what, here, sentence) => {
    expect(await refusal(here, setOf(FILES))).toBe(
      `DATA_INVALID: the worker is refused: ${sentence}`,
    );
  });

  it('is told the samples among which it is where a split has many, or the other side cannot be asked', async () => {
    const files = many(3000);
    const here = setOf(replaced(files, 1001, ['train/b/zzzz.jpg', '1']));
    expect(await refusal(here, setOf(files))).toContain(
      'sample 1001 of train is train/b/zzzz.jpg here and train/b/1001.jpg there',
    );
    expect(await refusal(here, setOf(files), false)).toContain(
      'of the samples 1000 to 1003 of train (from train/a/1000.jpg here) one has another name or class there',
    );
    const few = setOf(replaced(FILES, 1, ['train/b/x.jpg', '1']));
    expect(await refusal(few, setOf(FILES), false)).toContain(
      'sample 1 of train (train/b/x.jpg here) has another name or class there',
    );
  });

  it('of many classes is told those that are not the same, or where their order differs', async () => {
    const names = Array.from({ length: 30 }, (_, at) => `class-${at}`);
    const of = (classes: string[]) => setOf({ 'train/class-0/1.jpg': '' }, {}, classes);
    const other = [...names.slice(1), 'zebra'];
    expect(await refusal(of(other), of(names))).toContain(
      'has besides the classes zebra, and not the classes class-0',
    );
    expect(await refusal(of([...names].reverse()), of(names))).toContain(
      'class 0 is class-29 here and class-0 there',
    );
  });

  it('is refused by a coordinator that does not say what it has', async () => {
    const samples = async function* () {};
    for (const dataJson of ['', '{}', '{"classes":[],"splits":{"train":{"samples":-1}}}', '[[[']) {
      const outcome = refuseOtherData(setOf(FILES), { seed: 1, dataJson, samples, place: '' });
      await expect(outcome).rejects.toMatchObject({ code: 'MESSAGE_INVALID' });
    }
  });
});

describe('the identity of a data set', () => {
  it('is small, as the wire and the run folder take it, and says nothing of what cannot be read', async () => {
    const identity = await identifyData(setOf(many(5000)), 1);
    expect(dataIdentitySchema.parse(JSON.parse(JSON.stringify(identity)))).toEqual(identity);
    expect(JSON.stringify(identity).length).toBeLessThan(64 * 1024);
    expect(identity.splits['train']?.contents).toHaveLength(256);
    const broken = await identifyData(setOf({ 'train/a/0.jpg': 'unreadable' }), 1);
    const whole = await identifyData(setOf({ 'train/a/0.jpg': '0123456789' }), 1);
    expect(broken.splits['train']?.contents).toEqual([{ index: 0, sha256: '' }]);
    expect(firstDifference(broken, whole)).toBeUndefined();
  });

  it('draws other samples with another seed, and reads no more than it must of large files', async () => {
    const source = { ...setOf(many(200)), listedBytes: () => 2 * 1024 ** 2 };
    const of = async (seed: number) =>
      (await identifyData(source, seed)).splits['train']?.contents.map(({ index }) => index) ?? [];
    const huge = { ...source, listedBytes: () => 64 * 1024 ** 2 };
    expect((await identifyData(huge, 1)).splits['train']?.contents).toEqual([]);
    const [one, other] = [await of(1), await of(2)];
    expect([one.length, other.length]).toEqual([16, 16]);
    expect(one).not.toEqual(other);
  });
});
