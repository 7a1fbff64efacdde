/** @file What the folders of a data set are refused for. */
import { TesseraError } from '../../core/errors.ts';
import { isText, shownName } from '../../files/raw-names.ts';
import { leftOutText, remedies } from '../found.ts';
import { type ClassFolder, classesInNames, whyNotNamed } from './name-classes.ts';
import { type SplitName, sameSpelling, splitHinted, splitOf } from './walk/rules.ts';
import { Tally } from './walk/tally.ts';
import type { Listing, Walk, WalkFolder, WalkImage } from './walk/walk.ts';

/** Refuses two folders for one split. */
export function refuseTwins(splits: ReadonlyMap<SplitName, readonly WalkFolder[]>): void {
  for (const [split, folders] of splits) {
    if (folders.length < 2) continue;
    const paths = folders.map(({ path }) => shownName(path)).join(' and ');
    throw invalid(`${paths} both mean the ${split} split`, 'keep one of them, or rename the other');
  }
}

/** Refuses folders of splits without a training folder: they cannot be classes. */
export async function refuseSplitsWithoutTrain(
  walk: Walk,
  { folders }: Listing,
  train: Parameters<typeof withoutClasses> | undefined,
): Promise<void> {
  const named = folders.filter(({ name }) => splitOf(name) !== undefined);
  const others = folders.filter((folder) => !named.includes(folder));
  if (named.length === 0) return;
  if (others.length === 0 && train !== undefined) throw withoutClasses(...train);
  const inner = (await Promise.all(named.map((folder) => foldersIn(walk, folder)))).flat();
  const areClasses = others.some(({ name }) => inner.includes(sameSpelling(name)));
  const like = areClasses ? undefined : await folderWith(walk, others, inner);
  if (others.length > 0 && !areClasses && like === undefined) return;
  const rename = like === undefined ? '' : `; to train on ${shownName(like.name)}, name it train`;
  throw invalid(
    `${shownName(walk.root.path)} has ${named.map(({ name }) => name).join(' and ')}, but no train folder with folders of classes`,
    `expected train/CLASS/FILE beside it${rename}`,
  );
}

/** The first folder that holds two folders of these names: it has the same classes. */
async function folderWith(
  walk: Walk,
  folders: readonly WalkFolder[],
  names: readonly string[],
): Promise<WalkFolder | undefined> {
  if (names.length < 2) return undefined;
  for (const folder of folders) {
    const own = await foldersIn(walk, folder);
    if (own.filter((name) => names.includes(name)).length >= 2) return folder;
  }
  return undefined;
}

/** Names of the folders in a folder, as they are compared. */
async function foldersIn(walk: Walk, folder: WalkFolder): Promise<string[]> {
  const { folders } = await walk.list(folder, new Tally());
  return folders.map(({ name }) => sameSpelling(name));
}

/** Refuses class folders whose names contain words for training and for testing: seg_train and seg_test. */
export async function refuseHintedSplits(
  walk: Walk,
  folders: readonly WalkFolder[],
): Promise<void> {
  const hinted = folders.filter(({ name }) => splitHinted(name) !== undefined);
  const train = hinted.find(({ name }) => splitHinted(name) === 'train');
  if (train === undefined || hinted.every(({ name }) => splitHinted(name) === 'train')) return;
  const isAll = hinted.length === folders.length;
  if (!isAll && (await foldersIn(walk, train)).length === 0) return;
  const names = hinted.map(({ path }) => shownName(path)).join(' and ');
  throw invalid(
    `${names} are named like splits, but are not train/CLASS, val/CLASS and test/CLASS: they would be used as classes`,
    'name them train, val and test, with the folders of the classes in each; if they are classes, put them into a folder train',
  );
}

/** Refuses classes that are not in the training split. */
export function refuseForeign(
  split: WalkFolder,
  classes: readonly ClassFolder[],
  trainFolder: WalkFolder,
  trained: readonly ClassFolder[],
): void {
  const known = new Set(trained.map(({ name }) => name));
  const foreign = classes.find(({ name }) => !known.has(name));
  if (foreign === undefined) return;
  const twin = trained.find(({ name }) => sameSpelling(name) === sameSpelling(foreign.name));
  if (twin !== undefined) {
    throw invalid(
      `${shownName(foreign.path)} is spelled differently from ${shownName(twin.path)}`,
      'give both the same name, with the same capitals, accents and spaces',
    );
  }
  throw invalid(
    `class ${shownName(foreign.path)} is not among the training classes`,
    `${trainFolder.name} has ${someNames(trained)}${foreign.images === undefined ? `; images without classes lie in ${split.name} itself` : ''}`,
  );
}

/** Names of classes, as the model keeps them. Throws  DATA_INVALID for a name with control characters. */
export function classNames(classes: readonly WalkFolder[]): string[] {
  const names = classes.map(({ name, path }) => {
    // Names are shown in terminals and logs, which interpret some of these characters.
    if (/\p{Cc}/u.test(name)) {
      throw invalid(`the name ${JSON.stringify(path)} has control characters`, 'rename it');
    }
    return isText(name) ? name : shownName(name);
  });
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice === undefined) return names;
  throw invalid(`two classes are shown as ${twice}`, 'rename one of the folders');
}

/** What a folder without folders of classes is refused with. */
export function withoutClasses(
  { path }: WalkFolder,
  { images, tally }: { readonly images: readonly WalkImage[]; readonly tally: Tally },
): TesseraError {
  const lacks = `${shownName(path)} has no folders of classes`;
  if (images.length > 0) {
    const why = whyNotNamed(classesInNames(images));
    return invalid(
      why === undefined ? lacks : `${lacks}, and ${why}`,
      'put the images of each class into a folder of its own (CLASS/FILE), or name all of them CLASS_NUMBER, such as pizza_001.jpg',
    );
  }
  const leftOut = tally.list();
  return invalid(
    `${lacks} and no images${leftOutText(leftOut)}`,
    remedies(leftOut)[0] ??
      'put the images of each class into a folder of its own: CLASS/FILE, or train/CLASS/FILE and test/CLASS/FILE',
  );
}

/** What a split is refused with in which only some file names have a class. */
export function partlyNamed({ path }: WalkFolder, reason: string): TesseraError {
  return invalid(
    `${shownName(path)} has images without a class: ${reason}`,
    'name all of them CLASS_NUMBER, such as pizza_001.jpg, or move those out',
  );
}

/** Names of some classes. */
export function someNames(folders: readonly ClassFolder[]): string {
  const some = folders.slice(0, 10).map(({ name }) => shownName(name));
  return some.join(', ') + (folders.length > 10 ? ` and ${folders.length - 10} more` : '');
}

/** A refusal of a data set. */
function invalid(sentence: string, hint: string): TesseraError {
  return new TesseraError('DATA_INVALID', sentence, { hint });
}
