/** @file The images of one split, as files: named, sized and read by their position. */
import { stat } from 'node:fs/promises';
import { sep } from 'node:path';
import { isShortage, reasonOf, remedyOf } from '../../core/errno.ts';
import { TesseraError } from '../../core/errors.ts';
import { formatBytes } from '../../core/units.ts';
import { rawRealpath, shownName, systemPath } from '../../files/raw-names.ts';
import { readRegularFile } from '../../files/regular-file.ts';
import type { Collection, StoredImage } from './collection.ts';
import { type ImageGroup, isBelow } from './walk/walk.ts';

/** Maximum bytes of an image file: 100 megapixels of noise as PNG. */
export const IMAGE_BYTES_MAX = 256 * 1024 ** 2;

/** Images of one class that lie in one folder, whose path is relative to the set: `train/cat/night`. */
export interface LabelledGroup extends ImageGroup {
  readonly label: number;
}

/** The images of a split, in the order of its groups. */
export function fileCollection(
  groups: readonly LabelledGroup[],
  { root, links }: { readonly root: string; readonly links: 'inside' | 'follow' },
): Collection {
  const count = groups.reduce((sum, { names }) => sum + names.length, 0);
  const labels = new Uint32Array(count);
  const groupOf = new Uint32Array(count);
  const firsts: number[] = [];
  let first = 0;
  for (const [at, { label, names }] of groups.entries()) {
    firsts.push(first);
    labels.fill(label, first, first + names.length);
    groupOf.fill(at, first, first + names.length);
    first += names.length;
  }
  const find = (position: number) => {
    const at = groupOf[position] as number;
    const group = groups[at] as LabelledGroup;
    const place = position - (firsts[at] as number);
    const name = group.names[place] as string;
    const path = group.folder === '' ? name : `${group.folder}/${name}`;
    return { bytes: group.bytes[place] as number, name: path };
  };
  return {
    labels,
    name: (position) => shownName(find(position).name),
    listedBytes: (position) => find(position).bytes,
    bytes: (position) => sizeOf(pathIn(root, find(position).name)),
    image: (position) => readImage(root, find(position).name, links),
  };
}

/** Undefined for a file that cannot be read, or is too large. */
async function sizeOf(path: string): Promise<number> {
  const { size } = await stat(systemPath(path)).catch(() => ({ size: 0 }));
  return size <= IMAGE_BYTES_MAX ? size : 0;
}

/** Reads one file of the set. */
async function readImage(
  root: string,
  name: string,
  links: 'inside' | 'follow',
): Promise<StoredImage> {
  const path = pathIn(root, name);
  try {
    const real = await rawRealpath(path);
    if (links === 'inside' && !isBelow(real, root)) {
      throw new Error('it is now a link that leaves the data set');
    }
    // A file may have been replaced since the set was listed.
    const bytes = await readRegularFile(systemPath(real), IMAGE_BYTES_MAX);
    return { name: shownName(name), raw: undefined, bytes };
  } catch (error) {
    const sentence = `cannot read ${shownName(path)}: ${reasonOf(error)}`;
    // A fault of the machine, possibly transient: not a reason to leave the image out.
    if (isShortage(error)) {
      throw new TesseraError('SYSTEM', sentence, { hint: remedyOf(error), cause: error });
    }
    throw new TesseraError('DATA_INVALID', sentence, {
      hint: `expected a readable image file of at most ${formatBytes(IMAGE_BYTES_MAX)}`,
      cause: error,
    });
  }
}

function pathIn(root: string, name: string): string {
  return root + sep + name.replaceAll('/', sep);
}
