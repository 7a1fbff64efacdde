/** @file Which images of a set train, validate and test: by the splits of the set and by the config. Pure. */

import { TesseraError } from '../../core/errors.ts';
import type { Found } from '../found.ts';
import { isFolderName } from '../options.ts';
import { sequentialIndices } from '../sampler.ts';
import type { Split } from '../source.ts';
import type { Collection, DataSet } from './collection.ts';
import { type DivisionOptions, divide } from './split.ts';

/** A split: some positions of a collection. */
export interface Part {
  readonly collection: Collection;
  readonly positions: Uint32Array;
  /** Where its images lie, relative to the set. */
  readonly from: string | undefined;
}

/** How a set is divided. */
export interface PartOptions {
  /** Share that tests if the set has no test split. */
  readonly testFraction: number;
  /**
   * What validates: `auto`, the set's own validation split where it has a test split too; a share of what would train;
   * `none`; or a folder, which the set then has as its validation split.
   */
  readonly validation: number | string;
  readonly seed: number;
}

/** The splits of a set, and notes about them. */
export type Parts = Readonly<Record<Split, Part>> & { readonly found: Found };

/**
 * Divides a set.
 *
 * Throws  CONFIG_INVALID when a share leaves nothing to train or to validate.
 */
export function partsOf(set: DataSet, options: PartOptions): Parts {
  const { validation: own, test, found } = set;
  const { validation: asked } = options;
  const { seed } = options;
  const numClasses = set.classes.length;
  const wholeOf = (collection: Collection, split: Split): Part => {
    const positions = sequentialIndices(collection.labels.length);
    return { collection, positions, from: found.from[split] };
  };
  const everything = wholeOf(set.train, 'train');
  const isFolder = isFolderName(asked);
  // A set with one split beside train uses that for testing, unless the config says otherwise.
  const isValTest = own !== undefined && test === undefined && !isFolder;
  const tests =
    test === undefined ? isValTest && wholeOf(own, 'validation') : wholeOf(test, 'test');
  const divided = tests
    ? { kept: everything, drawn: tests }
    : draw(everything, { fraction: options.testFraction, stream: 'split', numClasses, seed });
  const validates = own !== undefined && !isValTest && (asked === 'auto' || isFolder);
  const { kept: train, drawn: validation } =
    typeof asked === 'number'
      ? draw(divided.kept, { fraction: asked, stream: 'validation', numClasses, seed })
      : {
          kept: divided.kept,
          drawn: validates ? wholeOf(own, 'validation') : noneOf(everything),
        };
  if (typeof asked === 'number') refuseEmpty(asked, train, validation);
  const parts = { train, validation, test: divided.drawn };
  const from = Object.fromEntries(Object.entries(parts).map(([split, part]) => [split, part.from]));
  const notes =
    own === undefined || validates ? [] : [noteOn(found.from['validation'], { asked, isValTest })];
  return { ...parts, found: { ...found, from, notes: [...found.notes, ...notes] } };
}

/** Notes about a surprising use of the set's own validation split. */
function noteOn(
  folder: string | undefined,
  { asked, isValTest }: { readonly asked: number | string; readonly isValTest: boolean },
): string {
  const name = folder ?? 'the validation split';
  return isValTest
    ? `${name} is the test split here, since the set has no other; data.validation: ${name} makes it the validation split`
    : `${name} is not used: data.validation is ${asked}`;
}

/** Draws a share of a part, alike in every class. */
function draw(
  { collection, positions, from }: Part,
  how: Omit<DivisionOptions, 'labels'>,
): { readonly kept: Part; readonly drawn: Part } {
  const labels = positions.map((position) => collection.labels[position] as number);
  const part = (places: Uint32Array): Part => ({
    collection,
    positions: places.map((place) => positions[place] as number),
    from,
  });
  const { kept, drawn } = divide({ labels, ...how });
  return { kept: part(kept), drawn: part(drawn) };
}

function noneOf({ collection }: Part): Part {
  return { collection, positions: new Uint32Array(), from: undefined };
}

function refuseEmpty(fraction: number, train: Part, validation: Part): void {
  const [numTrain, numValidation] = [train.positions.length, validation.positions.length];
  if (numTrain > 0 && numValidation > 0) return;
  const [what, other] = numTrain === 0 ? ['train', 'smaller'] : ['validate', 'larger'];
  throw new TesseraError(
    'CONFIG_INVALID',
    `data.validation: a share of ${fraction} of ${numTrain + numValidation} images leaves nothing to ${what}`,
    { hint: `choose a ${other} share, or data.validation: none` },
  );
}
