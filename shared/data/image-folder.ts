/**
 * @file A folder of images: train/CLASS/FILE and test/CLASS/FILE (or val), or CLASS/FILE alone.
 *
 * Folders are listed once, at the start; the images are read one by one, when they are asked for, and by
 * number: no name from outside is ever made into a path.
 */
import type { Dirent } from 'node:fs';
import { readdir, realpath, stat } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { TesseraError } from '../core/errors.ts';
import { formatBytes } from '../core/units.ts';
import { reasonOf } from '../host/errno.ts';
import { readRegularFile } from '../host/regular-file.ts';
import type { Collection, DataSet, StoredImage } from './collection.ts';
import { NOTHING_LEFT_OUT } from './sets/found.ts';

const IMAGE_FILE = /\.(?:jpe?g|png|webp)$/i;
const TEST_FOLDERS = ['test', 'val'];
/** Most bytes of an image file: 100 megapixels of noise as PNG. */
export const IMAGE_BYTES_MAX = 256 * 1024 ** 2;

/**
 * Lists an image folder: classes and files sorted by name.
 *
 * Throws  DATA_INVALID, naming the folder or file: not there, no classes, a class without images, a test
 *         class that is not trained, a link that leaves the set.
 */
export async function openImageFolder(path: string): Promise<DataSet> {
  const root = await realpath(path).catch((error: unknown) => {
    throw invalid(
      `there is no folder ${path}`,
      'data.path names the folder of the data set; if it has moved: --set data.path=FOLDER',
      error,
    );
  });
  const top = await listFolder(root, root);
  const trainFolder = top.folders.includes('train') ? 'train' : '';
  const testFolder = TEST_FOLDERS.find((name) => trainFolder !== '' && top.folders.includes(name));

  const classes = (await listFolder(root, join(root, trainFolder))).folders;
  if (classes.length === 0) {
    throw invalid(
      `${join(root, trainFolder)} has no folders of classes`,
      'expected train/CLASS/FILE and test/CLASS/FILE, or CLASS/FILE',
    );
  }
  return {
    classes,
    train: await listCollection(root, trainFolder, classes),
    ...(testFolder !== undefined && {
      [testFolder === 'val' ? 'validation' : 'test']: await listCollection(
        root,
        testFolder,
        classes,
      ),
    }),
    found: { ...NOTHING_LEFT_OUT, from: {} },
  };
}

/** Lists the images of one split. */
async function listCollection(
  root: string,
  split: string,
  classes: readonly string[],
): Promise<Collection> {
  const { folders } = await listFolder(root, join(root, split));
  const foreign = folders.find((name) => !classes.includes(name));
  if (foreign !== undefined) {
    throw invalid(
      `class ${join(root, split, foreign)} is not among the training classes`,
      `training has ${classes.join(', ')}`,
    );
  }
  const files: string[] = [];
  const labels: number[] = [];
  for (const name of folders) {
    const { images } = await listFolder(root, join(root, split, name));
    if (images.length === 0) {
      throw invalid(
        `class folder ${join(root, split, name)} has no images`,
        'put .jpg, .jpeg, .png or .webp files into it or remove it; data.path is the folder above the classes',
      );
    }
    const label = classes.indexOf(name);
    for (const image of images) {
      files.push(image);
      labels.push(label);
    }
  }
  const nameOf = (position: number) => {
    const parts = [split, classes[labels[position] as number], files[position]] as string[];
    return parts.filter((part) => part !== '').join('/');
  };
  return {
    labels,
    name: nameOf,
    listedBytes: () => 0,
    bytes: (position) => sizeOf(join(root, nameOf(position))),
    image: (position) => readImage(root, nameOf(position)),
  };
}

/** Nothing for what cannot be read, or is too large to be. */
async function sizeOf(path: string): Promise<number> {
  const { size } = await stat(path).catch(() => ({ size: 0 }));
  return size <= IMAGE_BYTES_MAX ? size : 0;
}

/** Reads one file of the set. */
async function readImage(root: string, name: string): Promise<StoredImage> {
  try {
    const path = await realpath(join(root, name));
    if (!path.startsWith(root + sep)) throw new Error('it is a link that leaves the data set now');
    // What was a file when the set was listed may be anything by now.
    const bytes = await readRegularFile(path, IMAGE_BYTES_MAX);
    return { name, raw: undefined, bytes };
  } catch (error) {
    throw invalid(
      `cannot read ${join(root, name)}: ${reasonOf(error)}`,
      `an image file that can be read and has at most ${formatBytes(IMAGE_BYTES_MAX)} belongs there`,
      error,
    );
  }
}

/** What a folder holds that matters, sorted by name; hidden entries and other files are left out. */
async function listFolder(
  root: string,
  folder: string,
): Promise<{ readonly folders: string[]; readonly images: string[] }> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((error: unknown) => {
    throw invalid(`cannot list ${folder}`, 'data.path is a folder that can be read', error);
  });
  const folders: string[] = [];
  const images: string[] = [];
  for (const entry of entries) {
    if (entry.name.startsWith('.')) continue;
    const path = join(folder, entry.name);
    const kind = await kindOf(root, path, entry);
    const isImage = kind.isFile() && IMAGE_FILE.test(entry.name);
    if (!isImage && !kind.isDirectory()) continue;
    // Names are shown in terminals and logs, which obey some of these.
    if (/\p{Cc}/u.test(entry.name)) {
      throw invalid(`the name ${JSON.stringify(path)} has control characters`, 'rename it');
    }
    (isImage ? images : folders).push(entry.name);
  }
  return { folders: folders.sort(), images: images.sort() };
}

/** What an entry is; of a link, what it leads to, which must lie in the set where it matters. */
async function kindOf(
  root: string,
  path: string,
  entry: Dirent,
): Promise<Pick<Dirent, 'isDirectory' | 'isFile'>> {
  if (!entry.isSymbolicLink()) return entry;
  const target = await realpath(path).catch(() => '');
  const kind = target === '' ? entry : await stat(target);
  const matters = kind.isDirectory() || IMAGE_FILE.test(entry.name);
  if (!matters || target.startsWith(root + sep)) return kind;
  throw invalid(
    `${path} is a link that leaves the data set or leads nowhere`,
    'put the files themselves into the set',
  );
}

function invalid(sentence: string, hint: string, cause?: unknown): TesseraError {
  return new TesseraError('DATA_INVALID', sentence, { hint, cause });
}
