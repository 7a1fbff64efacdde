/** @file Which folders of a data set are its splits and which its classes. */
import { shownName } from '../../files/raw-names.ts';
import {
  partlyNamed,
  refuseForeign,
  refuseHintedSplits,
  refuseSplitsWithoutTrain,
  refuseTwins,
  someNames,
  withoutClasses,
} from './layout-refusals.ts';
import {
  type ClassFolder,
  classesInNames,
  namedFolders,
  whyNotNamed,
  whyUnnamed,
} from './name-classes.ts';
import { isExactSplit, isPlainName, type SplitName, sameSpelling, splitOf } from './walk/rules.ts';
import { LOOSE, Tally } from './walk/tally.ts';
import type { Listing, Walk, WalkFolder } from './walk/walk.ts';

/** A folder of classes. */
export interface SplitFolder {
  /** Its path relative to the set; '' for the set itself. */
  readonly name: string;
  readonly classes: readonly ClassFolder[];
}

/** The splits of a data set. */
export interface Layout {
  readonly train: SplitFolder;
  readonly validation?: SplitFolder;
  readonly test?: SplitFolder;
  readonly notes: readonly string[];
}

/**
 * Finds the splits and their folders of classes: train/CLASS, or CLASS alone; or their images named CLASS_NUMBER. What
 * lies beside them is counted.
 *
 * Throws  DATA_INVALID, naming the folders: two for one split, none of classes, splits without one to train on.
 */
export async function findLayout(walk: Walk, tally: Tally): Promise<Layout> {
  const top = await listOf(walk, walk.root, tally);
  const splits = splitFolders(top.folders);
  const trains = splits.get('train') ?? [];
  const trainLists: [WalkFolder, Seen][] = [];
  for (const folder of trains) trainLists.push([folder, await listOf(walk, folder)]);
  const withClasses = trainLists.filter(([, { folders }]) => folders.length > 0);
  if (withClasses.length > 0) {
    tally.add(LOOSE, top.images.length);
    const [folder, seen] = withClasses[0] as [WalkFolder, Seen];
    const train = await descend(walk, { folder, at: folder.name, seen }, 2);
    return await splitLayout(walk, { top, splits, trainFolder: folder, train }, tally);
  }
  const [first] = trainLists;
  const areSplits = top.folders.every(({ name }) => splitOf(name) !== undefined);
  // Without another split, train may be a class: bus, plane and train.
  if (first !== undefined && (areSplits || splits.size > 1)) {
    const [folder, seen] = first;
    const named = withNames(folder, seen);
    if (named !== undefined) {
      tally.add(LOOSE, top.images.length);
      const train = { folder, at: folder.name, seen: named };
      return await splitLayout(walk, { top, splits, trainFolder: folder, train }, tally);
    }
  }
  await refuseSplitsWithoutTrain(walk, top, first);
  if (top.folders.length === 0) {
    const named = withNames(walk.root, top);
    if (named === undefined) throw withoutClasses(walk.root, top);
    return { train: { name: '', classes: named.folders }, notes: [nameNote(named.folders)] };
  }
  await refuseHintedSplits(walk, top.folders);
  tally.add(LOOSE, top.images.length);
  return {
    train: { name: '', classes: top.folders },
    notes: top.folders
      .filter(({ name }) => isPlainName(name))
      .map(
        ({ name }) =>
          `the folder ${shownName(name)} is used as a class${splitOf(name) === undefined ? '' : ': there is no train/CLASS'}`,
      ),
  };
}

/** The contents of a folder, and its counts, which may still be replaced. */
interface Seen extends Listing {
  readonly folders: readonly ClassFolder[];
  readonly tally: Tally;
}

async function listOf(walk: Walk, folder: WalkFolder, into?: Tally): Promise<Seen> {
  const tally = into ?? new Tally();
  return { ...(await walk.list(folder, tally)), tally };
}

/** What a folder of images to train on holds by their names; undefined if those do not have the classes. */
function withNames(folder: WalkFolder, seen: Seen): Seen | undefined {
  const found = classesInNames(seen.images);
  if (whyNotNamed(found) !== undefined) return undefined;
  return { ...seen, folders: namedFolders(folder, found), images: [] };
}

/** What another split holds by the names of its images, if it has no folders. Throws  DATA_INVALID where only some have one. */
function asNamed(folder: WalkFolder, seen: Seen): Seen {
  const found = classesInNames(seen.images);
  if (seen.folders.length > 0 || found.classes.size === 0) return seen;
  const reason = whyUnnamed(found);
  if (reason !== undefined) throw partlyNamed(folder, reason);
  return { ...seen, folders: namedFolders(folder, found), images: [] };
}

function nameNote(classes: readonly ClassFolder[]): string {
  return `classes are taken from the file names: ${someNames(classes)}`;
}

/** A folder of a split, or the one folder in it that holds the classes: train/images. */
interface Place {
  readonly folder: WalkFolder;
  /** Its path relative to the set. */
  readonly at: string;
  readonly seen: Seen;
}

/** Maximum number of folders between a split and its classes. */
const BETWEEN_MAX = 4;

/** Descends while a split holds a single folder that is not a class by `isClass` and holds folders itself. */
async function descend(
  walk: Walk,
  place: Place,
  foldersMin: number,
  isClass: (name: string) => boolean = () => false,
): Promise<Place> {
  let found = place;
  let last = place;
  for (let depth = 0; depth < BETWEEN_MAX; depth += 1) {
    const [only, ...others] = last.seen.folders;
    if (only === undefined || others.length > 0 || last.seen.images.length > 0) break;
    if (only.images !== undefined || isClass(only.name)) break;
    const tally = new Tally();
    tally.addAll(last.seen.tally);
    const seen = await listOf(walk, only, tally);
    last = { folder: only, at: `${last.at}/${only.name}`, seen };
    if (seen.folders.length >= foldersMin) found = last;
  }
  return found;
}

async function splitLayout(
  walk: Walk,
  {
    top,
    splits,
    trainFolder,
    train,
  }: {
    readonly top: Seen;
    readonly splits: ReadonlyMap<SplitName, readonly WalkFolder[]>;
    readonly trainFolder: WalkFolder;
    readonly train: Place;
  },
  tally: Tally,
): Promise<Layout> {
  refuseTwins(splits);
  const isNamed = train.seen.folders[0]?.images !== undefined;
  const notes = isNamed ? [nameNote(train.seen.folders)] : [];
  const others: Partial<Record<'validation' | 'test', SplitFolder>> = {};
  tally.addAll(train.seen.tally);
  tally.add(LOOSE, train.seen.images.length);
  const trained = train.seen.folders;
  const isTrained = (name: string) =>
    trained.some((known) => sameSpelling(known.name) === sameSpelling(name));
  for (const folder of top.folders) {
    if (folder === trainFolder) continue;
    const shown = shownName(folder.name);
    const split = splitOf(folder.name);
    if (split === undefined || split === 'train' || !splits.get(split)?.includes(folder)) {
      await walk.countAll(folder, tally, {
        what: `in ${shown}`,
        why: 'neither train, val nor test',
      });
      continue;
    }
    const listed = await listOf(walk, folder);
    const first = { folder, at: folder.name, seen: isNamed ? asNamed(folder, listed) : listed };
    const { at, seen } = await descend(walk, first, 1, isTrained);
    if (await isUnlabelled(walk, seen, isTrained)) {
      const why = isNamed ? 'its file names begin with no class' : 'it has no folders of classes';
      notes.push(...(await leaveOut(walk, { folder, at, seen }, why, tally)));
      continue;
    }
    tally.addAll(seen.tally);
    tally.add(LOOSE, seen.images.length);
    refuseForeign(folder, seen.folders, trainFolder, trained);
    notes.push(...missingClasses(folder, seen.folders, trainFolder, trained));
    others[split] = { name: at, classes: seen.folders };
  }
  return { train: { name: train.at, classes: trained }, ...others, notes };
}

/** Reports the classes that a split lacks. */
function missingClasses(
  split: WalkFolder,
  classes: readonly ClassFolder[],
  trainFolder: WalkFolder,
  trained: readonly ClassFolder[],
): string[] {
  const known = new Set(classes.map(({ name }) => name));
  const missing = trained.filter(({ name }) => !known.has(name));
  if (missing.length === 0) return [];
  const [has, lacks] = [shownName(trainFolder.name), shownName(split.name)];
  return [`${lacks} has no images of ${someNames(missing)}, which ${has} has`];
}

/** Counts the images of a split without classes; a split without images is reported. */
async function leaveOut(
  walk: Walk,
  { folder, seen }: Place,
  why: string,
  tally: Tally,
): Promise<string[]> {
  const shown = shownName(folder.name);
  tally.addAll(seen.tally);
  let images = seen.images.length;
  for (const inner of seen.folders) images += (await listOf(walk, inner, tally)).images.length;
  tally.add({ what: `in ${shown}`, why }, images);
  return images === 0 ? [`the folder ${shown} is not used: ${why}`] : [];
}

/** Whether a split has no classes: images alone, or one folder of images with a generic name, such as test/images. */
async function isUnlabelled(
  walk: Walk,
  { folders }: Seen,
  isTrained: (name: string) => boolean,
): Promise<boolean> {
  const [only, ...others] = folders;
  if (only === undefined) return true;
  if (others.length > 0 || isTrained(only.name) || !isPlainName(only.name)) return false;
  return (await listOf(walk, only)).folders.length === 0;
}

/** The folders with names of splits, by split. */
function splitFolders(folders: readonly WalkFolder[]): ReadonlyMap<SplitName, WalkFolder[]> {
  const splits = new Map<SplitName, WalkFolder[]>();
  for (const folder of folders) {
    const split = splitOf(folder.name);
    if (split !== undefined) splits.set(split, [...(splits.get(split) ?? []), folder]);
  }
  for (const [split, named] of splits) {
    const exact = named.filter(({ name }) => isExactSplit(name));
    if (exact.length > 0) splits.set(split, exact);
  }
  return splits;
}
