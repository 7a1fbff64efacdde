/** @file The images that a command line names: files, folders of them, stdin. */
import type { Dirent } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';
import { TesseraError } from '../shared/core/errors.ts';
import { IMAGE_BYTES_MAX } from '../shared/data/image-folder.ts';
import { readWholeFile } from '../shared/host/files.ts';

/** An image to be read. */
export interface ImageInput {
  /** Its path, or `stdin`. */
  readonly name: string;
  /** Throws  DATA_INVALID when it cannot be read. */
  read(): Promise<Uint8Array>;
}

const IMAGE_FILE = /\.(?:jpe?g|png|webp)$/i;
/** Images of one command: more are a data set, for `tessera eval`. */
const IMAGES_MAX = 100_000;

/**
 * Finds the images: a folder is searched with all below it, in the order of names; `-` is stdin.
 *
 * Throws  DATA_INVALID when a folder holds none, or too many.
 */
export async function findImages(names: readonly string[]): Promise<ImageInput[]> {
  const inputs: ImageInput[] = [];
  for (const name of names) {
    if (name === '-') inputs.push({ name: 'stdin', read: readStdin });
    else if ((await stat(name).catch(() => undefined))?.isDirectory()) {
      for (const path of await imagesIn(name)) inputs.push(fileInput(path));
    } else inputs.push(fileInput(name));
  }
  if (inputs.length <= IMAGES_MAX) return inputs;
  throw new TesseraError('DATA_INVALID', `${inputs.length} images are more than ${IMAGES_MAX}`, {
    hint: 'give fewer at a time',
  });
}

/** A file name for the picture of each image: its own, with a number where another has it. */
export function pictureNames(inputs: readonly ImageInput[]): string[] {
  const taken = new Set<string>();
  return inputs.map(({ name }) => {
    const stem = basename(name, extname(name));
    let free = `${stem}.png`;
    for (let number = 2; taken.has(free.toLowerCase()); number += 1) free = `${stem}-${number}.png`;
    taken.add(free.toLowerCase());
    return free;
  });
}

function fileInput(path: string): ImageInput {
  return { name: path, read: () => readWholeFile(path, { bytesMax: IMAGE_BYTES_MAX }) };
}

async function imagesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true });
  const isImage = (entry: Dirent) => entry.isFile() && IMAGE_FILE.test(entry.name);
  const paths = entries.filter(isImage).map((entry) => join(entry.parentPath, entry.name));
  if (paths.length > 0) return paths.sort();
  throw new TesseraError('DATA_INVALID', `the folder ${folder} holds no image`, {
    hint: 'images are files whose name ends in .jpg, .jpeg, .png or .webp',
  });
}

async function readStdin(): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of process.stdin as AsyncIterable<Uint8Array>) {
    bytes += piece.length;
    if (bytes > IMAGE_BYTES_MAX)
      throw new TesseraError('DATA_INVALID', 'stdin is no image: too long');
    pieces.push(piece);
  }
  return Buffer.concat(pieces, bytes);
}
