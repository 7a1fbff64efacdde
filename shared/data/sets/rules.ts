/** @file The rules by which entries of a folder are told apart by their names. Pure. */

/** What belongs to the system or to a tool, in any capitals: neither a class nor an image. */
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

/** Whether an entry is passed over for its name: hidden, as resource forks (`._x`) are, or the system's own. */
export function isHidden(name: string): boolean {
  return name.startsWith('.') || SYSTEM_NAMES.has(name.toLowerCase());
}

const IMAGE_NAME = /\.(?:jpe?g|jpe|jfif|png|webp|gif|bmp|dib|tiff?|avif)$/i;

/** Whether a name promises an image that is read here: one whose content says nothing is a damaged image then. */
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
  test: 'test',
  testing: 'test',
};

/** The split that a folder's name means, in any capitals. */
export function splitOf(folder: string): SplitName | undefined {
  const name = folder.toLowerCase();
  return Object.hasOwn(SPLIT_NAMES, name) ? SPLIT_NAMES[name] : undefined;
}

/** A name without capitals and in one normal form: what two spellings of one class have in common. */
export function sameSpelling(name: string): string {
  return name.normalize('NFC').toLowerCase();
}
