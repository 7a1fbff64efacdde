/** @file The folder that `data.validation` names: one of the set, or another one with the same classes. */
import { realpath } from 'node:fs/promises';
import { join, resolve, sep } from 'node:path';
import { TesseraError } from '../../core/errors.ts';
import type { DataConfig } from '../options.ts';
import type { Collection, DataSet } from './collection.ts';
import { openImageFolder } from './image-folder.ts';

/** Where a named folder is searched. */
interface Place {
  /** As the config gives it. */
  readonly name: string;
  /** The folder of the data set; a name is searched there first. */
  readonly folder: string;
  /** What else a path is relative to. */
  readonly baseFolder: string;
  readonly links: DataConfig['links'];
}

/**
 * A set with the named folder as its validation split.
 *
 * Throws  CONFIG_INVALID when there is no such folder, or its images already train or test; DATA_INVALID when it is
 *         invalid, or has classes that are not trained.
 */
export async function withValidation(set: DataSet, place: Place): Promise<DataSet> {
  const { name } = place;
  const { from } = set.found;
  const root = await realpath(place.folder);
  const found = await find(place);
  const isFrom = async (split: string) => {
    const folder = from[split];
    if (folder === undefined) return false;
    // The classes may be deeper: val/images is found for val.
    const [top = folder] = folder.split('/');
    if (top.toLowerCase() === name.toLowerCase()) return true;
    return found !== undefined && found === (await real(join(root, top)));
  };
  if (set.validation !== undefined && (await isFrom('validation'))) return set;
  for (const split of ['train', 'test']) {
    if (await isFrom(split)) throw refused(`${name} is the ${split} split already`);
  }
  const path = existing(found, place);
  const isInside = path === root || path.startsWith(root + sep);
  if (isInside && from['train'] === undefined) {
    throw refused(
      `the images of ${name} would train too, since the classes are in ${root} itself`,
      'move the training classes into a folder train/ beside it, or give a share such as 0.1',
    );
  }
  for (const split of ['train', 'test']) {
    const folder = await real(join(root, from[split] ?? '.'));
    if (from[split] === undefined || !path.startsWith(`${folder}${sep}`)) continue;
    throw refused(`the images of ${name} belong to the ${split} split already`);
  }
  const other = await openImageFolder(path, place.links);
  if (other.test !== undefined || other.validation !== undefined) {
    throw refused(`${path} is a data set that has splits`, 'name the folder above the classes');
  }
  const leftOut = set.found.leftOut.filter(({ what }) => !(isInside && what === `in ${name}`));
  return {
    ...set,
    validation: relabelled(other, set.classes, name),
    found: {
      ...set.found,
      from: { ...from, validation: name },
      leftOut: [...leftOut, ...other.found.leftOut],
      notes: [...set.found.notes, ...other.found.notes, ...missingClasses(set, other, name)],
    },
  };
}

async function find({ name, folder, baseFolder }: Place): Promise<string | undefined> {
  return (await real(resolve(folder, name))) ?? (await real(resolve(baseFolder, name)));
}

function real(path: string): Promise<string | undefined> {
  return realpath(path).catch(() => undefined);
}

function existing(found: string | undefined, { name, folder, baseFolder }: Place): string {
  if (found !== undefined) return found;
  throw refused(
    `there is no folder ${name}, neither in ${folder} nor in ${baseFolder}`,
    'name a folder with the classes in it, or give a share of the training images such as 0.1',
  );
}

/** The images of another folder, labelled by the names of our classes. */
function relabelled(
  { train, classes: theirs }: DataSet,
  classes: readonly string[],
  name: string,
): Collection {
  const foreign = theirs.find((theirName) => !classes.includes(theirName));
  if (foreign !== undefined) {
    throw new TesseraError(
      'DATA_INVALID',
      `class ${foreign} of ${name} is not among the training classes`,
      { hint: `training has ${classes.join(', ')}` },
    );
  }
  const labels = Uint32Array.from(train.labels, (label) => classes.indexOf(theirs[label] ?? ''));
  // Samples that differ must have names that differ.
  const nameOf = (position: number) => `${name}/${train.name(position)}`;
  return {
    ...train,
    labels,
    name: nameOf,
    image: async (position) => ({ ...(await train.image(position)), name: nameOf(position) }),
  };
}

/** Reports the classes that the validation images lack. */
function missingClasses(
  { classes }: DataSet,
  { classes: theirs }: DataSet,
  name: string,
): string[] {
  const missing = classes.filter((known) => !theirs.includes(known));
  if (missing.length === 0) return [];
  const more = missing.length > 10 ? ` and ${missing.length - 10} more` : '';
  return [`${name} has no folder of ${missing.slice(0, 10).join(', ')}${more}, which are trained`];
}

function refused(
  sentence: string,
  hint = 'name another folder, or give a share such as 0.1',
): TesseraError {
  return new TesseraError('CONFIG_INVALID', `data.validation: ${sentence}`, { hint });
}
