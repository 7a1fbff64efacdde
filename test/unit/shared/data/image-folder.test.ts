/** @file What is found in a folder of images, what is passed over, and what is refused. */
import { execFileSync } from 'node:child_process';
import { chmod, mkdir, realpath, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { foundSentence, remedies } from '../../../../shared/data/found.ts';
import { type DataSet, dataSourceOf } from '../../../../shared/data/sets/collection.ts';
import { openImageFolder } from '../../../../shared/data/sets/image-folder.ts';
import { Tally } from '../../../../shared/data/sets/walk/tally.ts';
import { Walk } from '../../../../shared/data/sets/walk/walk.ts';
import { expectInvalid, temporaryFolder, writeFiles } from '../../../support/data.ts';
import { binary, HEADS, READABLE } from '../../../support/image-heads.ts';

const { jpg, heic } = HEADS;

describe('what is an image', () => {
  it('is recognised by its content, whatever the name ends in (case 08)', async () => {
    const files = READABLE.map((ending, at) => [`train/a/${at}.${ending}`, HEADS[ending]]);
    const set = await open({
      ...Object.fromEntries(files),
      'train/b/1.jfif': jpg,
      'train/b/2.JPG': HEADS.png,
      'train/b/3': jpg,
      'train/b/4.txt': 'words',
      'train/b/5.HEIC': heic,
      'train/b/6.jpg': heic,
      'train/b/7.jpg': 'version https://git-lfs.github.com/spec/v1\n',
      'train/b/damaged.png': 'nothing',
      'train/b/labels.csv': 'a,b',
    });
    expect(namesOf(set)).toEqual([
      ...files.map(([name]) => name),
      ...['1.jfif', '2.JPG', '3', 'damaged.png'].map((name) => `train/b/${name}`),
    ]);
    expect(set.found.leftOut.map(({ what, why, count }) => `${count} ${what}: ${why}`)).toEqual([
      '1 .heic: not readable here',
      '1 .jpg: HEIC, not readable here',
      '1 .jpg: Git LFS pointer, not readable here',
      '1 .txt: not images',
      '1 .csv: not images',
    ]);
    expect(remedies(set.found.leftOut).join()).toMatch(/heif-convert.*git lfs pull/s);
    expect(set.found.notes).toEqual([expect.stringContaining('1 of them is not an image')]);
    expect(set.train.listedBytes(0)).toBe(4);
  });

  it('lies at any depth below its class, in the order of torchvision (case 09)', async () => {
    const names = ['a/2.jpg', 'a/x/1.jpg', 'a/x-1/3.jpg', 'a/x/y/0.jpg', 'b/z/z/z/1.jpg'];
    const set = await open(files(...names));
    expect(namesOf(set)).toEqual(names);
    expect([...(set.train.labels as Uint32Array)]).toEqual([0, 0, 0, 0, 1]);
    const { bytes, name } = await set.train.image(4);
    expect([name, ...bytes]).toEqual(['b/z/z/z/1.jpg', ...binary(jpg)]);
  });

  it('is not what the system leaves behind; that is counted as hidden (case 42)', async () => {
    const set = await open({
      ...files('a/1.jpg', 'b/1.jpg'),
      ...files('__MACOSX/a/._1.jpg', '__MACOSX/b/x/._1.jpg', 'a/._1.jpg', '.git/x/1.jpg'),
      ...files('a/.thumbnails/1.jpg', 'Thumbs.db', 'b/desktop.ini', '.DS_Store', '@eaDir/1.jpg'),
    });
    expect(namesOf(set)).toEqual(['a/1.jpg', 'b/1.jpg']);
    expect(set.found.leftOut).toEqual([{ what: 'hidden', count: 9 }]);
  });

  it('beside the folders of classes is counted', async () => {
    const set = await open(
      files('loose.jpg', 'train/a/1.jpg', 'train/loose.jpg', 'val/a/1.jpg', 'val/loose.jpg'),
    );
    expect(set.found.leftOut).toEqual([
      { what: 'images', why: 'beside the folders of classes', count: 3 },
    ]);
  });

  it('may have a name that is not UTF-8, or commands terminals; it is shown escaped (case 30)', async () => {
    const folder = await write(files('a/1.jpg', 'b/1.jpg'));
    await writeFile(Buffer.concat([Buffer.from(`${folder}/a/caf`), binary('\xe9.jpg')]), jpg);
    await writeFile(`${folder}/a/caf\\xe9.jpg`, 'x');
    await writeFile(`${folder}/a/\u001b[2J\n.jpg`, 'x');
    await mkdir(Buffer.concat([Buffer.from(`${folder}/`), binary('\xfcber')]));
    await writeFile(
      Buffer.concat([Buffer.from(`${folder}/`), binary('\xfcber/\xff\xe2\x82\xac\xe2.jpg')]),
      binary(jpg),
    );
    const set = await openImageFolder(folder);
    expect(set.classes).toEqual(['a', 'b', '\\xfcber']);
    expect(namesOf(set)).toEqual([
      ...['a/\\u001b[2J\\u000a.jpg', 'a/1.jpg', 'a/caf\\\\xe9.jpg', 'a/caf\\xe9.jpg', 'b/1.jpg'],
      '\\xfcber/\\xff€\\xe2.jpg',
    ]);
    for (let at = 0; at < 6; at += 1) {
      const { name } = await set.train.image(at);
      expect(name).toBe(set.train.name(at));
    }
    expect((await set.train.image(5)).bytes).toEqual(new Uint8Array(binary(jpg)));
  });
});

describe('splits', () => {
  it.each([
    ['Train', 'TEST', undefined],
    ['training', 'testing', 'Validation'],
    ['train', 'test', 'dev'],
    ['TRAIN', 'Test', 'valid'],
    ['Training', undefined, 'VAL'],
  ])('are %s, %s and %s, in any capitals (case 43)', async (train, test, validation) => {
    const set = await open(
      files(`${train}/a/1.jpg`, test && `${test}/a/1.jpg`, validation && `${validation}/a/1.jpg`),
    );
    expect(set.classes).toEqual(['a']);
    expect(set.found.from).toEqual({ train, test, validation });
    expect([set.test?.name(0), set.validation?.name(0)]).toEqual([
      test && `${test}/a/1.jpg`,
      validation && `${validation}/a/1.jpg`,
    ]);
  });

  it('without folders of classes are left out, and val is what there is (case 11)', async () => {
    const set = await open(files('train/a/1.jpg', 'val/a/1.jpg', 'test/1.jpg', 'test/2.jpg'));
    expect(set.test).toBeUndefined();
    const source = dataSourceOf(set, { testFraction: 0.2, validation: 'auto', seed: 1 });
    expect(foundSentence(source)).toMatch(
      /to t\w+ \(from val\).*; left out: 2 in test \(it has no folders of classes\)/,
    );
  });

  it('say which classes they lack, and what lies beside them', async () => {
    const set = await open(
      files('train/a/1.jpg', 'train/b/1.jpg', 'test/a/1.jpg', 'extra/a/1.jpg', 'extra/x/y/2.txt'),
    );
    expect(set.found.notes).toEqual(['test has no images of b, which train has']);
    expect(set.found.leftOut).toEqual([
      { what: 'in extra', why: 'neither train, val nor test', count: 2 },
    ]);
  });

  it.each([
    ['training_set', 'test_set', 'Validation Set'],
    ['train ', 'test-set', 'val.split'],
    ['train/images', 'test/images', 'val/a1/b2'],
    ['train_images', 'testset', 'valdata'],
  ])('are %s, %s and %s under other names', async (train, test, validation) => {
    const names = [train, test, validation].flatMap((split) => [
      `${split}/a/1.jpg`,
      `${split}/b/1.jpg`,
    ]);
    const set = await open(files(...names));
    expect(set.classes).toEqual(['a', 'b']);
    expect(set.found.from).toEqual({ train, test, validation });
    expect([set.test?.name(0), set.validation?.name(1)]).toEqual([
      `${test}/a/1.jpg`,
      `${validation}/b/1.jpg`,
    ]);
  });

  it('train goes before train_images, which is counted', async () => {
    const set = await open(files('train/a/1.jpg', 'train/b/1.jpg', 'train_images/1.jpg'));
    expect(set.found.leftOut).toMatchObject([{ what: 'in train_images', count: 1 }]);
  });

  it.each(['test/test', 'test/images', 'test_images/unknown'])(
    'that hold images in one folder without a class are left out: %s',
    async (folder) => {
      const set = await open(files('train/a/1.jpg', 'train/b/1.jpg', `${folder}/1.jpg`));
      expect(set.test).toBeUndefined();
      const what = `in ${folder.split('/')[0]}`;
      expect(set.found.leftOut).toEqual([{ what, why: 'it has no folders of classes', count: 1 }]);
    },
  );

  it('may be meant by folders that look the same in every class, which is said', async () => {
    const set = await open(
      files(...['f1', 'f2'].flatMap((f) => [`${f}/cat/1.jpg`, `${f}/dog/1.jpg`])),
    );
    expect(set.found.notes).toEqual([expect.stringMatching(/same folders, cat, dog: if those/)]);
  });

  it('have classes that people can tell apart, or it is said', async () => {
    const set = await open(files('train/\u00e9/1.jpg', 'train/e\u0301/1.jpg', 'train/b/1.jpg'));
    expect(set.found.notes).toEqual([expect.stringMatching(/differ only in capitals, spaces/)]);
  });

  it('may be classes where their names are: train, valid and invalid', async () => {
    const vehicles = await open(files('bus/1.jpg', 'train/1.jpg', 'plane/1.jpg'));
    expect(vehicles.classes).toEqual(['bus', 'plane', 'train']);
    expect(vehicles.found.notes).toEqual([expect.stringMatching(/train is used as a class/)]);
    const documents = await open(files('invalid/1.jpg', 'valid/1.jpg'));
    expect(documents.classes).toEqual(['invalid', 'valid']);
  });

  it.each([
    [
      'train by another name',
      ['trn/a/1.jpg', 'trn/b/1.jpg', 'val/a/1.jpg', 'val/b/1.jpg'],
      /has val, but no train/,
    ],
    ['two folders', ['train/a/1.jpg', 'val/a/1.jpg', 'valid/a/1.jpg'], /val and .*valid both mean/],
    ['two capitals', ['train/a/1.jpg', 'Train/a/1.jpg'], /Train and .*train both mean the train/],
    ['no train', ['test/a/1.jpg', 'val/a/1.jpg'], /has test and val, but no train folder/],
    ['classes beside test', ['a/1.jpg', 'b/1.jpg', 'test/a/1.jpg'], /has test, but no train/],
    ['a class of other capitals', ['train/cat/1.jpg', 'test/Cat/1.jpg'], /test\/Cat is spelled/],
    ['a class of other accents', ['train/\u00e9/1.jpg', 'test/e\u0301/1.jpg'], /is spelled/],
    ['a foreign class', ['train/a/1.jpg', 'test/b/1.jpg'], /test\/b is not among/],
    ['a path too high', ['set/train/a/1.jpg', 'set/test/a/1.jpg'], /one folder too high/],
    ['a class with a space', ['train/cat /1.jpg', 'test/cat/1.jpg'], /test\/cat is spelled/],
    ['seg_train', ['seg_train/x/a/1.jpg', 'seg_test/x/a/1.jpg'], /named like splits, but/],
    ['flat splits', ['train/1.jpg', 'test1/1.jpg'], /named like splits, but/],
    [
      'a path far too high',
      ['a/b/train/x/1.jpg', 'a/b/val/x/1.jpg'],
      /a\/b contains a train .* 2 folders too/,
    ],
    ['train alone, without classes', ['train/1.jpg'], /train has no folders of classes/],
  ])('are refused: %s', async (_, names, sentence) => {
    await expectInvalid(open(files(...names)), sentence);
  });
});

describe('a class without images', () => {
  it.each([
    ['is refused with what it holds', { 'a/1.heic': heic, 'a/2.heic': heic }, /2 \.heic \(not/],
    ['is refused with what it hides', { 'a/.1.jpg': jpg }, /left out: 1 hidden/],
  ])('%s', async (_, holds, sentence) => {
    await expectInvalid(open({ ...files('b/1.jpg'), ...holds }), sentence);
  });

  it('is refused as empty', async () => {
    const folder = await write(files('b/1.jpg'));
    await mkdir(join(folder, 'a'));
    await expectInvalid(
      openImageFolder(folder),
      /folder .*\/a has no readable images: it is empty/,
    );
  });
});

it('a class of which nothing can be read is said', async () => {
  const set = await open({ ...files('b/1.jpg', 'c/1.jpg'), 'a/1.jpg': '', 'a/2.jpg': 'junk' });
  expect(set.found.notes).toEqual([
    '2 of them are not images in spite of their names: they count as unreadable',
    expect.stringMatching(/^none of the images in .*\/a can be read$/),
  ]);
});

it('a set of which one class or none can be read is refused', async () => {
  const broken = { 'a/1.jpg': '', 'a/2.jpg': 'junk' };
  await expectInvalid(open({ ...broken, 'b/1.jpg': '' }), /none of the images in .*\w can be read/);
  await expectInvalid(
    open({ ...broken, ...files('b/1.jpg') }),
    /outside of the class b can be read/,
  );
});

it('a link that git wrote as text is left out as that', async () => {
  const set = await open({ ...files('a/1.jpg', 'b/1.jpg'), 'a/2.jpg': '../pool/2.jpg' });
  expect(set.found.leftOut).toMatchObject([
    { count: 1, why: expect.stringMatching(/^link that git/) },
  ]);
  expect(remedies(set.found.leftOut).join()).toMatch(/core\.symlinks true/);
});

it('a set that is a file is called that', async () => {
  const folder = await write(files('a/1.jpg'));
  await expectInvalid(openImageFolder(join(folder, 'a/1.jpg')), /1\.jpg is not a folder/);
  await expectInvalid(openImageFolder(join(folder, 'a/1.jpg/x')), /cannot open the folder/);
});

describe('links', () => {
  it('out of the set are refused with the option that takes them, and taken with it (case 29)', async () => {
    const pool = await write({ ...files('1.jpg', 'more/2.jpg'), 'secret.jpg': 'password', x: jpg });
    const folder = await write(files('a/0.jpg', 'b/0.jpg'));
    await symlink(join(pool, '1.jpg'), join(folder, 'a/1.jpg'));
    await expectInvalid(openImageFolder(folder), /a\/1\.jpg is a link that leaves/);
    await expect(openImageFolder(folder)).rejects.toMatchObject({
      hint: expect.stringContaining('data.links=follow'),
    });
    await symlink(join(pool, 'more'), join(folder, 'a/more'));
    await symlink(join(pool, 'more'), join(folder, 'c'));
    await symlink(join(pool, 'secret.jpg'), join(folder, 'a/secret.jpg'));
    await symlink('/nowhere', join(folder, 'a/gone.jpg'));
    const set = await openImageFolder(folder, 'follow');
    const names = ['a/0.jpg', 'a/1.jpg', 'a/more/2.jpg', 'b/0.jpg', 'c/2.jpg'];
    expect(namesOf(set)).toEqual(names);
    for (const at of names.keys()) await set.train.image(at);
    // What is not an image is not sent to workers because a link has an image's name.
    expect(set.found.leftOut).toEqual([
      { what: 'links', why: 'they lead nowhere', count: 1 },
      { what: '.jpg', why: 'not images', count: 1 },
    ]);
  });

  it.each(['inside', 'follow'] as const)('that lead back end, with links %s', async (links) => {
    const folder = await write(files('a/1.jpg', 'a/x/2.jpg', 'b/1.jpg'));
    await symlink(join(folder, 'a'), join(folder, 'a/x/again'));
    await symlink('..', join(folder, 'b/up'));
    await symlink('self', join(folder, 'b/self'));
    await symlink(join(folder, 'a/x'), join(folder, 'b/other'));
    const set = await openImageFolder(folder, links);
    // By way of b/other the link in a/x leads into a, and from there back.
    const other = ['b/other/2.jpg', 'b/other/again/1.jpg'];
    expect(namesOf(set)).toEqual(['a/1.jpg', 'a/x/2.jpg', 'b/1.jpg', ...other]);
    expect(set.found.leftOut.map(({ why, count }) => `${count} ${why}`)).toEqual([
      '3 they lead back to a folder that they lie in',
      '1 they lead nowhere',
    ]);
  });

  it('between splits are refused: what trains must not validate', async () => {
    for (const [link, target] of [
      ['val', 'train'],
      ['test/b', '../train/b'],
    ] as const) {
      const folder = await write(files('train/a/1.jpg', 'train/b/1.jpg', 'test/a/1.jpg'));
      await symlink(target, join(folder, link));
      await expectInvalid(openImageFolder(folder), /are one folder: its images would be in two/);
    }
  });

  it('between folders that multiply are refused, not walked for ever', async () => {
    const folder = await write(files('l0/1.jpg'));
    for (let level = 1; level < 40; level += 1) {
      await mkdir(join(folder, `l${level}`));
      for (const side of ['x', 'y']) {
        await symlink(`../l${level - 1}`, join(folder, `l${level}/${side}`));
      }
    }
    const how = { links: 'inside', onFault: 'refuse', folderLinksMax: 100 } as const;
    const walk = new Walk({ root: await realpath(folder), ...how });
    await expectInvalid(walk.images(walk.root, new Tally()), /too many links to folders/);
  });
});

it('a folder that cannot be listed is named, and is not a fault of Tessera', async () => {
  const folder = await write(files('a/1.jpg', 'b/1.jpg', 'b/closed/1.jpg'));
  await chmod(join(folder, 'b/closed'), 0);
  if (process.getuid?.() === 0) return;
  await expectInvalid(openImageFolder(folder), /cannot list .*b\/closed: permission denied/);
});

it('pipes and files that cannot be opened are counted', async () => {
  const folder = await write(files('a/1.jpg', 'b/1.jpg'));
  execFileSync('mkfifo', [join(folder, 'a/pipe.jpg')]);
  const set = await openImageFolder(folder);
  expect(set.found.leftOut).toMatchObject([{ what: 'not files', count: 1 }]);
});

/** JPEG files by their names. */
function files(...names: readonly (string | undefined)[]): Record<string, string> {
  return Object.fromEntries(names.flatMap((name) => (name === undefined ? [] : [[name, jpg]])));
}

async function write(contents: Record<string, string>): Promise<string> {
  const folder = await temporaryFolder();
  await writeFiles(folder, contents);
  return folder;
}

async function open(contents: Record<string, string>): Promise<DataSet> {
  return await openImageFolder(await write(contents));
}

function namesOf({ train }: DataSet): string[] {
  return Array.from({ length: train.labels.length }, (_, at) => train.name(at));
}
