/** @file Features of a frozen backbone that any worker has computed, as many as the cache takes. */
import type { FeatureRow, FeatureShape } from '../../shared/contract/feature-rows.ts';
import { ByteCache } from '../../shared/data/cache.ts';
import type { Split } from '../../shared/data/source.ts';
import type { KnownFeatures } from '../compute/node-computer.ts';
import { FETCH_SAMPLES_MAX, sampleKey } from './sample-store.ts';

/** Reads the features of those samples that a worker has computed. */
export type FeatureReader = (
  split: Split,
  indices: readonly number[],
  shape: FeatureShape,
) => Promise<FeatureRow[]>;

/** Which features are kept. */
export interface FeatureOptions {
  readonly sizes: Readonly<Record<Split, number>>;
  /** Values of a sample's features. */
  readonly width: number;
  /** Whether the features of a split's images never change. */
  readonly keepsFeatures: Readonly<Record<Split, boolean>>;
  readonly readFeatures: FeatureReader;
}

/** The rows of a leaf that are known, by their place. */
interface KnownRows {
  readonly rows: ReadonlyMap<number, FeatureRow>;
  readonly features: KnownFeatures;
}

/** Keeps rows of features by split and index. */
export class FeatureStore {
  readonly #options: FeatureOptions;
  readonly #cache: ByteCache<FeatureRow>;

  constructor(options: FeatureOptions, cacheBytes: number) {
    this.#options = options;
    this.#cache = new ByteCache(cacheBytes);
  }

  has(split: Split, index: number): boolean {
    return this.#cache.has(sampleKey(split, index));
  }

  /** Fetches those rows that are not kept, where features of the split are. */
  async fetch(split: Split, indices: readonly number[]): Promise<void> {
    const { keepsFeatures, readFeatures, sizes, width } = this.#options;
    if (!keepsFeatures[split]) return;
    const missing = indices.filter((index) => !this.has(split, index));
    const shape = { width, numSamples: sizes[split] };
    for (let first = 0; first < missing.length; first += FETCH_SAMPLES_MAX) {
      const some = missing.slice(first, first + FETCH_SAMPLES_MAX);
      for (const row of await readFeatures(split, some, shape)) this.keep(split, row);
    }
  }

  keep(split: Split, row: FeatureRow): void {
    this.#cache.set(sampleKey(split, row.index), row, row.values.byteLength);
  }

  /** What is known of a leaf's samples; undefined where no features of the split are kept. */
  known(split: Split, samples: Uint32Array, microBatch: number): KnownRows | undefined {
    const { keepsFeatures, width } = this.#options;
    if (!keepsFeatures[split]) return undefined;
    const values = new Float32Array(microBatch * width);
    const isKnown = new Uint8Array(microBatch);
    const rows = new Map<number, FeatureRow>();
    for (const [place, index] of samples.entries()) {
      const row = this.#cache.get(sampleKey(split, index));
      if (row === undefined) continue;
      rows.set(place, row);
      values.set(row.values, place * width);
      isKnown[place] = 1;
    }
    return { rows, features: { values, isKnown } };
  }
}
