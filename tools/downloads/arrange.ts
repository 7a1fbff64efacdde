/** @file From the files of a published data set to a folder that `data.source` reads. */
import { mkdir, readdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TesseraError } from '../../shared/core/errors.ts';
import { encodePng } from '../../shared/data/pixels/libvips.ts';
import { readRegularFile } from '../../shared/files/regular-file.ts';
import { safeEntryParts } from './entry-names.ts';

/** Reads the unpacked files in `from` and fills `to`, on the same disk; what is not needed stays in `from`. */
export interface Arranging {
  readonly from: string;
  readonly to: string;
  /** The classes that are wanted; all unless given. */
  readonly classes?: readonly string[];
  readonly signal?: AbortSignal;
  readonly onProgress?: (images: number) => void;
}

/** Moves everything; of an archive with one folder around all, what is in that. */
export async function arrangeAsIs({ from, to }: Arranging): Promise<void> {
  const root = await insideOnlyFolder(from);
  for (const name of await readdir(root)) await rename(join(root, name), join(to, name));
}

/** A file of an archive that is read whole: a part of CIFAR-10 has 31 MB. */
const PART_BYTES_MAX = 256 * 1024 ** 2;

const CIFAR_SIDE = 32;
const CIFAR_PIXELS = CIFAR_SIDE * CIFAR_SIDE;
/** A label, then the red, the green and the blue pixels. */
const CIFAR_RECORD_BYTES = 1 + 3 * CIFAR_PIXELS;

/**
 * Writes CIFAR-10's binary version as train/CLASS/NNNNN.png and test/CLASS/NNNNN.png, numbered as in its files.
 *
 * Source  https://www.cs.toronto.edu/~kriz/cifar.html, "Binary version".
 * Throws  DATA_INVALID when a file is missing or has another form.
 */
export async function arrangeCifar10(arranging: Arranging): Promise<void> {
  const root = await insideOnlyFolder(arranging.from);
  const classes = await cifarClasses(root);
  const train = (await readdir(root)).filter((name) => /^data_batch_\d+\.bin$/.test(name)).sort();
  if (train.length === 0) throw unexpected(root, 'has no data_batch_1.bin');
  let images = 0;
  for (const [split, files] of [
    ['train', train],
    ['test', ['test_batch.bin']],
  ] as const) {
    for (const name of classes) await mkdir(join(arranging.to, split, name), { recursive: true });
    let number = 0;
    for (const file of files) {
      const records = await readPart(root, file);
      for (let at = 0; at < records.length; at += CIFAR_RECORD_BYTES) {
        arranging.signal?.throwIfAborted();
        const record = records.subarray(at, at + CIFAR_RECORD_BYTES);
        const name = classes[record[0] as number];
        if (name === undefined || record.length < CIFAR_RECORD_BYTES) {
          throw unexpected(join(root, file), `has a damaged record at byte ${at}`);
        }
        const path = join(arranging.to, split, name, `${String(number).padStart(5, '0')}.png`);
        await writeFile(path, await cifarPng(record));
        number += 1;
        images += 1;
        arranging.onProgress?.(images);
      }
    }
  }
}

/** Moves Food-101's photos to train/CLASS and test/CLASS, as its meta/train.txt and meta/test.txt say. */
export async function arrangeFood101(arranging: Arranging): Promise<void> {
  const { from, to, classes, onProgress, signal } = arranging;
  const root = await insideOnlyFolder(from);
  let images = 0;
  for (const split of ['train', 'test']) {
    const list = join(root, 'meta', `${split}.txt`);
    const lines = (await readPart(root, join('meta', `${split}.txt`))).toString('utf8').split('\n');
    const made = new Set<string>();
    for (const line of lines.map((text) => text.trim()).filter((text) => text !== '')) {
      signal?.throwIfAborted();
      const [name, photo, ...rest] = safeEntryParts(list, line);
      if (name === undefined || photo === undefined || rest.length > 0) {
        throw unexpected(list, `has the line "${line}" , expected CLASS/NUMBER`);
      }
      if (classes?.includes(name) === false) continue;
      if (!made.has(name)) await mkdir(join(to, split, name), { recursive: true });
      made.add(name);
      const source = join(root, 'images', name, `${photo}.jpg`);
      await rename(source, join(to, split, name, `${photo}.jpg`)).catch((cause: unknown) => {
        throw unexpected(source, `is named by ${list} but cannot be moved`, cause);
      });
      images += 1;
      onProgress?.(images);
    }
  }
}

/** Class names in the order of the labels. */
async function cifarClasses(root: string): Promise<readonly string[]> {
  const text = (await readPart(root, 'batches.meta.txt')).toString('utf8');
  const names = text.split('\n').map((line) => line.trim());
  return names
    .filter((name) => name !== '')
    .map((name) => safeEntryParts(join(root, 'batches.meta.txt'), name).join('-'));
}

/** One record's planes of colour as a picture of pixels. */
async function cifarPng(record: Uint8Array): Promise<Uint8Array> {
  const pixels = new Uint8Array(3 * CIFAR_PIXELS);
  for (let pixel = 0; pixel < CIFAR_PIXELS; pixel += 1) {
    for (let channel = 0; channel < 3; channel += 1) {
      pixels[3 * pixel + channel] = record[1 + channel * CIFAR_PIXELS + pixel] as number;
    }
  }
  return await encodePng(pixels, { height: CIFAR_SIDE, width: CIFAR_SIDE, channels: 3 });
}

async function readPart(root: string, name: string): Promise<Buffer> {
  const reading = readRegularFile(join(root, name), PART_BYTES_MAX);
  return await reading
    .then(({ buffer }) => Buffer.from(buffer))
    .catch((cause: unknown) => {
      throw unexpected(root, `has no readable ${name}`, cause);
    });
}

/** Many archives have one folder around everything. */
async function insideOnlyFolder(folder: string): Promise<string> {
  const [only, ...others] = await readdir(folder, { withFileTypes: true });
  if (only === undefined || others.length > 0 || !only.isDirectory()) return folder;
  return only.name === 'train' ? folder : join(folder, only.name);
}

function unexpected(where: string, what: string, cause?: unknown): TesseraError {
  return new TesseraError('DATA_INVALID', `${where} ${what}`, {
    hint: 'the archive is not the one that this data set is published as; check --url',
    cause,
  });
}
