/** @file MNIST-style data sets: idx files of images and labels, plain or gzipped, held in memory. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { errnoOf, reasonOf } from '../../core/errno.ts';
import { TesseraError } from '../../core/errors.ts';
import { openRegularFile, streamOpenFile } from '../../files/regular-file.ts';
import { NOTHING_LEFT_OUT } from '../found.ts';
import type { Collection, DataSet } from './collection.ts';
import { type IdxArray, IdxAssembler } from './idx-format.ts';

/** Maximum bytes of a set, unpacked, all its files together; EMNIST has 0.6 GiB. */
const SET_BYTES_MAX = 1024 ** 3;
/** Maximum images of a split: records of tiny images need more memory than the images. ImageNet-21k has 14 million. */
const IMAGES_MAX = 2 ** 24;
const PIECE_BYTES = 256 * 1024;
/** Most bytes that one byte of a deflated file unpacks to (RFC 1951: 258 of them by a match of two bits). */
const DEFLATE_RATIO_MAX = 1032;

/** A set that is being opened. */
interface OpenSet {
  readonly folder: string;
  readonly files: readonly string[];
  /** The rest of its byte limit. */
  readonly room: { bytes: number };
}

/**
 * Opens train-images-idx3-ubyte and train-labels-idx1-ubyte, and t10k-... if it exists.
 *
 * Throws  DATA_INVALID, naming the file: missing, damaged, or not matching the others.
 */
export async function openIdx(folder: string): Promise<DataSet> {
  const files = await readdir(folder).catch((error: unknown) => {
    const isAbsent = errnoOf(error) === 'ENOENT';
    throw invalid(
      isAbsent
        ? `there is no folder ${folder}`
        : `cannot open the folder ${folder}: ${reasonOf(error)}`,
      'data.path names the folder of the idx files',
      error,
    );
  });
  const set = { folder, files, room: { bytes: SET_BYTES_MAX } };
  const train = await openPart(set, 'train');
  if (train === undefined) {
    throw invalid(
      `${folder} has no train-images-idx3-ubyte or train-images-idx3-ubyte.gz`,
      'data.path names the folder of the idx files',
    );
  }
  const test = await openPart(set, 't10k');
  checkTogether(train, test);
  const numClasses = train.labels.reduce((largest, label) => Math.max(largest, label), 0) + 1;
  return {
    classes: Array.from({ length: numClasses }, (_, label) => String(label)),
    train,
    test,
    found: {
      ...NOTHING_LEFT_OUT,
      from: { train: train.imagesFile, test: test?.imagesFile },
    },
  };
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
async function openPart(set: OpenSet, prefix: 'train' | 't10k'): Promise<Part | undefined> {
  const { folder, files } = set;
  const imagesFile = findFile(files, `${prefix}-images`, 3);
  if (imagesFile === undefined) return undefined;
  const labelsFile = findFile(files, `${prefix}-labels`, 1);
  if (labelsFile === undefined) {
    throw invalid(
      `${folder} has ${imagesFile} but no ${prefix}-labels-idx1-ubyte`,
      'put both files there',
    );
  }
  const [count, height, width, images] = await readIdx3(set, imagesFile);
  const { shape, data: labels } = await readIdx(set, labelsFile, 1);
  if (labels.length !== count) {
    throw invalid(
      `${join(folder, labelsFile)} has ${shape[0]} labels for the ${count} images of ${imagesFile}`,
      'use two files of the same set',
    );
  }
  const raw = { height, width, channels: 1 };
  const imageBytes = height * width;
  // Packed or not, it is the same image: sets of two machines are compared by names.
  const nameOf = (position: number) => `${imagesFile.replace(/\.gz$/, '')}#${position}`;
  return {
    labels,
    imagesFile,
    labelsFile,
    height,
    width,
    name: nameOf,
    listedBytes: () => imageBytes,
    image(position) {
      const bytes = images.subarray(position * imageBytes, (position + 1) * imageBytes);
      return { name: nameOf(position), raw, bytes };
    },
  };
}

/** The file of a part, whichever of its usual names it has; a plain one before a gzipped one. */
function findFile(files: readonly string[], part: string, dimensions: 1 | 3): string | undefined {
  const names = [`${part}-idx${dimensions}-ubyte`, `${part}.idx${dimensions}-ubyte`];
  return [...names, ...names.map((name) => `${name}.gz`)].find((name) => files.includes(name));
}

async function readIdx3(
  set: OpenSet,
  file: string,
): Promise<[count: number, height: number, width: number, data: Uint8Array]> {
  const { shape, data } = await readIdx(set, file, 3);
  const [count = 0, height = 0, width = 0] = shape;
  const path = join(set.folder, file);
  if (data.length === 0) throw invalid(`${path} has no images`, 'download the file again');
  if (count <= IMAGES_MAX) return [count, height, width, data];
  throw invalid(
    `${path} has ${count} images, more than ${IMAGES_MAX}`,
    'use image files for a larger set, with data.source: image-folder',
  );
}

/** Reads, unpacks and parses one file; its size is subtracted from the set's `room`. */
async function readIdx(
  { folder, room }: OpenSet,
  file: string,
  dimensions: 1 | 3,
): Promise<IdxArray> {
  const path = join(folder, file);
  const array = await readArray(path, room.bytes);
  room.bytes -= array.data.length;
  if (array.shape.length === dimensions) return array;
  throw invalid(
    `${path} has ${array.shape.length} dimensions, expected ${dimensions}`,
    'images have three (count, height, width), labels one',
  );
}

async function readArray(path: string, bytesMax: number): Promise<IdxArray> {
  let refusal: unknown;
  try {
    const file = await openRegularFile(path);
    // A header may claim more bytes than its file can hold.
    const holdsMax = path.endsWith('.gz') ? file.size * DEFLATE_RATIO_MAX : file.size;
    const assembler = new IdxAssembler(path, bytesMax, holdsMax);
    const take = async (pieces: AsyncIterable<Uint8Array>) => {
      try {
        for await (const piece of pieces) assembler.add(piece);
      } catch (error) {
        refusal = error;
        throw error;
      }
    };
    const source = streamOpenFile(file, { highWaterMark: PIECE_BYTES });
    if (path.endsWith('.gz')) {
      const gunzip = createGunzip({ chunkSize: PIECE_BYTES });
      await pipeline(source, gunzip, take);
      // Zeros after the last member count as padding, and would hide data after them.
      if (gunzip.bytesWritten !== source.bytesRead) throw new Error('it has data after its end');
    } else await pipeline(source, take);
    return assembler.finish();
  } catch (thrown) {
    // Our own error interrupts the reading; it is the reason.
    const error = refusal ?? thrown;
    if (error instanceof TesseraError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw invalid(`cannot read ${path}: ${reason}`, 'download the file again', error);
  }
}

/** Refuses two splits with images of different sizes or labels. */
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
