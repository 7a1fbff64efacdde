/** @file The rules that classify entries of a folder by their names. Pure. */

/** Names of files of the system or of tools, in any capitals: neither a class nor an image. */
const SYSTEM_NAMES: ReadonlySet<string> = new Set([
  '__macosx',
  'thumbs.db',
  'ehthumbs.db',
  'desktop.ini',
  'icon\r',
  '@eadir',
  '$recycle.bin',
  'system volume information',
  '__pycache__',
]);

/** Whether an entry is skipped for its name: hidden, as resource forks (`._x`) are, or a file of the system. */
export function isHidden(name: string): boolean {
  return name.startsWith('.') || SYSTEM_NAMES.has(name.toLowerCase());
}

const IMAGE_NAME = /\.(?:jpe?g|jpe|jfif|png|webp|gif|bmp|dib|tiff?|avif)$/i;

/** Whether a name has the ending of a readable image: with unknown content it is then a damaged image. */
export function isImageName(name: string): boolean {
  return IMAGE_NAME.test(name);
}

/** A name's ending in small letters: `.jpg`; '' for a name without one. */
export function endingOf(name: string): string {
  return /.(\.[A-Za-z0-9_-]{1,12})$/s.exec(name)?.[1]?.toLowerCase() ?? '';
}

/** Splits that a folder's name may mean. */
export type SplitName = 'train' | 'validation' | 'test';

const SPLIT_NAMES: Readonly<Partial<Record<string, SplitName>>> = {
  train: 'train',
  training: 'train',
  val: 'validation',
  valid: 'validation',
  validation: 'validation',
  dev: 'validation',
  test: 'test',
  testing: 'test',
};

function splitNamed(name: string): SplitName | undefined {
  return Object.hasOwn(SPLIT_NAMES, name) ? SPLIT_NAMES[name] : undefined;
}

/** The split that a folder's name means, in any capitals: `train`, `Training`, `test_set`. */
export function splitOf(folder: string): SplitName | undefined {
  const name = folder.trim().toLowerCase();
  return splitNamed(name) ?? splitNamed(name.replace(/[ _.-]?(?:set|split|data|images)$/, ''));
}

/** Whether a name is exactly a split's: it has priority over `train_images`. */
export function isExactSplit(folder: string): boolean {
  return splitNamed(folder.trim().toLowerCase()) !== undefined;
}

/** The split that some word of a name means: of `seg_train`, `test1`; it may be a class's name all the same. */
export function splitHinted(folder: string): SplitName | undefined {
  for (const word of folder.toLowerCase().split(/[^a-z]+/)) {
    const split = splitNamed(word);
    if (split !== undefined) return split;
  }
  return splitOf(folder);
}

/** Whether a folder's name is generic: its images have no class. */
export function isPlainName(folder: string): boolean {
  const isPlain = /^(?:images?|imgs?|all|data|photos|pictures|unknown|unlabell?ed)$/i.test(folder);
  return isPlain || splitOf(folder) !== undefined;
}

/** A name without capitals and outer spaces, in one normal form: equal for two spellings of one class. */
export function sameSpelling(name: string): string {
  return name.normalize('NFC').trim().toLowerCase();
}

/** What cameras and programs name their pictures, in small letters: no class. */
const NUMBERED_PICTURES: ReadonlySet<string> = new Set(
  'img imgp dsc dscn dscf pxl mvimg cimg imag gopr dji sam pict pic p image picture photo screenshot scan frame video untitled file download'.split(
    ' ',
  ),
);

const NUMBERED = /^(.+?)(?:[ _.-]+\d+|[ _.-]*\(\d+\))$/s;

/**
 * The class that the name of an image begins with, before its number: of `pizza_001.jpg`, `ice cream (3).png` and
 * `cat.7.jpg`. None where a second number leaves in doubt what the class is: `IMG_20250101_120000`, `pizza_1 (2)`.
 */
export function classInName(name: string): string | undefined {
  const before = NUMBERED.exec(name.replace(IMAGE_NAME, ''))?.[1];
  if (before === undefined || !/\p{L}/u.test(before)) return undefined;
  if (before.split(/[ _.()-]+/).some((word) => /^\d+$/.test(word))) return undefined;
  const isClass = !isPlainName(before) && !NUMBERED_PICTURES.has(before.toLowerCase());
  return isClass ? before : undefined;
}
