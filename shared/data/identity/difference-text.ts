/** @file The message about the difference of two data sets, which names the class or the sample. */
import { formatCount } from '../../core/units.ts';
import type { EncodedSample, Split } from '../source.ts';
import type { Block, DataDifference, DataIdentity, IdentifiableSource } from './identity.ts';

/** Maximum names of one kind in a message. */
const NAMES_MAX = 10;
/** Maximum samples of the other side that are compared to find the one that differs. */
const LOOKED_AT_MAX = 64;

/** The two sides that are compared. */
export interface ComparedSides {
  /** The set of this side. */
  readonly here: { readonly source: IdentifiableSource; readonly identity: DataIdentity };
  readonly there: {
    readonly identity: DataIdentity;
    /** Fetches samples of the other side, if it can be reached. */
    readonly read?: (split: Split, indices: readonly number[]) => AsyncIterable<EncodedSample>;
  };
  readonly words: {
    /** The subject of the message: `its data set`. */
    readonly subject: string;
    /** `has`, and of the other side `where the run has`. */
    readonly has: readonly [string, string];
    readonly here: string;
    readonly there: string;
    /** What the other side does with its names. */
    readonly had: 'has' | 'had';
  };
}

/** What differs, as exactly as possible. */
export async function differenceText(
  difference: DataDifference,
  sides: ComparedSides,
): Promise<string> {
  const { here, there, words } = sides;
  const { subject, has } = words;
  if (difference.kind === 'classes') {
    return `${subject} ${classesText(here.identity.classes, there.identity.classes, words)}`;
  }
  const { split } = difference;
  if (difference.kind === 'contents') {
    return `${here.source.name(split, difference.index)} has other bytes ${words.here}`;
  }
  const example = await exampleText(difference, sides);
  if (difference.kind !== 'samples') return example;
  const counts = [here, there].map(({ identity }) => identity.splits[split]?.samples ?? 0);
  const [ours, theirs] = counts.map(formatCount);
  const numbers = `${subject} ${has[0]} ${ours} samples of ${split} ${has[1]} ${theirs}`;
  return example === '' ? numbers : `${numbers}; ${example}`;
}

function classesText(
  ours: readonly string[],
  theirs: readonly string[],
  { has, here, there }: ComparedSides['words'],
): string {
  if (Math.max(ours.length, theirs.length) <= NAMES_MAX) {
    return `${has[0]} the classes ${ours.join(', ')} ${has[1]} ${theirs.join(', ')}`;
  }
  const known = [new Set(ours), new Set(theirs)] as const;
  const parts = [
    ['besides the classes', ours.filter((name) => !known[1].has(name))] as const,
    ['not the classes', theirs.filter((name) => !known[0].has(name))] as const,
  ].flatMap(([what, names]) => (names.length === 0 ? [] : `${what} ${someOf(names)}`));
  if (parts.length > 0) return `${has[0]} ${parts.join(', and ')}`;
  const at = ours.findIndex((name, place) => name !== theirs[place]);
  return `${has[0]} its classes in another order: class ${at} is ${ours[at]} ${here} and ${theirs[at]} ${there}`;
}

function someOf(names: readonly string[]): string {
  const some = names.slice(0, NAMES_MAX).join(', ');
  return names.length > NAMES_MAX ? `${some} and ${names.length - NAMES_MAX} more` : some;
}

/** The first sample that differs, or the range that contains it; '' if unknown. */
async function exampleText(
  { kind, split, block }: Exclude<DataDifference, { kind: 'classes' | 'contents' }>,
  sides: ComparedSides,
): Promise<string> {
  if (block === undefined) return kind === 'samples' ? '' : `the samples of ${split} are others`;
  const { here, there, words } = sides;
  const exact = await firstDiffering({ kind, split, block }, sides);
  if (exact !== undefined) return exact;
  const numHere = here.identity.splits[split]?.samples ?? 0;
  const [first, last] = [block.first, Math.min(block.first + block.count, numHere) - 1];
  if (first >= numHere) return `sample ${first} of ${split} is missing ${words.here}`;
  const name = here.source.name(split, first);
  if (first >= (there.identity.splits[split]?.samples ?? 0)) {
    return `sample ${first} of ${split} is ${name} ${words.here} and missing ${words.there}`;
  }
  const which =
    first === last
      ? `sample ${first} of ${split} (${name} ${words.here})`
      : `of the samples ${first} to ${last} of ${split} (from ${name} ${words.here}) one`;
  const what = kind === 'sizes' ? 'another size' : 'another name or class';
  return `${which} ${words.had} ${what} ${words.there}`;
}

/** Compares samples of the other side; undefined if they cannot be fetched. */
async function firstDiffering(
  { kind, split, block }: { readonly kind: string; readonly split: Split; readonly block: Block },
  { here, there, words }: ComparedSides,
): Promise<string | undefined> {
  if (there.read === undefined || block.count > LOOKED_AT_MAX) return undefined;
  const { source, identity } = here;
  const [numHere, numThere] = [identity, there.identity].map(
    (of) => of.splits[split]?.samples ?? 0,
  );
  const known = Array.from({ length: block.count }, (_, at) => block.first + at);
  const [onlyHere] = known.filter((index) => index >= (numThere as number));
  try {
    for await (const sample of there.read(
      split,
      known.filter((index) => index < (numThere as number)),
    )) {
      const { index } = sample;
      const place = `sample ${index} of ${split}`;
      if (index >= (numHere as number)) {
        return `${place} is missing ${words.here} and ${sample.name} ${words.there}`;
      }
      const name = source.name(split, index);
      if (name.normalize('NFC') !== sample.name.normalize('NFC')) {
        return `${place} is ${name} ${words.here} and ${sample.name} ${words.there}`;
      }
      const labels = [source.label(split, index), sample.label];
      if (labels[0] !== labels[1]) {
        const [ours, theirs] = labels.map((label) => identity.classes[label] ?? `class ${label}`);
        return `${name} is of class ${ours} ${words.here} and ${theirs} ${words.there}`;
      }
      const bytes = source.listedBytes(split, index);
      if (kind === 'sizes' && bytes !== sample.bytes.length) {
        return `${name} has ${bytes} bytes ${words.here} and ${sample.bytes.length} ${words.there}`;
      }
    }
  } catch {
    // Only the detail is missing: that they differ is known.
    return undefined;
  }
  if (onlyHere === undefined) return undefined;
  const name = source.name(split, onlyHere);
  return `sample ${onlyHere} of ${split} is ${name} ${words.here} and missing ${words.there}`;
}
