/**
 * @file What a frozen backbone made of each sample: computed once by some worker, kept here for all.
 *
 * Every worker computes the same bits for a sample, so the first row is kept. A resumed run starts
 * with none; its next epoch computes them again.
 */
import type { Split } from '../../shared/data/source.ts';

/** Samples whose rows are kept together, so that memory is taken as it is needed. */
const BLOCK_SAMPLES = 1024;

/** The features of a run's samples. */
export class FeatureStore {
  readonly width: number;
  readonly #blocks = new Map<string, Map<number, Float32Array>>();
  #blocksLeft: number;

  /** Rows of `width` values; those beyond `limitBytes` are not kept; workers compute them again. */
  constructor(width: number, limitBytes: number) {
    this.width = width;
    const blockBytes = BLOCK_SAMPLES * width * Float32Array.BYTES_PER_ELEMENT;
    this.#blocksLeft = Math.floor(limitBytes / blockBytes);
  }

  /** The row of a sample; undefined if it is not computed yet. Read-only. */
  get(split: Split, index: number): Float32Array | undefined {
    return this.#blocks.get(blockOf(split, index))?.get(index);
  }

  /** Keeps a row, unless it is there already or there is no room. */
  put(split: Split, index: number, values: Float32Array): void {
    const key = blockOf(split, index);
    const block = this.#blocks.get(key);
    if (block !== undefined) {
      if (!block.has(index)) block.set(index, values.slice());
      return;
    }
    if (this.#blocksLeft === 0) return;
    this.#blocksLeft -= 1;
    this.#blocks.set(key, new Map([[index, values.slice()]]));
  }
}

function blockOf(split: Split, index: number): string {
  return `${split}/${Math.floor(index / BLOCK_SAMPLES)}`;
}
