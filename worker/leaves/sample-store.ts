/** @file The encoded samples that a worker has fetched, as many as its cache takes. */
import { TesseraError } from '../../shared/core/errors.ts';
import { ByteCache } from '../../shared/data/cache.ts';
import type { EncodedSample, Split } from '../../shared/data/source.ts';

/** Reads samples, from the coordinator or from files in place: one after the other, since all may be large. */
export type SampleReader = (
  split: Split,
  indices: readonly number[],
) => AsyncIterable<EncodedSample>;

/** Samples, or features of samples, asked for in one request. */
export const FETCH_SAMPLES_MAX = 256;

/** Keeps samples by split and index. */
export class SampleStore {
  readonly #read: SampleReader;
  readonly #cache: ByteCache<EncodedSample>;

  constructor(read: SampleReader, cacheBytes: number) {
    this.#read = read;
    this.#cache = new ByteCache(cacheBytes);
  }

  /** Fetches those samples that are not kept, in few requests. */
  async fetch(split: Split, indices: readonly number[]): Promise<void> {
    const missing = indices.filter((index) => !this.#cache.has(sampleKey(split, index)));
    for (let first = 0; first < missing.length; first += FETCH_SAMPLES_MAX) {
      const some = missing.slice(first, first + FETCH_SAMPLES_MAX);
      try {
        for await (const sample of this.#read(split, some)) {
          this.#cache.set(sampleKey(split, sample.index), sample, sample.bytes.byteLength);
        }
      } catch (error) {
        // One unreadable file spoils its request; `get` asks for each again and names the culprit.
        if (TesseraError.from(error).code !== 'DATA_INVALID') throw error;
      }
    }
  }

  /** One sample: kept, or read again. Throws  what reading throws. */
  async get(split: Split, index: number): Promise<EncodedSample> {
    const kept = this.#cache.get(sampleKey(split, index));
    if (kept !== undefined) return kept;
    // Too large for the cache, or pushed out of it since the fetch.
    let sample: EncodedSample | undefined;
    for await (const read of this.#read(split, [index])) sample = read;
    if (sample === undefined) throw new TesseraError('INTERNAL', `no answer for sample ${index}`);
    return sample;
  }
}

/** What caches know a sample by. */
export function sampleKey(split: Split, index: number): string {
  return `${split}/${index}`;
}
