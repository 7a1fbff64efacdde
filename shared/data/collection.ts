/** @file Labelled images in the order of their files, and how they become a data source with two splits. */
import { TesseraError } from '../core/errors.ts';
import { sequentialIndices } from './sampler.ts';
import type { Found } from './sets/found.ts';
import type { DataSource, EncodedSample, Split } from './source.ts';
import { divide } from './split.ts';

/** One image without its place in a split. */
export type StoredImage = Pick<EncodedSample, 'name' | 'raw' | 'bytes'>;

/** Labelled images that lie together. */
export interface Collection {
  /** Class of each image. */
  readonly labels: ArrayLike<number>;
  /** Name of the image at a position, relative to the data set; nothing is read for it. */
  name(position: number): string;
  /** Bytes of the image at a position, as they were when the set was listed; nothing is read for it. */
  listedBytes(position: number): number;
  /** Bytes of the file at a position; undefined for images that are in memory already. */
  readonly bytes?: (position: number) => Promise<number>;
  /** Reads the image at a position. */
  image(position: number): StoredImage | Promise<StoredImage>;
}

/** What a kind of data set has to offer. */
export interface DataSet {
  readonly classes: readonly string[];
  readonly train: Collection;
  /** Absent when the set has no validation split of its own. */
  readonly validation?: Collection | undefined;
  /** Absent when the set has no test split of its own. */
  readonly test?: Collection | undefined;
  /** What was found besides the images; `from` has the collections' names. */
  readonly found: Found;
}

/** Makes a data source of a set; one without a test split is divided. */
export function dataSourceOf(
  set: DataSet,
  options: { readonly testFraction: number; readonly seed: number },
): DataSource {
  const parts = partsOf(set, options);
  return {
    classes: set.classes,
    found: parts.found,
    size: { train: parts.train.positions.length, test: parts.test.positions.length },
    label(split, index) {
      return find(split, parts[split], index).label;
    },
    name(split, index) {
      const { position } = find(split, parts[split], index);
      return parts[split].collection.name(position);
    },
    listedBytes(split, index) {
      const { position } = find(split, parts[split], index);
      return parts[split].collection.listedBytes(position);
    },
    async bytes(split, index) {
      const { position } = find(split, parts[split], index);
      return (await parts[split].collection.bytes?.(position)) ?? 0;
    },
    async read(split, index) {
      const { position, label } = find(split, parts[split], index);
      return { index, label, ...(await parts[split].collection.image(position)) };
    },
  };
}

/** Throws  DATA_INVALID when there is no such sample. */
function find(split: Split, { collection, positions }: Part, index: number) {
  const position = positions[index];
  const label = position === undefined ? undefined : collection.labels[position];
  if (position !== undefined && label !== undefined) return { position, label };
  const sentence = `the ${split} split has ${positions.length} samples and no number ${index}`;
  throw new TesseraError('DATA_INVALID', sentence);
}

/** A split: some positions of a collection. */
interface Part {
  readonly collection: Collection;
  readonly positions: Uint32Array;
}

function partsOf(
  { classes, train, validation, test, found }: DataSet,
  options: { readonly testFraction: number; readonly seed: number },
): Record<Split, Part> & { readonly found: Found } {
  // A set with one split beside train has that for testing.
  const rest = test ?? validation;
  if (rest !== undefined) {
    const from = { train: found.from['train'], test: found.from[test ? 'test' : 'validation'] };
    return { train: wholeOf(train), test: wholeOf(rest), found: { ...found, from } };
  }
  const positions = divide({ labels: train.labels, numClasses: classes.length, ...options });
  return {
    train: { collection: train, positions: positions.train },
    test: { collection: train, positions: positions.test },
    found,
  };
}

function wholeOf(collection: Collection): Part {
  return { collection, positions: sequentialIndices(collection.labels.length) };
}
