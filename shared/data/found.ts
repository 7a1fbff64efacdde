/** @file What was found in a data set and what was skipped, and the message about it. Pure. */
import { formatCount } from '../core/units.ts';

/** Files of one kind that were skipped for one reason. */
export interface LeftOut {
  /** What they are: `.heic`, `hidden`, `in test`. */
  readonly what: string;
  readonly count: number;
  /** Why, if that is not obvious: `not readable here`. */
  readonly why?: string;
  /** What to do about them, if anything. */
  readonly remedy?: string;
}

/** What the listing of a data set found besides its samples. */
export interface Found {
  /** Where the images of each split lie, relative to the set: `train`; none where the set itself holds them. */
  readonly from: Readonly<Record<string, string | undefined>>;
  /** Every file that is not a sample is in exactly one of these counts. */
  readonly leftOut: readonly LeftOut[];
  /** Notes about surprising decisions. */
  readonly notes: readonly string[];
}

/** For a set without anything to report. */
export const NOTHING_LEFT_OUT: Found = { from: {}, leftOut: [], notes: [] };

/** The parts of a data source that the message needs. */
export interface FoundSource {
  readonly classes: readonly string[];
  /** Samples of each split; a split without samples is not named. */
  readonly size: Readonly<Record<string, number>>;
  readonly found: Found;
}

/** The purpose of each split, in the order of the message. */
const PURPOSE: Readonly<Record<string, string>> = {
  train: 'to train',
  validation: 'to validate',
  test: 'to test',
};

/** `1,800 images of 3 classes to train (from train), 300 to test; left out: 12 .heic (not readable here), 3 hidden`. */
export function foundSentence({ classes, size, found }: FoundSource): string {
  const splits = Object.entries(PURPOSE)
    .filter(([split]) => split === 'train' || (size[split] ?? 0) > 0)
    .map(([split, purpose], at) => {
      const count = size[split] ?? 0;
      const images = at === 0 ? ` ${imagesText(count)} of ${classesText(classes.length)}` : '';
      const from = found.from[split];
      return `${formatCount(count)}${images} ${purpose}${from === undefined ? '' : ` (from ${from})`}`;
    });
  return splits.join(', ') + leftOutText(found.leftOut);
}

/** `; left out: 12 .heic (not readable here), 3 hidden`; empty if nothing was left out. */
export function leftOutText(leftOut: readonly LeftOut[]): string {
  const parts = leftOut.map(({ what, count, why }) => {
    const reason = why === undefined ? '' : ` (${why})`;
    return `${formatCount(count)} ${what}${reason}`;
  });
  return parts.length === 0 ? '' : `; left out: ${parts.join(', ')}`;
}

/** What to do about what was left out: `.heic: convert it`. */
export function remedies(leftOut: readonly LeftOut[]): readonly string[] {
  return leftOut.flatMap(({ what, remedy }) => (remedy === undefined ? [] : `${what}: ${remedy}`));
}

const imagesText = (count: number) => (count === 1 ? 'image' : 'images');
const classesText = (count: number) => (count === 1 ? '1 class' : `${formatCount(count)} classes`);
