/** @file The images that a command line names: files, folders of them, stdin. */
import { stat } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';
import { readSettings, settingOf } from '../../shared/config/settings.ts';
import { TesseraError } from '../../shared/core/errors.ts';
import { type LeftOut, leftOutText, remedies } from '../../shared/data/found.ts';
import type { DataConfig } from '../../shared/data/options.ts';
import { IMAGE_BYTES_MAX } from '../../shared/data/sets/image-folder.ts';
import { Tally } from '../../shared/data/sets/walk/tally.ts';
import { Walk } from '../../shared/data/sets/walk/walk.ts';
import { cannotRead, readWholeFile } from '../../shared/files/files.ts';
import { DECODABLE_NAMES } from '../../shared/files/image-kind.ts';
import { isText, rawRealpath, shownName, systemPath } from '../../shared/files/raw-names.ts';
import { readRegularFile } from '../../shared/files/regular-file.ts';
import type { ImageInput } from './predict.ts';

/** The images that were found, and counts of what was passed over in folders. */
export interface FoundImages {
  readonly inputs: readonly ImageInput[];
  readonly leftOut: readonly LeftOut[];
}

/** Images of one command: more are a data set, for `tessera eval`. */
const IMAGES_MAX = 100_000;

/**
 * Finds the images: a folder is searched with all below it, by content and in the order of names; `-` is stdin.
 * `set` are texts of `--set`: `data.links=follow` takes links out of a folder.
 *
 * Throws  DATA_INVALID when a folder holds none, or too many.
 */
export async function findImages(
  names: readonly string[],
  set: readonly string[] = [],
): Promise<FoundImages> {
  const links = linksIn(set);
  const inputs: ImageInput[] = [];
  const tally = new Tally();
  for (const name of names) {
    if (name === '-') inputs.push({ name: 'stdin', read: readStdin });
    else if ((await stat(name).catch(() => undefined))?.isDirectory()) {
      for (const input of await imagesIn(name, { tally, links })) inputs.push(input);
    } else inputs.push(fileInput(name));
  }
  if (inputs.length <= IMAGES_MAX) return { inputs, leftOut: tally.list() };
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

type Links = DataConfig['links'];

/** What `--set data.links` says; a value that it does not know is refused where the model is opened. */
function linksIn(set: readonly string[]): Links {
  const found = settingOf(['data', 'links'], readSettings(set, 'flag').settings);
  return found?.value === 'follow' ? 'follow' : 'inside';
}

/** A path may hold bytes that are not text, see `RawEntry`. */
function fileInput(path: string): ImageInput {
  const name = isText(path) ? path : shownName(path);
  const read = async () => {
    if (isText(path)) return await readWholeFile(path, { bytesMax: IMAGE_BYTES_MAX });
    return await readRegularFile(systemPath(path), IMAGE_BYTES_MAX).catch((cause: unknown) => {
      throw cannotRead(name, cause);
    });
  };
  return { name, read };
}

/** The images below a folder, in the order of their paths; what is passed over is counted. */
async function imagesIn(
  folder: string,
  { tally, links }: { readonly tally: Tally; readonly links: Links },
): Promise<ImageInput[]> {
  const root = await rawRealpath(folder);
  const walk = new Walk({ root, links, onFault: 'count' });
  const own = new Tally();
  const paths = (await walk.images(walk.root, own)).flatMap((group) =>
    group.names.map((name) => join(folder, ...group.folder.split('/'), name)),
  );
  tally.addAll(own);
  if (paths.length > 0) return paths.sort().map((path) => fileInput(path));
  const leftOut = own.list();
  throw new TesseraError(
    'DATA_INVALID',
    `the folder ${folder} holds no readable image${leftOutText(leftOut)}`,
    { hint: remedies(leftOut)[0] ?? `images are files that hold ${DECODABLE_NAMES}` },
  );
}

async function readStdin(): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of process.stdin as AsyncIterable<Uint8Array>) {
    bytes += piece.length;
    if (bytes > IMAGE_BYTES_MAX)
      throw new TesseraError('DATA_INVALID', 'stdin is not an image: too long');
    pieces.push(piece);
  }
  return Buffer.concat(pieces, bytes);
}
