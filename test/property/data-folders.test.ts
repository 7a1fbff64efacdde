/** @file Folders of images of every shape: what is found and what is left out is all there is, and nothing counts twice. */
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { LeftOut } from '../../shared/data/found.ts';
import type { Collection, DataSet } from '../../shared/data/sets/collection.ts';
import { openImageFolder } from '../../shared/data/sets/image-folder.ts';
import { shownName, systemPath } from '../../shared/files/raw-names.ts';
import { findImages } from '../../tools/inference/image-files.ts';
import { binary, HEADS, READABLE } from '../support/image-heads.ts';

const IMAGE_ENDINGS = ['jpg', 'JPEG', 'jfif', 'Png', 'webp', 'gif', 'bmp', 'tif', 'TIFF', 'avif'];
const OTHER_ENDINGS = ['heic', 'txt', 'csv', 'bin', 'x-y'];

interface TreeFile {
  readonly folders: readonly string[];
  readonly name: string;
  readonly isHidden: boolean;
  /** Whether it is taken where images are taken. */
  readonly isImage: boolean;
  /** `undefined`: a link that leads nowhere. */
  readonly content: string | undefined;
}

const hiddenFolder = fc.constantFrom('.cache', '__MACOSX', '@eaDir', '.git');
const folderName = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom('x', 'y y', 'session-2', 'é', 'night\n', '\udce9') },
  { weight: 1, arbitrary: hiddenFolder },
);
const readable = fc.constantFrom(...READABLE.map((kind) => HEADS[kind]));
const content = fc.oneof(
  { weight: 6, arbitrary: readable.map((text) => ({ text, kind: 'image' as const })) },
  { weight: 1, arbitrary: fc.constant({ text: HEADS.heic, kind: 'foreign' as const }) },
  { weight: 1, arbitrary: fc.constant({ text: '<html>', kind: 'foreign' as const }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom('', 'words').map((text) => ({ text, kind: 'unknown' as const })),
  },
  { weight: 1, arbitrary: fc.constant({ text: undefined, kind: 'link' as const }) },
);
const fileName = fc.record({
  stem: fc.constantFrom('1', '2', 'caf\udce9', 'a\\xe9', 'tab\t', '.hidden', '._1', 'Ünder'),
  ending: fc.option(fc.constantFrom(...IMAGE_ENDINGS, ...OTHER_ENDINGS), { freq: 8 }),
});
const systemFile = fc.constantFrom('Thumbs.db', 'desktop.ini', '.DS_Store');

/** A file in folders, without the first of them. */
const treeFile: fc.Arbitrary<TreeFile> = fc
  .record({
    folders: fc.array(folderName, { maxLength: 3 }),
    name: fc.oneof({ weight: 9, arbitrary: fileName }, { weight: 1, arbitrary: systemFile }),
    content,
  })
  .map(({ folders, name, content: { text, kind } }) => {
    const isNamed = typeof name !== 'string' && IMAGE_ENDINGS.includes(name.ending ?? '');
    const whole =
      typeof name === 'string' ? name : name.stem + (name.ending === null ? '' : `.${name.ending}`);
    const isHidden =
      typeof name === 'string' ||
      whole.startsWith('.') ||
      folders.some((folder) => ['.cache', '__MACOSX', '@eaDir', '.git'].includes(folder));
    const isImage = kind === 'image' || (kind === 'unknown' && isNamed);
    return { folders, name: whole, isHidden, isImage, content: text };
  });

const files = fc.array(treeFile, { maxLength: 4 });
/** Where files may lie: in classes of splits or of none, and beside them. */
const tree = fc.record({
  train: fc.constantFrom(undefined, 'train', 'Train', 'TRAINING'),
  validation: fc.constantFrom('val', 'Valid', 'validation'),
  test: fc.constantFrom('test', 'TEST', 'Testing'),
  hasValidation: fc.boolean(),
  test2: fc.constantFrom('labelled', 'unlabelled', 'absent'),
  ...{ a: files, b: files, inValidation: files, inTest: files },
  ...{ top: files, beside: files, extra: files },
});

type Shape = typeof tree extends fc.Arbitrary<infer T> ? T : never;

const root = mkdtempSync(join(realpathSync(tmpdir()), 'tessera-trees-'));

/** Writes a file whose name may be no text. */
function write(path: string, { name, content: text }: TreeFile): void {
  mkdirSync(systemPath(path), { recursive: true });
  const file = systemPath(join(path, name));
  if (text === undefined) symlinkSync('/nowhere', file);
  else writeFileSync(file, binary(text));
}

/** All files of a tree by their paths, with whether they are to be found. */
function plan(shape: Shape): Map<string, { file: TreeFile; isFound: boolean }> {
  const all = new Map<string, { file: TreeFile; isFound: boolean }>();
  const put = (folders: string[], some: readonly TreeFile[], isTaken: boolean) => {
    for (const file of some) {
      const path = [...folders, ...file.folders, file.name].join('/');
      if (!all.has(path))
        all.set(path, { file, isFound: isTaken && file.isImage && !file.isHidden });
    }
  };
  const one: TreeFile = {
    folders: [],
    name: '0.jpg',
    isHidden: false,
    isImage: true,
    content: HEADS.jpg,
  };
  const flat = (some: readonly TreeFile[]) => some.map((file) => ({ ...file, folders: [] }));
  // A folder beside the classes would be one.
  const loose = flat(shape.top).map((file) => ({ ...file, isHidden: false }));
  put([], loose, false);
  const { train } = shape;
  const base = train === undefined ? [] : [train];
  put([...base, 'a'], [one, ...shape.a], true);
  put([...base, 'b'], [one, ...shape.b], true);
  if (train === undefined) return all;
  put([train], flat(shape.beside), false);
  put(['extra'], shape.extra, false);
  if (shape.hasValidation) put([shape.validation, 'a'], [one, ...shape.inValidation], true);
  if (shape.test2 === 'labelled') put([shape.test, 'b'], [one, ...shape.inTest], true);
  if (shape.test2 === 'unlabelled') put([shape.test], [one, ...flat(shape.inTest)], false);
  return all;
}

const sum = (leftOut: readonly LeftOut[]) => leftOut.reduce((all, { count }) => all + count, 0);
const namesOf = ({ train, validation, test }: DataSet) =>
  [train, validation, test].flatMap((collection: Collection | undefined) =>
    Array.from({ length: collection?.labels.length ?? 0 }, (_, at) => collection?.name(at)),
  );

it('a data set: found and left out are all its files, each once', async () => {
  let number = 0;
  await fc.assert(
    fc.asyncProperty(tree, async (shape) => {
      const all = plan(shape);
      const folder = join(root, String(number++));
      for (const [path, { file }] of all) write(join(folder, dirname(path)), file);
      const set = await openImageFolder(folder, 'follow');
      const expected = [...all].filter(([, { isFound }]) => isFound);
      expect(namesOf(set).sort()).toEqual(expected.map(([path]) => shownName(path)).sort());
      expect(sum(set.found.leftOut)).toBe(all.size - expected.length);
      for (let at = 0; at < set.train.labels.length; at += 1) await set.train.image(at);
      rmSync(folder, { recursive: true });
    }),
    { numRuns: 25 },
  );
});

it('a folder to predict: found and left out are all its files, each once', async () => {
  let number = 0;
  await fc.assert(
    fc.asyncProperty(files, async (some) => {
      const folder = join(root, `predict-${number++}`);
      const all = new Map(some.map((file) => [[...file.folders, file.name].join('/'), file]));
      mkdirSync(folder);
      for (const [path, file] of all) write(join(folder, dirname(path)), file);
      const wanted = [...all.values()].filter(
        ({ isImage, isHidden }) => isImage && !isHidden,
      ).length;
      const finding = findImages([folder]);
      if (wanted === 0) await expect(finding).rejects.toMatchObject({ code: 'DATA_INVALID' });
      else {
        const { inputs, leftOut } = await finding;
        expect([inputs.length, sum(leftOut)]).toEqual([wanted, all.size - wanted]);
        for (const { read } of inputs) await read();
      }
      rmSync(folder, { recursive: true });
    }),
    { numRuns: 25 },
  );
});
