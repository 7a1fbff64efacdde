/** @file MNIST-style data sets: idx files of images and labels, plain or gzipped, held in memory. */
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { TesseraError } from '../core/errors.ts';
import { parseIdx } from '../formats/idx.ts';
import type { Collection, DataSet } from './collection.ts';

/** Most bytes of an unpacked file; EMNIST's largest has 0.6 GB. */
const FILE_BYTES_MAX = 1024 ** 3;

/**
 * Opens train-images-idx3-ubyte and train-labels-idx1-ubyte, and t10k-... where it is there.
 *
 * Throws  DATA_INVALID, naming the file: not there, damaged, or not fitting the others.
 */
export async function openIdx(folder: string): Promise<DataSet> {
  const files = await readdir(folder).catch((error: unknown) => {
    throw invalid(
      `there is no folder ${folder}`,
      'data.path names the folder of the idx files',
      error,
    );
  });
  const train = await openPart(folder, files, 'train');
  if (train === undefined) {
    throw invalid(
      `${folder} has no train-images-idx3-ubyte or train-images-idx3-ubyte.gz`,
      'data.path names the folder of the idx files',
    );
  }
  const test = await openPart(folder, files, 't10k');
  checkTogether(train, test);
  const numClasses = train.labels.reduce((largest, label) => Math.max(largest, label), 0) + 1;
  return { classes: Array.from({ length: numClasses }, (_, label) => String(label)), train, test };
}

/** The images and labels of one split. */
interface Part extends Collection {
  readonly labels: Uint8Array;
  readonly imagesFile: string;
  readonly labelsFile: string;
  readonly height: number;
  readonly width: number;
}

/** Opens one split; undefined when it has no images. */
async function openPart(
  folder: string,
  files: readonly string[],
  prefix: 'train' | 't10k',
): Promise<Part | undefined> {
  const imagesFile = findFile(files, `${prefix}-images`, 3);
  if (imagesFile === undefined) return undefined;
  const labelsFile = findFile(files, `${prefix}-labels`, 1);
  if (labelsFile === undefined) {
    throw invalid(
      `${folder} has ${imagesFile} but no ${prefix}-labels-idx1-ubyte`,
      'put both files there',
    );
  }
  const [count, height, width, images] = await readIdx3(folder, imagesFile);
  const { shape, data: labels } = await readIdx(folder, labelsFile, 1);
  if (labels.length !== count) {
    throw invalid(
      `${join(folder, labelsFile)} has ${shape[0]} labels for the ${count} images of ${imagesFile}`,
      'use two files of the same set',
    );
  }
  const raw = { height, width, channels: 1 };
  const imageBytes = height * width;
  return {
    labels,
    imagesFile,
    labelsFile,
    height,
    width,
    image(position) {
      const bytes = images.subarray(position * imageBytes, (position + 1) * imageBytes);
      return { name: `${imagesFile}#${position}`, raw, bytes };
    },
  };
}

/** The file of a part, whichever of its usual names it has; a plain one before a gzipped one. */
function findFile(files: readonly string[], part: string, dimensions: 1 | 3): string | undefined {
  const names = [`${part}-idx${dimensions}-ubyte`, `${part}.idx${dimensions}-ubyte`];
  return [...names, ...names.map((name) => `${name}.gz`)].find((name) => files.includes(name));
}

async function readIdx3(
  folder: string,
  file: string,
): Promise<[count: number, height: number, width: number, data: Uint8Array]> {
  const { shape, data } = await readIdx(folder, file, 3);
  const [count = 0, height = 0, width = 0] = shape;
  if (data.length > 0) return [count, height, width, data];
  throw invalid(`${join(folder, file)} has no images`, 'download the file again');
}

/** Reads, unpacks and parses one file. */
async function readIdx(
  folder: string,
  file: string,
  dimensions: 1 | 3,
): Promise<ReturnType<typeof parseIdx>> {
  const path = join(folder, file);
  const array = parseIdx(await readBytes(path), path);
  if (array.shape.length === dimensions) return array;
  throw invalid(
    `${path} has ${array.shape.length} dimensions where ${dimensions} belong`,
    'images have three (count, height, width), labels one',
  );
}

async function readBytes(path: string): Promise<Uint8Array> {
  try {
    // To open a pipe would wait for its writer for ever.
    if (!(await stat(path)).isFile()) throw new Error('it is no file');
    const bytes = await readFile(path);
    if (!path.endsWith('.gz')) return bytes;
    return await promisify(gunzip)(bytes, { maxOutputLength: FILE_BYTES_MAX });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw invalid(`cannot read ${path}: ${reason}`, 'download the file again', error);
  }
}

/** Refuses two splits that one model cannot see. */
function checkTogether(train: Part, test: Part | undefined): void {
  if (test === undefined) return;
  if (test.height !== train.height || test.width !== train.width) {
    throw invalid(
      `${test.imagesFile} has images of ${test.height} x ${test.width} pixels, ${train.imagesFile} of ${train.height} x ${train.width}`,
      'use files of the same set',
    );
  }
  const known = new Set(train.labels);
  const foreign = test.labels.find((label) => !known.has(label));
  if (foreign === undefined) return;
  throw invalid(
    `${test.labelsFile} has label ${foreign}, which ${train.labelsFile} does not have`,
    'use files of the same set',
  );
}

function invalid(sentence: string, hint: string, cause?: unknown): TesseraError {
  return new TesseraError('DATA_INVALID', sentence, { hint, cause });
}
