/** @file Classes in the names of files: pizza_001.jpg is of the class pizza, where no folders say so. Pure. */
import { formatCount } from '../../core/units.ts';
import { shownName } from '../../files/raw-names.ts';
import { classInName, sameSpelling } from './walk/rules.ts';
import type { WalkFolder, WalkImage } from './walk/walk.ts';

/** A class: a folder of it, or its images where they lie among those of others. */
export interface ClassFolder extends WalkFolder {
  readonly images?: readonly WalkImage[];
}

interface Named {
  readonly name: string;
}

/** Images by the class that their names begin with, sorted by it. */
export interface NamedClasses<Image extends Named> {
  readonly classes: ReadonlyMap<string, readonly Image[]>;
  /** Images whose names begin with none. */
  readonly without: readonly Image[];
}

/** Sorts images by the classes in their names. */
export function classesInNames<Image extends Named>(images: readonly Image[]): NamedClasses<Image> {
  const classes = new Map<string, Image[]>();
  const without: Image[] = [];
  for (const image of images) {
    const name = classInName(image.name);
    if (name === undefined) without.push(image);
    else if (!classes.get(name)?.push(image)) classes.set(name, [image]);
  }
  const sorted = [...classes].sort(([a], [b]) => (a < b ? -1 : Number(a > b)));
  return { classes: new Map(sorted), without };
}

/** The classes of a folder whose file names have them. */
export function namedFolders(
  { path, chain }: WalkFolder,
  { classes }: NamedClasses<WalkImage>,
): ClassFolder[] {
  return [...classes].map(([name, images]) => ({ name, path: `${path}/${name}*`, chain, images }));
}

/**
 * Why there are no classes to train on in the names of images: each must have one, with a second image of it, and a second
 * class beside it. Undefined if there are; a name that is mistyped would be a class of its own otherwise.
 */
export function whyNotNamed({ classes, without }: NamedClasses<Named>): string | undefined {
  const reason = whyUnnamed({ classes, without });
  if (reason !== undefined) return reason;
  const [only] = classes.keys();
  if (classes.size < 2) return `its file names begin with one class only, ${shownName(only ?? '')}`;
  const known = new Map<string, string>();
  for (const [name, images] of classes) {
    const spelling = sameSpelling(name).replaceAll(/[ _.-]+/g, ' ');
    const twin = known.get(spelling);
    known.set(spelling, name);
    if (twin !== undefined) {
      return `its file names spell a class in two ways, ${shownName(twin)} and ${shownName(name)}`;
    }
    const [first, second] = images;
    if (first !== undefined && second === undefined) {
      return `only one of its files has the class ${shownName(name)}, ${shownName(first.name)}`;
    }
  }
  return undefined;
}

/** The images whose names have no class, with one of them; undefined if all have one. */
export function whyUnnamed({ classes, without }: NamedClasses<Named>): string | undefined {
  const [first] = without;
  if (first === undefined) return undefined;
  const such = `such as ${shownName(first.name)}, begin with no class`;
  if (classes.size === 0) return `its file names, ${such}`;
  const all = [...classes.values()].reduce((sum, { length }) => sum + length, without.length);
  return `${formatCount(without.length)} of its ${formatCount(all)} file names, ${such}`;
}
