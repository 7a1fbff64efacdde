/**
 * @file A folder of images: train/CLASS/FILE with val/CLASS/FILE and test/CLASS/FILE, or CLASS/FILE alone.
 *
 * Folders are listed once, at the start; the images are read one by one, when they are asked for, and by
 * number: no name from outside is ever made into a path.
 */
import { TesseraError } from '../core/errors.ts';
import { rawRealpath, shownName } from '../host/raw-names.ts';
import type { Collection, DataSet } from './collection.ts';
import { fileCollection, type LabelledGroup } from './sets/files.ts';
import { counted, leftOutText, remedies } from './sets/found.ts';
import { classNames, findLayout, type SplitFolder } from './sets/layout.ts';
import { splitOf } from './sets/rules.ts';
import { Tally } from './sets/tally.ts';
import { Walk, type WalkFolder } from './sets/walk.ts';

export { IMAGE_BYTES_MAX } from './sets/files.ts';

/**
 * Lists an image folder: classes and files sorted by name.
 *
 * Throws  DATA_INVALID, naming the folder or file: not there, no classes, a class without images, a test
 *         class that is not trained, a link that leaves the set.
 */
export async function openImageFolder(
  path: string,
  links: 'inside' | 'follow' = 'inside',
): Promise<DataSet> {
  const root = await rawRealpath(path).catch((error: unknown) => {
    throw invalid(
      `there is no folder ${path}`,
      'data.path names the folder of the data set; if it has moved: --set data.path=FOLDER',
      error,
    );
  });
  const walk = new Walk({ root, links, onTrouble: 'refuse' });
  const tally = new Tally();
  const layout = await findLayout(walk, tally);
  const { train, validation, test } = layout;
  const classes = classNames(train.classes);
  let damaged = 0;
  const open = async (split: SplitFolder | undefined): Promise<Collection | undefined> => {
    if (split === undefined) return undefined;
    const groups: LabelledGroup[] = [];
    for (const folder of split.classes) {
      const label = train.classes.findIndex(({ name }) => name === folder.name);
      groups.push(...(await imagesOfClass(walk, { folder, label, split: split.name }, tally)));
    }
    for (const group of groups) damaged += group.damaged;
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
      notes: [...layout.notes, ...lonelyClass(train.classes), ...damagedImages(damaged)],
    },
  };
}

async function imagesOfClass(
  walk: Walk,
  { folder, label, split }: { folder: WalkFolder; label: number; split: string },
  total: Tally,
): Promise<LabelledGroup[]> {
  const tally = new Tally();
  const found = await walk.images(folder, tally);
  const shown = shownName(folder.path);
  const inside = new Set(found.map((group) => splitOf(group.folder.split('/', 1)[0] as string)));
  if (inside.has('train') && !found.some((group) => group.folder === '')) {
    throw invalid(
      `class folder ${shown} has a train folder of its own: data.path is one folder too high`,
      `the data set is that folder: --set data.path=${shown}`,
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
    `class folder ${shown} has no images that can be read${holds}`,
    remedies(leftOut)[0] ??
      'put images into it or remove it; data.path is the folder above the classes',
  );
}

/** One class alone teaches nothing, and is mostly a path that is one folder too high. */
function lonelyClass(classes: readonly WalkFolder[]): string[] {
  const [only] = classes;
  if (classes.length !== 1 || only === undefined) return [];
  return [
    `there is one class only, ${shownName(only.name)}; if its folders are the classes, data.path is one folder too high`,
  ];
}

/** Images that are damaged are samples: `data.onBadImage` decides about them. */
function damagedImages(count: number): string[] {
  if (count === 0) return [];
  const files = count === 1 ? '1 image' : `${counted(count)} images`;
  return [`${files} among them cannot be read: nothing but the name is an image's`];
}

function invalid(sentence: string, hint: string, cause?: unknown): TesseraError {
  return new TesseraError('DATA_INVALID', sentence, { hint, cause });
}
