/**
 * @file Gets leaves ready: which samples, their bytes, their pixels.
 *
 * While the compute thread works on one leaf the feeder prepares the next, and fetches what the same
 * place of the next batch will need. Everything kept is bounded by data.cacheBytes.
 */

import type { LeafInputs } from '../shared/compute/program.ts';
import type { RunConfig } from '../shared/config/schema.ts';
import { TesseraError } from '../shared/core/errors.ts';
import { ByteCache } from '../shared/data/cache.ts';
import type { ImagePipeline } from '../shared/data/pipeline.ts';
import {
  batchIndices,
  leafIndices,
  numBatches,
  numLeaves,
  sequentialIndices,
} from '../shared/data/sampler.ts';
import type { EncodedSample, Split } from '../shared/data/source.ts';
import type { NodeTask } from './core/messages.ts';

/** Reads samples, from the coordinator or from files in place. */
export type SampleReader = (split: Split, indices: readonly number[]) => Promise<EncodedSample[]>;

/** A sample that could not be decoded. */
export interface BadSample {
  readonly index: number;
  readonly reason: string;
}

/** One leaf, ready to compute. */
export interface PreparedLeaf {
  readonly inputs: LeafInputs;
  readonly badSamples: readonly BadSample[];
}

/** What a feeder needs to know of the run. */
export interface FeederOptions {
  readonly config: RunConfig;
  readonly sizes: Readonly<Record<Split, number>>;
  readonly pipeline: ImagePipeline;
  readonly read: SampleReader;
}

/** The part of a task that decides its samples. */
type BatchPlace = Pick<NodeTask, 'kind' | 'epoch' | 'batch'>;

/** Samples asked for in one request. */
const FETCH_SAMPLES_MAX = 256;

/** Prepares the leaves of tasks. */
export class Feeder {
  readonly #options: FeederOptions;
  readonly #cache: ByteCache<EncodedSample>;
  #batch: { readonly key: string; readonly indices: Uint32Array } = {
    key: '',
    indices: new Uint32Array(),
  };

  constructor(options: FeederOptions) {
    this.#options = options;
    // The pipeline keeps decoded pixels in the other half.
    this.#cache = new ByteCache(options.config.data.cacheBytes / 2);
  }

  /** Leaves of the round that a task belongs to. */
  numLeaves(place: BatchPlace): number {
    return numLeaves(this.#indices(place).length, this.#options.config.training.microBatch);
  }

  /** Fetches what a task needs that is not here yet, in few requests. */
  async fetch(task: NodeTask): Promise<void> {
    const split = splitOf(task);
    const missing = this.#samplesOf(task).filter((index) => !this.#cache.has(keyOf(split, index)));
    for (let first = 0; first < missing.length; first += FETCH_SAMPLES_MAX) {
      const some = missing.slice(first, first + FETCH_SAMPLES_MAX);
      try {
        for (const sample of await this.#options.read(split, some)) this.#keep(split, sample);
      } catch (error) {
        // One unreadable file spoils its request; `leaf` asks for each again and names the culprit.
        if (TesseraError.from(error).code !== 'DATA_INVALID') throw error;
      }
    }
  }

  /** Fetches the samples of the same leaves one batch on: most likely they are this worker's too. */
  async prefetchNext(task: NodeTask): Promise<void> {
    if (task.kind !== 'train') return;
    const { sizes, config } = this.#options;
    const isLast = task.batch + 1 >= numBatches(sizes.train, config.training.batchSize);
    const next = isLast ? { epoch: task.epoch + 1, batch: 0 } : { batch: task.batch + 1 };
    await this.fetch({ ...task, ...next });
  }

  /** Prepares one leaf: decoded, augmented, normalised, padded with samples of weight 0. */
  async leaf(task: NodeTask, leaf: number): Promise<PreparedLeaf> {
    const { config, pipeline } = this.#options;
    const { microBatch } = config.training;
    const split = splitOf(task);
    const imageFloats = config.data.channels * config.model.imageSize ** 2;
    const images = new Float32Array(microBatch * imageFloats);
    const labels = new Int32Array(microBatch);
    const weights = new Float32Array(microBatch);
    const badSamples: BadSample[] = [];
    const indices = leafIndices(this.#indices(task), leaf, microBatch);
    await Promise.all(
      Array.from(indices, async (index, position) => {
        const target = images.subarray(position * imageFloats, (position + 1) * imageFloats);
        try {
          const sample = await this.#sample(split, index);
          labels[position] = sample.label;
          await pipeline.load(sample, split === 'train' ? task.epoch : undefined, target);
          weights[position] = 1;
        } catch (error) {
          const { code, sentence } = TesseraError.from(error);
          if (code !== 'DATA_INVALID') throw error;
          target.fill(0);
          badSamples.push({ index, reason: sentence });
        }
      }),
    );
    badSamples.sort((a, b) => a.index - b.index);
    return { inputs: { images, labels, weights }, badSamples };
  }

  /** Indices of a round's samples, in the order of its leaves; the last round's are remembered. */
  #indices(place: BatchPlace): Uint32Array {
    const { sizes, config } = this.#options;
    if (place.kind === 'evaluate')
      return this.#remember('evaluate', () => sequentialIndices(sizes.test));
    return this.#remember(`${place.epoch}/${place.batch}`, () =>
      batchIndices({
        seed: config.seed,
        epoch: place.epoch,
        batch: place.batch,
        numSamples: sizes.train,
        batchSize: config.training.batchSize,
      }),
    );
  }

  #remember(key: string, compute: () => Uint32Array): Uint32Array {
    if (this.#batch.key !== key) this.#batch = { key, indices: compute() };
    return this.#batch.indices;
  }

  #samplesOf(task: NodeTask): number[] {
    const { microBatch } = this.#options.config.training;
    const indices = this.#indices(task);
    return [...indices.subarray(task.first * microBatch, (task.first + task.count) * microBatch)];
  }

  async #sample(split: Split, index: number): Promise<EncodedSample> {
    const kept = this.#cache.get(keyOf(split, index));
    if (kept !== undefined) return kept;
    // Too large for the cache, or pushed out of it since the fetch.
    const [sample] = await this.#options.read(split, [index]);
    if (sample === undefined) throw new TesseraError('INTERNAL', `no answer for sample ${index}`);
    return sample;
  }

  #keep(split: Split, sample: EncodedSample): void {
    this.#cache.set(keyOf(split, sample.index), sample, sample.bytes.byteLength);
  }
}

function splitOf(place: BatchPlace): Split {
  return place.kind === 'train' ? 'train' : 'test';
}

function keyOf(split: Split, index: number): string {
  return `${split}/${index}`;
}
