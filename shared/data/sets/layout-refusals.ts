/** @file What the folders of a data set are refused for. */
import { TesseraError } from '../../core/errors.ts';
import { isText, shownName } from '../../files/raw-names.ts';
import { leftOutText, remedies } from '../found.ts';
import { type ClassFolder, classesInNames, whyNotNamed } from './name-classes.ts';
import { type SplitName, sameSpelling } from './walk/rules.ts';
import type { Tally } from './walk/tally.ts';
import type { WalkFolder, WalkImage } from './walk/walk.ts';

/** Refuses two folders for one split. */
export function refuseTwins(splits: ReadonlyMap<SplitName, readonly WalkFolder[]>): void {
  for (const [split, folders] of splits) {
    if (folders.length < 2) continue;
    const paths = folders.map(({ path }) => shownName(path)).join(' and ');
    throw invalid(`${paths} both mean the ${split} split`, 'keep one of them, or rename the other');
  }
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
export function invalid(sentence: string, hint: string): TesseraError {
  return new TesseraError('DATA_INVALID', sentence, { hint });
}
