/** @file Twenty odd folders: each is planned for, or refused in one sentence that says what to do. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { beforeAll, expect, it } from 'vitest';
import { planFolder } from '../../../../cli/folder/plan.ts';
import { TesseraError } from '../../../../shared/core/errors.ts';
import { temporaryFolder } from '../../../support/data.ts';

let picture: Uint8Array;

beforeAll(async () => {
  const blue = sharp({ create: { width: 8, height: 8, channels: 3, background: '#48a' } });
  picture = await blue.png().toBuffer();
});

/** Files below a folder: so many pictures in a folder of this name, or a file's content; a picture where it is true. */
type Files = Readonly<Record<string, number | string | true>>;

async function folderOf(files: Files): Promise<string> {
  const folder = await temporaryFolder();
  for (const [name, content] of Object.entries(files)) {
    if (typeof content !== 'number') {
      mkdirSync(join(folder, name, '..'), { recursive: true });
      writeFileSync(join(folder, name), content === true ? picture : content);
      continue;
    }
    mkdirSync(join(folder, name), { recursive: true });
    for (let at = 0; at < content; at += 1) writeFileSync(join(folder, name, `${at}.png`), picture);
  }
  return folder;
}

/** What becomes of a folder: the images of each split, or the error. */
async function outcomeOf(files: Files) {
  const lines: string[] = [];
  const options = { signal: new AbortController().signal, say: (line: string) => lines.push(line) };
  try {
    const { recipe } = await planFolder(await folderOf(files), options);
    return { images: recipe.images, said: lines.join('\n') };
  } catch (thrown) {
    return TesseraError.from(thrown);
  }
}

/** The beginning of a file from a phone. */
const HEIC = '\0\0\0\x18ftypheic\0\0\0\0mif1heic';

const two = { cat: 10, dog: 10 };
/** A spelling of the splits that is understood. */
const splits = (train: string, validation: string, test: string): Files =>
  Object.fromEntries(
    [[train, 10] as const, [validation, 3] as const, [test, 4] as const].flatMap(([name, count]) =>
      ['cat', 'dog'].map((of) => [`${name}/${of}`, count]),
    ),
  );

it.each<[what: string, files: Files, images: object]>([
  ['two classes and nothing else', two, { train: 14, validation: 2, test: 4 }],
  ['train, val and test', splits('train', 'val', 'test'), { train: 20, validation: 0, test: 8 }],
  ['Training, Validation and Testing', splits('Training', 'Validation', 'Testing'), { test: 8 }],
  ['TRAIN, valid and TEST', splits('TRAIN', 'valid', 'TEST'), { test: 8 }],
  ['train and val alone', { 'train/a': 9, 'train/b': 9, 'val/a': 3, 'val/b': 3 }, { test: 6 }],
  ['classes in folders of folders', { 'a/2024': 5, 'a/2025': 5, 'b/x/y': 9 }, { test: 4 }],
  ['one image beside a class of twenty', { few: 1, many: 20 }, { test: 4 }],
  ['hidden files and notes', { ...two, '.DS_Store': 'x', 'cat/notes.txt': 'x' }, { test: 4 }],
  ['a folder that macOS leaves behind', { ...two, '__MACOSX/cat': 2 }, { test: 4 }],
  ['names with spaces and signs', { 'a cat!': 10, 'día & noche': 10 }, { test: 4 }],
  [
    'a hundred classes of five images',
    Object.fromEntries(Array.from({ length: 100 }, (_, at) => [`class ${at}`, 5])),
    { train: 360, validation: 40, test: 100 },
  ],
  [
    'images named by their class, in no folders',
    Object.fromEntries(
      Array.from({ length: 20 }, (_, at) => [`${at % 2 ? 'cat' : 'dog'}_${at}.png`, true]),
    ),
    { train: 14, validation: 2, test: 4 },
  ],
  ['a broken image among good ones', { ...two, 'cat/broken.jpg': 'no image' }, { test: 4 }],
])('%s: a plan', async (_what, files, images) => {
  const outcome = await outcomeOf(files);
  expect(outcome).toMatchObject({ images });
  expect((outcome as { said: string }).said).toContain('weights get vit_tiny_patch16_224');
});

it.each<[what: string, files: Files, sentence: RegExp, hint: RegExp]>([
  ['nothing', {}, /has no folders of classes and no images/, /CLASS\/FILE/],
  ['loose images', { '.': 5 }, /no folders of classes, and its file names/, /CLASS\/FILE/],
  [
    'photos of one class in no folders',
    { 'pizza_1.jpg': true, 'pizza_2.jpg': true },
    /one class only, pizza/,
    /CLASS_NUMBER/,
  ],
  ['a single class', { cat: 20 }, /a single class/, /folder/],
  ['a folder too high', { 'all/cat': 9, 'all/dog': 9 }, /a single class \(all\)/, /in all, it is/],
  ['one image a class', { a: 1, b: 1, c: 1 }, /a single image/, /at least five/],
  [
    'a class without images',
    { ...two, 'empty/notes.txt': 'x' },
    /no readable images/,
    /put|remove/,
  ],
  [
    'broken images only',
    { 'a/1.jpg': 'x', 'a/2.jpg': '', 'b/1.jpg': 'x', 'b/2.jpg': '' },
    /none of the images in .* can be read/,
    /download/,
  ],
  ['an archive', { 'photos.zip': 'PK\u0003\u0004' }, /1 \.zip/, /unpack it/],
  [
    'splits without one to train on',
    { ...splits('trn', 'val', 'tst') },
    /no train/,
    /name it train/,
  ],
  [
    'HEIC only',
    { 'a/1.heic': HEIC, 'b/1.heic': HEIC },
    /no readable images.*heic/,
    /heic|convert/i,
  ],
  [
    'test images of a class that is not trained',
    { 'train/a': 5, 'train/b': 5, 'test/c': 5 },
    /not among the training/,
    /./,
  ],
  ['a test folder and no train folder', { 'test/a': 5, 'val/a': 5 }, /no train folder/, /./],
])('%s: refused, with what to do', async (_what, files, sentence, hint) => {
  const error = await outcomeOf(files);
  expect(error).toBeInstanceOf(TesseraError);
  expect((error as TesseraError).sentence).toMatch(sentence);
  expect((error as TesseraError).hint).toMatch(hint);
});

it('a trial says what was found, not how long a whole run is', async () => {
  const lines: string[] = [];
  const say = (line: string) => lines.push(line);
  const { signal } = new AbortController();
  await planFolder(await folderOf(two), { signal, say, isTrial: true });
  expect(lines.join('\n')).toMatch(/found.*\n.*classes.*\n.*model/);
  expect(lines.join('\n')).not.toMatch(/training {2}|test {2}|time {2}/);
});

it('a class with a single image is never tested, which is said', async () => {
  const { said } = (await outcomeOf({ few: 1, many: 20 })) as { said: string };
  expect(said).toContain('few has a single image: it is trained on, and never tested');
  const tested = await outcomeOf({ 'train/a': 1, 'train/b': 9, 'test/a': 2, 'test/b': 2 });
  expect((tested as { said: string }).said).not.toContain('never tested');
});

it.each(['images', 'all'])('a folder named %s is used as a class, which is said', async (name) => {
  const { said } = (await outcomeOf({ [name]: 9, masks: 9 })) as { said: string };
  expect(said).toContain(`the folder ${name} is used as a class`);
});
