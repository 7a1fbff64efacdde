/** @file Which folders of a data set are its splits and which its classes. */
import { TesseraError } from '../../core/errors.ts';
import { isText, shownName } from '../../host/raw-names.ts';
import { type SplitName, sameSpelling, splitOf } from './rules.ts';
import { LOOSE, Tally } from './tally.ts';
import type { Listing, Walk, WalkFolder } from './walk.ts';

/** A folder of classes. */
export interface SplitFolder {
  /** Its path relative to the set; '' for the set itself. */
  readonly name: string;
  readonly classes: readonly WalkFolder[];
}

/** The splits of a data set. */
export interface Layout {
  readonly train: SplitFolder;
  readonly validation?: SplitFolder;
  readonly test?: SplitFolder;
  readonly notes: readonly string[];
}

/**
 * Finds the splits and their folders of classes: train/CLASS, or CLASS alone. What lies beside them is counted.
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
    refuseTwins(splits);
    tally.add(LOOSE, top.images.length);
    return await splitLayout(walk, top, withClasses[0] as [WalkFolder, Seen], tally);
  }
  await refuseSplitsWithoutTrain(walk, top, trains);
  if (top.folders.length === 0) throw withoutClasses(walk.root);
  tally.add(LOOSE, top.images.length);
  return {
    train: { name: '', classes: top.folders },
    notes: top.folders
      .filter(({ name }) => splitOf(name) !== undefined)
      .map(({ name }) => `the folder ${name} is taken for a class: there is no train/CLASS`),
  };
}

/** What a folder holds, and what was counted for it, which may yet be counted otherwise. */
interface Seen extends Listing {
  readonly tally: Tally;
}

async function listOf(walk: Walk, folder: WalkFolder, into?: Tally): Promise<Seen> {
  const tally = into ?? new Tally();
  return { ...(await walk.list(folder, tally)), tally };
}

async function splitLayout(
  walk: Walk,
  top: Seen,
  [trainFolder, train]: [WalkFolder, Seen],
  tally: Tally,
): Promise<Layout> {
  const notes: string[] = [];
  const others: Partial<Record<'validation' | 'test', SplitFolder>> = {};
  tally.addAll(train.tally);
  tally.add(LOOSE, train.images.length);
  const trained = train.folders;
  for (const folder of top.folders) {
    if (folder === trainFolder) continue;
    const split = splitOf(folder.name);
    if (split === undefined || split === 'train') {
      const shown = shownName(folder.name);
      await walk.countAll(folder, tally, {
        what: `in ${shown}`,
        why: 'neither train, val nor test',
      });
      continue;
    }
    const seen = await listOf(walk, folder);
    if (seen.folders.length === 0) {
      const why = 'it has no folders of classes';
      tally.addAll(seen.tally);
      tally.add({ what: `in ${folder.name}`, why }, seen.images.length);
      if (seen.images.length === 0) notes.push(`the folder ${folder.name} is not used: ${why}`);
      continue;
    }
    tally.addAll(seen.tally);
    tally.add(LOOSE, seen.images.length);
    refuseForeign(folder, seen.folders, trainFolder, trained);
    const known = new Set(seen.folders.map(({ name }) => name));
    const missing = trained.filter(({ name }) => !known.has(name));
    if (missing.length > 0) {
      notes.push(
        `${folder.name} has no folder of ${someNames(missing)}, which ${trainFolder.name} has`,
      );
    }
    others[split] = { name: folder.name, classes: seen.folders };
  }
  return { train: { name: trainFolder.name, classes: trained }, ...others, notes };
}

/** The folders that are named like splits, by the split. */
function splitFolders(folders: readonly WalkFolder[]): ReadonlyMap<SplitName, WalkFolder[]> {
  const splits = new Map<SplitName, WalkFolder[]>();
  for (const folder of folders) {
    const split = splitOf(folder.name);
    if (split !== undefined) splits.set(split, [...(splits.get(split) ?? []), folder]);
  }
  return splits;
}

function refuseTwins(splits: ReadonlyMap<SplitName, readonly WalkFolder[]>): void {
  for (const [split, folders] of splits) {
    if (folders.length < 2) continue;
    const paths = folders.map(({ path }) => shownName(path)).join(' and ');
    throw invalid(`${paths} both mean the ${split} split`, 'keep one of them, or rename the other');
  }
}

/** Refuses folders of splits without one to train on: as classes they would be nonsense. */
async function refuseSplitsWithoutTrain(
  walk: Walk,
  top: Seen,
  trains: readonly WalkFolder[],
): Promise<void> {
  const named = top.folders.filter(({ name }) => splitOf(name) !== undefined);
  if (named.length === 0) return;
  const isAll = named.length === top.folders.length;
  if (isAll && trains[0] !== undefined) throw withoutClasses(trains[0]);
  const classes = new Set(top.folders.map(({ name }) => sameSpelling(name)));
  for (const folder of named) {
    const { folders } = isAll ? { folders: [] } : await listOf(walk, folder);
    if (!isAll && !folders.some(({ name }) => classes.has(sameSpelling(name)))) continue;
    throw invalid(
      `${shownName(walk.root.path)} has ${named.map(({ name }) => name).join(' and ')}, but no train folder with folders of classes`,
      'expected train/CLASS/FILE beside it',
    );
  }
}

/** Refuses classes that are not trained. */
function refuseForeign(
  split: WalkFolder,
  classes: readonly WalkFolder[],
  trainFolder: WalkFolder,
  trained: readonly WalkFolder[],
): void {
  const known = new Set(trained.map(({ name }) => name));
  const foreign = classes.find(({ name }) => !known.has(name));
  if (foreign === undefined) return;
  const twin = trained.find(({ name }) => sameSpelling(name) === sameSpelling(foreign.name));
  if (twin !== undefined) {
    throw invalid(
      `${shownName(foreign.path)} is spelled otherwise than ${shownName(twin.path)}`,
      'give both the same name, with the same capitals and accents',
    );
  }
  throw invalid(
    `class ${shownName(foreign.path)} is not among the training classes`,
    `${trainFolder.name} has ${someNames(trained)}; images without classes lie in ${split.name} itself`,
  );
}

/** Names of classes, as the model keeps them. Throws  DATA_INVALID for one that a terminal would obey. */
export function classNames(classes: readonly WalkFolder[]): string[] {
  const names = classes.map(({ name, path }) => {
    // Names are shown in terminals and logs, which obey some of these.
    if (/\p{Cc}/u.test(name)) {
      throw invalid(`the name ${JSON.stringify(path)} has control characters`, 'rename it');
    }
    return isText(name) ? name : shownName(name);
  });
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice === undefined) return names;
  throw invalid(`two classes are shown as ${twice}`, 'rename one of the folders');
}

function withoutClasses({ path }: WalkFolder): TesseraError {
  return invalid(
    `${shownName(path)} has no folders of classes`,
    'expected train/CLASS/FILE and test/CLASS/FILE, or CLASS/FILE',
  );
}

function someNames(folders: readonly WalkFolder[]): string {
  const some = folders.slice(0, 10).map(({ name }) => shownName(name));
  return some.join(', ') + (folders.length > 10 ? ` and ${folders.length - 10} more` : '');
}

function invalid(sentence: string, hint: string): TesseraError {
  return new TesseraError('DATA_INVALID', sentence, { hint });
}
