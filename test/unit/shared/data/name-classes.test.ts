/** @file Classes in the names of files: what is one, which folders are told by them, and what is refused. */
import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { foundSentence } from '../../../../shared/data/found.ts';
import { dataSourceOf } from '../../../../shared/data/sets/collection.ts';
import { openImageFolder } from '../../../../shared/data/sets/image-folder.ts';
import { classInName } from '../../../../shared/data/sets/walk/rules.ts';
import { expectInvalid, temporaryFolder, writeFiles } from '../../../support/data.ts';
import { HEADS } from '../../../support/image-heads.ts';

describe('the class in a name', () => {
  it.each([
    ['pizza_001.jpg', 'pizza'],
    ['steak-12.jpeg', 'steak'],
    ['sushi (3).png', 'sushi'],
    ['sushi(3).PNG', 'sushi'],
    ['cat.123.jpg', 'cat'],
    ['cat 7', 'cat'],
    ['ice cream - 4.webp', 'ice cream'],
    ['american_pit_bull_terrier_100.jpg', 'american_pit_bull_terrier'],
    ['n02085620_7.JPEG', 'n02085620'],
    ['Audi A4_2.jpg', 'Audi A4'],
    ['東京_1.jpg', '東京'],
  ])('of %s is %s', (name, of) => expect(classInName(name)).toBe(of));

  it.each([
    ...['IMG_0001.jpg', 'DSC_1234.JPG', 'photo 1.jpg', 'Image (2).png', 'p.7.jpg', 'train_1.jpg'],
    ...['IMG_20250101_120000.jpg', '20250101_120000.jpg', '7_0001.png', 'pizza_1 (2).jpg'],
    ...['Screenshot from 2025-01-01 12-30-45.png', 'WhatsApp Image 2025-01-01 at 12.30.45.jpeg'],
    ...['IMG-20250101-WA0001.jpg', 'pizza.jpg', 'pizza1.jpg', '12.jpg', '_1.jpg', 'pizza_1_b.jpg'],
  ])('of %s is not known', (name) => expect(classInName(name)).toBeUndefined());
});

describe('a folder whose file names have the classes', () => {
  const flat = ['steak-2.png', 'pizza_10.jpg', 'pizza_9.jpg', 'steak-1.png', 'sushi (1).gif'];

  it('has them, which is said, with its images by class and then by name', async () => {
    const set = await open([...flat, 'sushi (2).gif'], { 'notes.txt': 'x', 'pizza_3.heic': 'x' });
    expect(set.classes).toEqual(['pizza', 'steak', 'sushi']);
    expect(set.found.notes).toEqual(['classes are taken from the file names: pizza, steak, sushi']);
    const names = Array.from(set.train.labels, (label, at) => [set.train.name(at), label]);
    expect(names).toEqual([
      ...[['pizza_10.jpg', 0] as const, ['pizza_9.jpg', 0] as const],
      ...[['steak-1.png', 1] as const, ['steak-2.png', 1] as const],
      ...[['sushi (1).gif', 2] as const, ['sushi (2).gif', 2] as const],
    ]);
    expect((await set.train.image(5)).name).toBe('sushi (2).gif');
    expect(set.found.leftOut.map(({ what, count }) => `${count} ${what}`).sort()).toEqual([
      ...['1 .heic', '1 .txt'],
    ]);
  });

  it('may be a split, beside a test folder of the same kind or one with folders', async () => {
    const train = ['train/cat.0.jpg', 'train/cat.1.jpg', 'train/dog.0.jpg', 'train/dog.1.jpg'];
    const both = await open([...train, 'Test/dog.7.jpg', 'Test/cat.7.jpg', 'test1/1.jpg']);
    expect(both.classes).toEqual(['cat', 'dog']);
    expect(both.found.from).toEqual({ train: 'train', test: 'Test', validation: undefined });
    expect([both.test?.name(1), both.test?.labels[1]]).toEqual(['Test/dog.7.jpg', 1]);
    expect(both.found.leftOut).toMatchObject([{ what: 'in test1', count: 1 }]);
    const one = await open([...train, 'val/dog.7.jpg', 'val/dog.8.jpg']);
    expect(one.validation?.labels).toEqual(Uint32Array.of(1, 1));
    expect(one.found.notes).toContain('val has no images of cat, which train has');
    const folders = await open([...train, 'test/dog/7.jpg', 'test/cat/7.jpg']);
    expect(folders.test?.name(1)).toBe('test/dog/7.jpg');
  });

  it('may have test images without classes, which are left out', async () => {
    const set = await open([
      'train/a_1.jpg',
      'train/a_2.jpg',
      'train/b_1.jpg',
      'train/b_2.jpg',
      'test/1.jpg',
    ]);
    expect(set.test).toBeUndefined();
    const source = dataSourceOf(set, { testFraction: 0.5, validation: 'auto', seed: 1 });
    expect(foundSentence(source)).toMatch(
      /^2 images of 2 classes to train .*; left out: 1 in test \(its file names begin with no class\)$/,
    );
  });

  it('counts a broken image as one of its class', async () => {
    const set = await open(['a_1.jpg', 'a_2.jpg', 'b_1.jpg'], { 'b_2.jpg': '', 'b_3.jpg': 'x' });
    expect(set.train.labels).toEqual(Uint32Array.of(0, 0, 1, 1, 1));
    expect(set.found.notes).toContainEqual(expect.stringMatching(/^2 of them are not images/));
  });

  it.each<[what: string, names: readonly string[], sentence: RegExp]>([
    ['numbers of a camera', ['IMG_0001.jpg', 'IMG_0002.jpg'], /IMG_0001\.jpg, begin with no class/],
    ['two cameras', ['IMG_1.jpg', 'IMG_2.jpg', 'DSC_1.jpg', 'DSC_2.jpg'], /begin with no class/],
    ['one class', ['pizza_1.jpg', 'pizza_2.jpg'], /one class only, pizza/],
    [
      'some names without',
      ['pizza_1.jpg', 'pizza_2.jpg', 'steak_1.jpg', 'steak_2.jpg', 'cover.jpg'],
      /1 of its 5 file names, such as cover\.jpg, begin with no class/,
    ],
    [
      'a mistyped class',
      ['pizza_1.jpg', 'pizza_2.jpg', 'steak_1.jpg', 'steak_2.jpg', 'piza_3.jpg'],
      /only one of its files has the class piza, piza_3\.jpg/,
    ],
    [
      'two spellings',
      ['Ice cream 1.jpg', 'Ice cream 2.jpg', 'ice_cream_3.jpg', 'ice_cream_4.jpg'],
      /spell a class in two ways, Ice cream and ice_cream/,
    ],
    [
      'a split of which some names are without',
      [
        'train/a_1.jpg',
        'train/a_2.jpg',
        'train/b_1.jpg',
        'train/b_2.jpg',
        'test/a_1.jpg',
        'test/x.jpg',
      ],
      /test has images without a class: 1 of its 2 file names, such as x\.jpg/,
    ],
    [
      'a test class that is not trained',
      ['train/a_1.jpg', 'train/a_2.jpg', 'train/b_1.jpg', 'train/b_2.jpg', 'test/c_1.jpg'],
      /test\/c\* is not among the training classes/,
    ],
    [
      'a test class of other capitals',
      ['train/a_1.jpg', 'train/a_2.jpg', 'train/b_1.jpg', 'train/b_2.jpg', 'test/A_1.jpg'],
      /test\/A\* is spelled differently from .*train\/a\*/,
    ],
    [
      'two folders to train on',
      ['train/a_1.jpg', 'train/a_2.jpg', 'train/b_1.jpg', 'train/b_2.jpg', 'training/a_1.jpg'],
      /both mean the train split/,
    ],
  ])('is refused with %s', async (_what, names, sentence) => {
    await expectInvalid(open(names), sentence);
  });

  it('is not one folder of several', async () => {
    const set = await open([
      'bus/1.jpg',
      'train/a_1.jpg',
      'train/a_2.jpg',
      'train/b_1.jpg',
      'train/b_2.jpg',
    ]);
    expect(set.classes).toEqual(['bus', 'train']);
  });

  it('does not test on what it trains on through a link', async () => {
    const folder = await temporaryFolder();
    const names = ['train/a_1.jpg', 'train/a_2.jpg', 'train/b_1.jpg', 'train/b_2.jpg'];
    await writeFiles(folder, Object.fromEntries(names.map((name) => [name, HEADS.jpg])));
    await symlink('train', join(folder, 'test'));
    await expectInvalid(openImageFolder(folder), /\/test and .*\/train are one folder/);
  });
});

/** A set of images with these names, and other files. */
async function open(names: readonly string[], others: Record<string, string> = {}) {
  const folder = await temporaryFolder();
  await writeFiles(folder, {
    ...Object.fromEntries(names.map((name) => [name, HEADS.jpg])),
    ...others,
  });
  return await openImageFolder(folder);
}
