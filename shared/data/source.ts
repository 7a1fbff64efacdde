/** @file The interface of a data set: splits of numbered, labelled, encoded images. */
import type { Split } from '../core/work.ts';
import type { Found } from './found.ts';

export type { Split } from '../core/work.ts';

/** One image as it lies in the data set: pixels, or the bytes of an image file. */
export interface EncodedSample {
  /** Position in its split. */
  readonly index: number;
  readonly label: number;
  /** Name for messages, relative to the data set (`train/pizza/1.jpg`, `digits/3#17`). */
  readonly name: string;
  /** Size of raw pixels (height x width x channels, one byte each); undefined for an image file's bytes. */
  readonly raw:
    | { readonly height: number; readonly width: number; readonly channels: number }
    | undefined;
  readonly bytes: Uint8Array;
}

/** An opened data set. Reading a sample never needs more than that sample's memory. */
export interface DataSource {
  readonly classes: readonly string[];
  /** Samples of each split; of validation 0 where the run has none. */
  readonly size: Readonly<Record<Split, number>>;
  /** What was found besides the samples, and what was passed over. */
  readonly found: Found;
  /** Class of a sample. */
  label(split: Split, index: number): number;
  /** Name of a sample, as `EncodedSample.name`; nothing is read for it. */
  name(split: Split, index: number): string;
  /** Bytes of a sample as they were when the set was listed; nothing is read for it. */
  listedBytes(split: Split, index: number): number;
  /** The memory that reading a sample will take, as far as it is known; 0 for one that is in memory already. */
  bytes(split: Split, index: number): Promise<number>;
  /**
   * Reads one sample.
   *
   * Throws  DATA_INVALID when it is not there or cannot be read, naming the file.
   */
  read(split: Split, index: number): Promise<EncodedSample>;
}

/** Training images of each class. */
export function classCounts(source: Pick<DataSource, 'classes' | 'size' | 'label'>): number[] {
  const counts = new Array<number>(source.classes.length).fill(0);
  for (let index = 0; index < source.size.train; index += 1) {
    const of = source.label('train', index);
    counts[of] = (counts[of] as number) + 1;
  }
  return counts;
}
