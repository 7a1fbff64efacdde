/**
 * @file A folder of images: train/CLASS/FILE with val/CLASS/FILE and test/CLASS/FILE, or CLASS/FILE alone; or files named
 * CLASS_NUMBER.
 *
 * Folders are listed once, at the start. The images are read one by one, on request, and by
 * index: a name from outside never becomes a path.
 */
import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { errnoOf, reasonOf } from '../../core/errno.ts';
import { TesseraError } from '../../core/errors.ts';
import { formatCount } from '../../core/units.ts';
import { rawRealpath, shownName, systemPath } from '../../files/raw-names.ts';
import { leftOutText, remedies } from '../found.ts';
import type { Collection, DataSet } from './collection.ts';
import { fileCollection, type LabelledGroup } from './files.ts';
import { findLayout, type SplitFolder } from './layout.ts';
import { classNames } from './layout-refusals.ts';
import type { ClassFolder } from './name-classes.ts';
import { sameSpelling, splitOf } from './walk/rules.ts';
import { Tally } from './walk/tally.ts';
import { type ImageGroup, imageGroup, Walk } from './walk/walk.ts';

export { IMAGE_BYTES_MAX } from './files.ts';

/** Maximum classes without a readable image that are named one by one. */
const UNREADABLE_MAX = 8;

/**
 * Lists an image folder: classes and files sorted by name.
 *
 * Throws  DATA_INVALID, naming the folder or file: missing, no classes, a class without images, a test
 *         class that is not trained, a link that leaves the set.
 */
export async function openImageFolder(
  path: string,
  links: 'inside' | 'follow' = 'inside',
): Promise<DataSet> {
  const root = await rawRealpath(path).catch((error: unknown) => {
    const isAbsent = errnoOf(error) === 'ENOENT';
    throw invalid(
      isAbsent
        ? `there is no folder ${path}`
        : `cannot open the folder ${path}: ${reasonOf(error)}`,
      'data.path names the folder of the data set; if it has moved: --set data.path=FOLDER',
      error,
    );
  });
  if ((await stat(systemPath(root)).catch(() => undefined))?.isDirectory() === false) {
    throw invalid(
      `${path} is not a folder`,
      'data.path must be the folder above the classes or splits',
    );
  }
  const walk = new Walk({ root, links, onFault: 'refuse' });
  const tally = new Tally();
  const layout = await findLayout(walk, tally);
  const { train, validation, test } = layout;
  const classes = classNames(train.classes);
  refuseShared([train, validation, test]);
  let damaged = 0;
  let closed = 0;
  const unreadable: string[] = [];
  let same: readonly string[] = [];
  const open = async (split: SplitFolder | undefined): Promise<Collection | undefined> => {
    if (split === undefined) return undefined;
    const groups: LabelledGroup[] = [];
    for (const folder of split.classes) {
      const label = train.classes.findIndex(({ name }) => name === folder.name);
      const own = await imagesOfClass(walk, { folder, label, split: split.name }, tally);
      groups.push(...own);
      unreadable.push(...unreadableClass(folder.path, own));
    }
    damaged += sum(groups, 'damaged');
    closed += sum(groups, 'closed');
    if (split === train) {
      refuseUnreadable(root, groups, classes);
      same = sameFolders(groups, split.name, classes.length);
    }
    return fileCollection(groups, { root, links });
  };
  const collections = {
    train: (await open(train)) as Collection,
    validation: await open(validation),
    test: await open(test),
  };
  return {
    classes,
    ...collections,
    found: {
      from: {
        train: train.name === '' ? undefined : train.name,
        validation: validation?.name,
        test: test?.name,
      },
      leftOut: tally.list(),
      notes: [
        ...layout.notes,
        ...lonelyClass(train.classes),
        ...twinClasses(train.classes),
        ...same,
        ...damagedImages(damaged),
        ...closedImages(closed),
        ...(unreadable.length > UNREADABLE_MAX
          ? [`${formatCount(unreadable.length)} classes have no readable image`]
          : unreadable),
      ],
    },
  };
}

async function imagesOfClass(
  walk: Walk,
  { folder, label, split }: { folder: ClassFolder; label: number; split: string },
  total: Tally,
): Promise<LabelledGroup[]> {
  if (folder.images !== undefined) return [{ ...imageGroup(split, folder.images), label }];
  const tally = new Tally();
  const found = await walk.images(folder, tally);
  const shown = shownName(folder.path);
  const above = split === '' ? folderAboveTrain(found) : undefined;
  if (above !== undefined) {
    const inner = shownName([folder.path, ...above].join('/'));
    const isPlain = /^[\w./@,+-]+$/.test(inner);
    const setting = isPlain
      ? `data.path=${inner}`
      : `'data.path=${inner.replaceAll("'", "'\\''")}'`;
    throw invalid(
      `class folder ${inner} contains a train folder: data.path is ${above.length === 0 ? 'one folder' : `${above.length + 1} folders`} too high`,
      `the data set is that folder: --set ${setting}`,
    );
  }
  total.addAll(tally);
  if (found.length > 0) {
    const base = split === '' ? folder.name : `${split}/${folder.name}`;
    return found.map((group) => ({
      ...group,
      label,
      folder: group.folder === '' ? base : `${base}/${group.folder}`,
    }));
  }
  const leftOut = tally.list();
  const holds = leftOut.length === 0 ? ': it is empty' : leftOutText(leftOut);
  throw invalid(
    `class folder ${shown} has no readable images${holds}`,
    remedies(leftOut)[0] ??
      'put images into it, or remove it; the data set is the folder above the classes',
  );
}

/** The path down to a folder that holds a training folder and no images; `undefined` if there is none. */
function folderAboveTrain(groups: readonly ImageGroup[]): readonly string[] | undefined {
  if (groups.some(({ folder }) => folder === '')) return undefined;
  for (const { folder } of groups) {
    const parts = folder.split('/');
    const at = parts.findIndex((part) => splitOf(part) === 'train');
    if (at >= 0) return parts.slice(0, at);
  }
  return undefined;
}

/** Refuses splits that share a folder through links: training images must not test. */
function refuseShared(splits: readonly (SplitFolder | undefined)[]): void {
  const owners = new Map<string, { readonly split: SplitFolder; readonly path: string }>();
  for (const split of splits) {
    for (const { path: own, chain, images } of split?.classes ?? []) {
      const path = images === undefined ? own : dirname(own);
      const owner = owners.get(chain.real);
      if (owner !== undefined && split !== owner.split) {
        throw invalid(
          `${shownName(path)} and ${shownName(owner.path)} are one folder: its images would be in two splits`,
          'remove the link, or point it to other images',
        );
      }
      if (split !== undefined) owners.set(chain.real, { split, path });
    }
  }
}

/** A single class is useless, and usually a path that is one folder too high. */
function lonelyClass(classes: readonly ClassFolder[]): string[] {
  const [only] = classes;
  if (classes.length !== 1 || only === undefined) return [];
  return [
    `there is a single class, ${shownName(only.name)}; if its folders are the classes, data.path is one folder too high`,
  ];
}

/** Files that are images by name only are samples: `data.onBadImage` decides about them. */
function damagedImages(count: number): string[] {
  if (count === 0) return [];
  return count === 1
    ? ['1 of them is not an image in spite of its name: it counts as unreadable']
    : [
        `${formatCount(count)} of them are not images in spite of their names: they count as unreadable`,
      ];
}

/** Files that cannot be opened count as unreadable too; they are images by name only. */
function closedImages(count: number): string[] {
  if (count === 0) return [];
  const [files, they] =
    count === 1 ? ['1 of them', 'it counts'] : [`${formatCount(count)} of them`, 'they count'];
  return [`${files} cannot be opened, usually for lack of permission: ${they} as unreadable`];
}

/** Reports a class without a readable image, which is neither trained nor tested. */
function unreadableClass(path: string, groups: readonly ImageGroup[]): string[] {
  const count = groups.reduce((all, { names }) => all + names.length, 0);
  if (sum(groups, 'damaged') + sum(groups, 'closed') < count) return [];
  return [`none of the images in ${shownName(path)} can be read`];
}

const sum = (groups: readonly ImageGroup[], what: 'damaged' | 'closed') =>
  groups.reduce((all, group) => all + group[what], 0);

/** Refuses a set of which at most one class can be read: there would be nothing to distinguish. */
function refuseUnreadable(
  root: string,
  groups: readonly LabelledGroup[],
  classes: readonly string[],
): void {
  const readable = groups.filter((group) => group.damaged + group.closed < group.names.length);
  const labels = new Set(readable.map(({ label }) => label));
  if (classes.length < 2 || labels.size > 1) return;
  const [only] = labels;
  const what = only === undefined ? '' : ` outside of the class ${classes[only]}`;
  const hint =
    sum(groups, 'closed') > sum(groups, 'damaged')
      ? 'make the files readable for this user'
      : 'open one of them with another program; copy or download them again if that cannot show it either';
  throw invalid(`none of the images in ${shownName(root)}${what} can be read`, hint);
}

/** Classes that differ only in capitals, spaces or the coding of accents, which look the same. */
function twinClasses(classes: readonly ClassFolder[]): string[] {
  const known = new Map<string, string>();
  const notes: string[] = [];
  for (const { name } of classes) {
    const spelling = sameSpelling(name);
    const twin = known.get(spelling);
    known.set(spelling, name);
    if (twin === undefined) continue;
    const [one, other] = [shownName(twin), shownName(name)];
    notes.push(
      `the classes "${one}" and "${other}" differ only in capitals, spaces or the coding of accents`,
    );
  }
  return notes;
}

/** If every class holds the same folders and no images beside them, those may be the classes. */
function sameFolders(
  groups: readonly LabelledGroup[],
  split: string,
  numClasses: number,
): string[] {
  const inner = new Map<number, Set<string>>();
  const depth = split === '' ? 1 : split.split('/').length + 1;
  for (const { label, folder } of groups) {
    const name = folder.split('/')[depth];
    if (name === undefined) return [];
    inner.set(label, (inner.get(label) ?? new Set()).add(name));
  }
  const sets = new Set([...inner.values()].map((names) => [...names].sort().join('/')));
  const [names] = inner.values();
  if (numClasses < 2 || sets.size !== 1 || names === undefined || names.size < 2) return [];
  const some = [...names].slice(0, 5).map(shownName).join(', ');
  return [
    `each class holds the same folders, ${some}${names.size > 5 ? ' and others' : ''}: if those are the classes, put them into one folder train`,
  ];
}

function invalid(sentence: string, hint: string, cause?: unknown): TesseraError {
  return new TesseraError('DATA_INVALID', sentence, { hint, cause });
}
