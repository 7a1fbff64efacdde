/** @file Labelled images in the order of their files, and how they become a data source with its splits. */
import { TesseraError } from '../../core/errors.ts';
import type { Found } from '../found.ts';
import type { DataSource, EncodedSample, Split } from '../source.ts';
import { type Part, type PartOptions, partsOf } from './parts.ts';

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

/** Makes a data source of a set, divided as the options say. Throws  CONFIG_INVALID when a share leaves a split empty. */
export function dataSourceOf(set: DataSet, options: PartOptions): DataSource {
  const parts = partsOf(set, options);
  return {
    classes: set.classes,
    found: parts.found,
    size: {
      train: parts.train.positions.length,
      validation: parts.validation.positions.length,
      test: parts.test.positions.length,
    },
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
