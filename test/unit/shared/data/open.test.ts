/** @file The three kinds of data set: what they list, how they divide, what they refuse. */
import { execFileSync } from 'node:child_process';
import { mkdir, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { openDataSource } from '../../../../shared/data/sets/open.ts';
import type { DataSource, Split } from '../../../../shared/data/source.ts';
import { dataConfig, expectInvalid, temporaryFolder } from '../../../support/data.ts';
import { idxBytes } from '../../../support/idx-bytes.ts';

describe('mnist', () => {
  it('has 8,000 + 2,000 digits, divided alike in every class', async () => {
    const source = await openDataSource(dataConfig({ source: 'mnist' }), {
      seed: 1,
      baseFolder: '.',
    });
    expect(source.classes).toEqual(['0', '1', '2', '3', '4', '5', '6', '7', '8', '9']);
    expect(source.size).toEqual({ train: 8000, validation: 0, test: 2000 });
    const test = await countLabels(source, 'test');
    const train = await countLabels(source, 'train');
    for (const [label, inTest] of test.entries()) {
      expect(Math.abs(inTest - (inTest + train[label]!) * 0.2)).toBeLessThan(1);
    }
    const digit = await source.read('test', 1999);
    expect(digit.raw).toEqual({ height: 28, width: 28, channels: 1 });
    expect(digit.bytes.length).toBe(784);
    expect(Math.max(...digit.bytes)).toBeGreaterThan(200);
    expect(digit.name).toMatch(/^digits\/9#\d+$/);
  });

  it('divides by the seed and only by it', async () => {
    const names = async (seed: number) => {
      const config = dataConfig({ source: 'mnist', testFraction: 0.001 });
      return await readNames(await openDataSource(config, { seed, baseFolder: '.' }), 'test');
    };
    expect(await names(1)).toEqual(await names(1));
    expect(await names(1)).not.toEqual(await names(2));
  });

  it('refuses an index that the split does not have', async () => {
    const source = await openDataSource(dataConfig({ source: 'mnist' }), {
      seed: 1,
      baseFolder: '.',
    });
    await expect(source.read('train', 8000)).rejects.toThrow(/8000 samples and no number 8000/);
    await expect(source.read('train', 0.5)).rejects.toThrow(/DATA_INVALID/);
  });

  it('refuses a test fraction that leaves nothing to train', async () => {
    const config = dataConfig({ source: 'mnist', testFraction: 1 });
    await expectInvalid(openDataSource(config, { seed: 1, baseFolder: '.' }), /nothing to train/);
  });
});

describe('image-folder', () => {
  it('lists train and test, sorted, and ignores what is no image', async () => {
    const source = await openFolder({
      'train/cat/b.JPG': 'GIF89a b',
      'train/cat/a.png': 'GIF89a a',
      'train/cat/notes.txt': '',
      'train/cat/.hidden.png': '',
      'train/ant/x.webp': 'GIF89a x',
      'test/cat/t.jpeg': 't',
      'README.md': '',
    });
    expect(source.classes).toEqual(['ant', 'cat']);
    expect(source.size).toEqual({ train: 3, validation: 0, test: 1 });
    expect(await readNames(source, 'train')).toEqual([
      'train/ant/x.webp',
      'train/cat/a.png',
      'train/cat/b.JPG',
    ]);
    expect(await source.read('test', 0)).toEqual({
      index: 0,
      label: 1,
      name: 'test/cat/t.jpeg',
      raw: undefined,
      bytes: new TextEncoder().encode('t'),
    });
  });

  it('takes val for the test split, and divides a set that has neither', async () => {
    const val = await openFolder({ 'train/a/1.jpg': '', 'val/a/2.jpg': '' });
    expect(await readNames(val, 'test')).toEqual(['val/a/2.jpg']);

    const files = Object.fromEntries(Array.from({ length: 10 }, (_, i) => [`a/${i}.jpg`, '']));
    const bare = await openFolder(files);
    expect(bare.size).toEqual({ train: 8, validation: 0, test: 2 });
    const names = [...(await readNames(bare, 'train')), ...(await readNames(bare, 'test'))];
    expect(names.sort()).toEqual(Object.keys(files));
  });

  const refusals: [string, Record<string, string>, RegExp][] = [
    [
      'a class without images',
      { 'train/a/1.jpg': '', 'train/b/x.txt': '' },
      /train\/b has no readable images/,
    ],
    [
      'a test class without images',
      { 'train/a/1.jpg': '', 'test/a/x.txt': '' },
      /test\/a has no readable images/,
    ],
    [
      'a test class that is not trained',
      { 'train/a/1.jpg': '', 'test/b/1.jpg': '' },
      /test\/b is not among the training classes/,
    ],
    [
      'a class whose name a terminal would obey',
      { 'train/a/1.jpg': '', 'train/b\u001b[2J/1.jpg': '' },
      /the name ".*b\\u001b\[2J" has control characters/,
    ],
    ['a folder without classes', { '1.jpg': '' }, /no folders of classes/],
  ];
  it.each(refusals)('refuses %s, naming the folder', async (_, files, sentence) => {
    await expectInvalid(openFolder(files), sentence);
  });

  it('refuses a path that is not there', async () => {
    const config = dataConfig({ source: 'image-folder', path: 'nowhere' });
    const opening = openDataSource(config, { seed: 1, baseFolder: '/data' });
    await expectInvalid(opening, /no folder \/data\/nowhere/);
  });

  it('names the file that has gone since the listing', async () => {
    const folder = await writeFiles({ 'a/1.jpg': '', 'a/2.jpg': '' });
    const source = await open('image-folder', folder);
    await rm(join(folder, 'a'), { recursive: true });
    await expectInvalid(source.read('train', 0), /cannot read .*a\/\d\.jpg/);
  });

  it('refuses what has become of a file since the listing: a link out of the set, a pipe, a monster', async () => {
    const outside = await writeFiles({ 'secret.jpg': 'secret' });
    const names = ['a/1.jpg', 'a/2.jpg', 'a/3.jpg', 'b/1.jpg'];
    const folder = await writeFiles(Object.fromEntries(names.map((name) => [name, 'GIF89a'])));
    const source = await open('image-folder', folder, 0);
    const replace = async (name: string) => {
      await rm(join(folder, name));
      return join(folder, name);
    };
    await symlink(join(outside, 'secret.jpg'), await replace('a/1.jpg'));
    execFileSync('mkfifo', [await replace('a/2.jpg')]);
    await truncate(join(folder, 'a/3.jpg'), 10 * 1024 ** 3);
    await expectInvalid(
      source.read('train', 0),
      /a\/1\.jpg: it is now a link that leaves the data set/,
    );
    await expectInvalid(source.read('train', 1), /a\/2\.jpg: it is a pipe, not a file/);
    await expectInvalid(source.read('train', 2), /a\/3\.jpg: it has 10\.0 GiB/);
    await source.read('train', 3);
  });

  it('follows links within the set and refuses those that leave it', async () => {
    const outside = await writeFiles({ 'secret.jpg': '' });
    const folder = await writeFiles({ 'a/1.jpg': 'GIF89a one', 'b/3.jpg': 'GIF89a' });
    await symlink(join(folder, 'a/1.jpg'), join(folder, 'a/2.jpg'));
    await symlink('/nowhere', join(folder, 'latest'));
    const source = await open('image-folder', folder, 0);
    expect(new TextDecoder().decode((await source.read('train', 1)).bytes)).toBe('GIF89a one');

    await symlink(join(outside, 'secret.jpg'), join(folder, 'b/4.jpg'));
    await expectInvalid(open('image-folder', folder), /b\/4\.jpg is a link that leaves/);
    await rm(join(folder, 'b/4.jpg'));
    await symlink(outside, join(folder, 'c'));
    await expectInvalid(open('image-folder', folder), /c is a link that leaves/);
  });
});

describe('idx', () => {
  const images = idxBytes([3, 2, 2], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
  const labels = idxBytes([3], [0, 1, 2]);
  const train = { 'train-images-idx3-ubyte': images, 'train-labels-idx1-ubyte': labels };
  const test = {
    't10k-images-idx3-ubyte.gz': gzipSync(idxBytes([1, 2, 2], [9, 9, 9, 9])),
    't10k-labels-idx1-ubyte.gz': gzipSync(idxBytes([1], [2])),
  };

  const gzip = test['t10k-images-idx3-ubyte.gz'];
  const PADDING = Buffer.alloc(8);
  /** Allowed if it were alone. */
  const GIBIBYTE = gzipSync(Buffer.concat([idxBytes([2 ** 30], []), Buffer.alloc(2 ** 22)]));
  const MANY_TINY = gzipSync(
    Buffer.concat([idxBytes([2 ** 24 + 1, 1, 1], []), Buffer.alloc(2 ** 24 + 1)]),
  );

  it('reads a gzip of several members', async () => {
    const members = [images.subarray(0, 9), images.subarray(9)].map((part) => gzipSync(part));
    const source = await openIdxFiles({
      'train-images-idx3-ubyte.gz': Buffer.concat(members),
      'train-labels-idx1-ubyte': labels,
    });
    expect(source.size.train + source.size.test).toBe(3);
  });

  it('a pipe in the place of a file is refused, not waited for', async () => {
    const folder = await writeFiles({ 'train-labels-idx1-ubyte': labels });
    execFileSync('mkfifo', [join(folder, 'train-images-idx3-ubyte')]);
    await expect(open('idx', folder)).rejects.toThrow(
      /train-images-idx3-ubyte: it is a pipe, not a file/,
    );
  });

  it('says of a folder that is there why it cannot be opened', async () => {
    const folder = await writeFiles(train);
    const file = join(folder, 'train-labels-idx1-ubyte');
    await expect(open('idx', join(folder, 'gone'))).rejects.toThrow(/there is no folder/);
    await expect(open('idx', file)).rejects.toThrow(/cannot open the folder .*ubyte: /);
  });

  it('reads plain and gzipped files', async () => {
    const source = await open('idx', await writeFiles({ ...train, ...test }));
    expect(source.classes).toEqual(['0', '1', '2']);
    expect(source.size).toEqual({ train: 3, validation: 0, test: 1 });
    expect(await source.read('train', 1)).toEqual({
      index: 1,
      label: 1,
      name: 'train-images-idx3-ubyte#1',
      raw: { height: 2, width: 2, channels: 1 },
      bytes: Uint8Array.of(5, 6, 7, 8),
    });
    expect((await source.read('test', 0)).label).toBe(2);
    // The name is that of the unpacked file, so that a packed set is the same set.
    expect(source.name('test', 0)).toBe('t10k-images-idx3-ubyte#0');
  });

  it('divides a set without test files', async () => {
    const count = 20;
    const source = await openIdxFiles({
      'train-images.idx3-ubyte': idxBytes([count, 1, 1], Array(count).fill(0)),
      'train-labels.idx1-ubyte': idxBytes(
        [count],
        Array.from({ length: count }, (_, i) => i % 2),
      ),
    });
    expect(source.size).toEqual({ train: 16, validation: 0, test: 4 });
  });

  const refusals: [string, Record<string, Uint8Array>, RegExp][] = [
    ['a folder without them', { other: images }, /has no train-images-idx3-ubyte/],
    [
      'images without labels',
      { 'train-images-idx3-ubyte': images },
      /but no train-labels-idx1-ubyte/,
    ],
    [
      'a truncated file',
      { ...train, 'train-images-idx3-ubyte': images.subarray(0, 27) },
      /train-images-idx3-ubyte has 27 bytes, but its header \(3 x 2 x 2\) says 28/,
    ],
    [
      'a file whose header asks for more than it can hold, packed or not',
      { ...train, 'train-images-idx3-ubyte': idxBytes([900, 1000, 1000], [1, 2, 3]) },
      /train-images-idx3-ubyte is too short for the 900 x 1000 x 1000 elements/,
    ],
    [
      'a foreign file',
      { ...train, 'train-images-idx3-ubyte': Uint8Array.from([0x89, 0x50, 0x4e, 0x47]) },
      /train-images-idx3-ubyte is not an idx file/,
    ],
    [
      'elements that are no bytes',
      { ...train, 'train-labels-idx1-ubyte': Uint8Array.from([0, 0, 0x0d, 1, 0, 0, 0, 0]) },
      /type 0x0d/,
    ],
    [
      'labels in the place of images',
      { ...train, 'train-images-idx3-ubyte': labels },
      /has 1 dimensions, expected 3/,
    ],
    [
      'counts that differ',
      { ...train, 'train-labels-idx1-ubyte': idxBytes([2], [0, 1]) },
      /has 2 labels for the 3 images/,
    ],
    [
      'damaged gzip',
      { ...train, ...test, 't10k-images-idx3-ubyte.gz': images },
      /cannot read .*t10k-images-idx3-ubyte\.gz: incorrect header/,
    ],
    [
      'a gzip that is cut short',
      { ...train, ...test, 't10k-images-idx3-ubyte.gz': gzip.subarray(0, -4) },
      /cannot read .*t10k-images-idx3-ubyte\.gz: unexpected end of file/,
    ],
    [
      'bytes behind the end',
      { ...train, 'train-labels-idx1-ubyte': Uint8Array.of(...labels, 0) },
      /train-labels-idx1-ubyte has more than the 11 bytes that its header \(3\) says/,
    ],
    [
      'a gzip whose content goes on',
      { ...train, ...test, 't10k-images-idx3-ubyte.gz': Buffer.concat([gzip, gzip]) },
      /t10k-images-idx3-ubyte\.gz has more than the 20 bytes/,
    ],
    [
      'a gzip with something behind padding',
      { ...train, ...test, 't10k-images-idx3-ubyte.gz': Buffer.concat([gzip, PADDING, gzip]) },
      /t10k-images-idx3-ubyte\.gz: it has data after its end/,
    ],
    [
      'a header that says too much for a set',
      { ...train, 'train-images-idx3-ubyte': idxBytes([3, 2 ** 20, 2 ** 20], []) },
      /elements, 3\.0 TiB; 1\.0 GiB remain of the limit for a set/,
    ],
    [
      'files that are too much for a set together',
      { 'train-images-idx3-ubyte': images, 'train-labels-idx1-ubyte.gz': GIBIBYTE },
      /train-labels-idx1-ubyte\.gz says that it has 1073741824 elements/,
    ],
    [
      'more tiny images than can be kept account of',
      { 'train-images-idx3-ubyte.gz': MANY_TINY, 'train-labels-idx1-ubyte': labels },
      /has 16777217 images, more than 16777216/,
    ],
    [
      'images without pixels',
      { ...train, 'train-images-idx3-ubyte': idxBytes([3, 0, 2], []) },
      /has no images/,
    ],
    [
      'test images of another size',
      { ...train, ...test, 't10k-images-idx3-ubyte': idxBytes([1, 1, 2], [0, 0]) },
      /1 x 2 pixels, train-images-idx3-ubyte of 2 x 2/,
    ],
    [
      'a test label that is not trained',
      { ...train, ...test, 't10k-labels-idx1-ubyte': idxBytes([1], [7]) },
      /has label 7/,
    ],
    [
      'a set without images',
      {
        ...train,
        'train-images-idx3-ubyte': idxBytes([0, 2, 2], []),
        'train-labels-idx1-ubyte': idxBytes([0], []),
      },
      /has no images/,
    ],
  ];
  it.each(refusals)('refuses %s, naming the file', async (_, files, sentence) => {
    await expectInvalid(openIdxFiles(files), sentence);
  });
});

async function open(
  kind: 'idx' | 'image-folder',
  folder: string,
  testFraction = 0.2,
): Promise<DataSource> {
  const config = dataConfig({ source: kind, path: folder, testFraction });
  return await openDataSource(config, { seed: 1, baseFolder: '/' });
}

async function openFolder(files: Record<string, string>): Promise<DataSource> {
  return await open('image-folder', await writeFiles(files));
}

async function openIdxFiles(files: Record<string, Uint8Array>): Promise<DataSource> {
  return await open('idx', await writeFiles(files));
}

async function writeFiles(files: Record<string, string | Uint8Array>): Promise<string> {
  const folder = await temporaryFolder();
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), content);
  }
  return folder;
}

async function readNames(source: DataSource, split: Split): Promise<string[]> {
  const samples = Array.from({ length: source.size[split] }, (_, i) => source.read(split, i));
  return (await Promise.all(samples)).map((sample) => sample.name);
}

async function countLabels(source: DataSource, split: Split): Promise<number[]> {
  const counts: number[] = source.classes.map(() => 0);
  for (let i = 0; i < source.size[split]; i += 1) counts[(await source.read(split, i)).label]! += 1;
  return counts;
}
