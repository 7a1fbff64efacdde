/**
 * @file Gets leaves ready: which samples, their bytes, their pixels.
 *
 * While the compute thread works on one leaf the feeder prepares the next, and fetches what the same
 * place of the next batch will need. Everything kept is bounded by data.cacheBytes.
 */

import type { LeafInputs } from '../../shared/compute/program.ts';
import type { RunConfig } from '../../shared/config/schema.ts';
import type { FeatureRow, FeatureShape } from '../../shared/contract/feature-rows.ts';
import { mapAtMost } from '../../shared/core/concurrency.ts';
import { TesseraError } from '../../shared/core/errors.ts';
import { splitOf } from '../../shared/core/work.ts';
import { ByteCache } from '../../shared/data/cache.ts';
import { mixesImages } from '../../shared/data/options.ts';
import { mixImages, planMixing } from '../../shared/data/pipeline/mixing.ts';
import { IMAGES_AT_ONCE, type ImagePipeline } from '../../shared/data/pipeline/pipeline.ts';
import {
  batchIndices,
  leafIndices,
  numBatches,
  numLeaves,
  sequentialIndices,
} from '../../shared/data/sampler.ts';
import type { EncodedSample, Split } from '../../shared/data/source.ts';
import type { KnownFeatures } from '../compute/node-computer.ts';
import type { NodeTask } from '../core/messages.ts';

/** Reads the features of samples, of those that somebody has computed. */
export type FeatureReader = (
  split: Split,
  indices: readonly number[],
  shape: FeatureShape,
) => Promise<FeatureRow[]>;

/** Reads samples, from the coordinator or from files in place: one after the other, since all may be large. */
export type SampleReader = (
  split: Split,
  indices: readonly number[],
) => AsyncIterable<EncodedSample>;

/** A sample that could not be decoded. */
export interface BadSample {
  readonly index: number;
  readonly reason: string;
}

/** One leaf, ready to compute. */
export interface PreparedLeaf {
  readonly inputs: LeafInputs;
  readonly badSamples: readonly BadSample[];
  /** Features that are known already; undefined where none are kept. */
  readonly features: KnownFeatures | undefined;
  /** Samples whose features are not known yet, though they are worth keeping. */
  readonly unknown: readonly {
    readonly place: number;
    readonly index: number;
    readonly label: number;
  }[];
}

/** What a feeder needs to know of the run. */
export interface FeederOptions {
  readonly config: RunConfig;
  readonly sizes: Readonly<Record<Split, number>>;
  readonly pipeline: ImagePipeline;
  readonly read: SampleReader;
  readonly readFeatures: FeatureReader;
  /** Values of a sample's features. */
  readonly width: number;
  /** Whether the features of a split's images never change. */
  readonly keepsFeatures: Readonly<Record<Split, boolean>>;
}

/** The part of a task that decides its samples. */
type BatchPlace = Pick<NodeTask, 'kind' | 'epoch' | 'batch'>;

/** Samples asked for in one request. */
const FETCH_SAMPLES_MAX = 256;

/** Prepares the leaves of tasks. */
export class Feeder {
  readonly #options: FeederOptions;
  readonly #cache: ByteCache<EncodedSample>;
  readonly #features: ByteCache<FeatureRow>;
  #batch: { readonly key: string; readonly indices: Uint32Array } = {
    key: '',
    indices: new Uint32Array(),
  };

  constructor(options: FeederOptions) {
    this.#options = options;
    // The pipeline keeps decoded pixels in the other half; once there are features, both stay empty.
    this.#cache = new ByteCache(options.config.data.cacheBytes / 2);
    this.#features = new ByteCache(options.config.data.cacheBytes);
  }

  /** Leaves of the round that a task belongs to. */
  numLeaves(place: BatchPlace): number {
    return numLeaves(this.#indices(place).length, this.#options.config.training.microBatch);
  }

  /** Fetches what a task needs that is not here yet, in few requests. */
  async fetch(task: NodeTask): Promise<void> {
    const split = splitOf(task.kind);
    await this.#fetchFeatures(split, this.#samplesOf(task));
    const missing = this.#samplesOf(task).filter((index) => {
      const key = keyOf(split, index);
      return !this.#cache.has(key) && !this.#features.has(key);
    });
    for (let first = 0; first < missing.length; first += FETCH_SAMPLES_MAX) {
      const some = missing.slice(first, first + FETCH_SAMPLES_MAX);
      try {
        for await (const sample of this.#options.read(split, some)) this.#keep(split, sample);
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

  /** Prepares one leaf: decoded, augmented, normalised, mixed, padded with samples of weight 0. */
  async leaf(task: NodeTask, leaf: number): Promise<PreparedLeaf> {
    const { config } = this.#options;
    const { microBatch } = config.training;
    const samples = leafIndices(this.#indices(task), leaf, microBatch);
    const split = splitOf(task.kind);
    const known = this.#knownFeatures(split, samples);
    const isAllKnown = known !== undefined && known.rows.size === samples.length;
    const imageFloats = config.data.channels * config.model.imageSize ** 2;
    const inputs = {
      images: new Float32Array(isAllKnown ? 0 : microBatch * imageFloats),
      labels: new Int32Array(microBatch),
      weights: new Float32Array(microBatch),
    };
    for (const [place, { label }] of known?.rows ?? []) {
      inputs.labels[place] = label;
      inputs.weights[place] = 1;
    }
    const badSamples: BadSample[] = [];
    const unknown: { place: number; index: number; label: number }[] = [];
    await mapAtMost(IMAGES_AT_ONCE, [...samples], async (index, place) => {
      if (known?.rows.has(place)) return;
      const bad = await this.#load(task, index, place, inputs);
      if (bad !== undefined) badSamples.push(bad);
      else if (known !== undefined) {
        unknown.push({ place, index, label: inputs.labels[place] ?? 0 });
      }
    });
    badSamples.sort((a, b) => a.index - b.index);
    return {
      inputs: split === 'train' ? this.#randomised(task, samples, inputs) : inputs,
      badSamples,
      features: known?.features,
      unknown,
    };
  }

  /** Keeps the features that a leaf was computed with; answers those that were not known before. */
  keep(task: NodeTask, leaf: PreparedLeaf, values: Float32Array | undefined): FeatureRow[] {
    if (values === undefined) return [];
    const { width } = this.#options;
    return leaf.unknown.map(({ place, index, label }) => {
      const row = { index, label, values: values.slice(place * width, (place + 1) * width) };
      this.#keepRow(splitOf(task.kind), row);
      return row;
    });
  }

  /** Loads one image into its place; answers what is wrong with it, if it cannot be read. */
  async #load(
    task: NodeTask,
    index: number,
    place: number,
    { images, labels, weights }: LeafInputs,
  ): Promise<BadSample | undefined> {
    const { pipeline } = this.#options;
    const imageFloats = images.length / weights.length;
    const target = images.subarray(place * imageFloats, (place + 1) * imageFloats);
    const split = splitOf(task.kind);
    try {
      const sample = await this.#sample(split, index);
      labels[place] = sample.label;
      await pipeline.load(sample, split === 'train' ? task.epoch : undefined, target);
      weights[place] = 1;
      return undefined;
    } catch (error) {
      const { code, sentence } = TesseraError.from(error);
      if (code !== 'DATA_INVALID') throw error;
      target.fill(0);
      return { index, reason: sentence };
    }
  }

  /** What is random about a training leaf besides its images. */
  #randomised(task: NodeTask, samples: Uint32Array, inputs: LeafInputs): LeafInputs {
    const { config } = this.#options;
    const { seed, data, model } = config;
    const noise = { seed, epoch: task.epoch, samples };
    if (!mixesImages(config)) return { ...inputs, noise };
    const { imageSize } = model;
    const plan = planMixing(data.augment, { ...noise, imageSize });
    const shares = mixImages(inputs, plan, imageSize);
    const labels = inputs.labels.map((label, place) => {
      return inputs.labels[plan[place]?.partner ?? place] ?? label;
    });
    return { ...inputs, noise, mix: { labels, shares } };
  }

  // ---- features ----

  async #fetchFeatures(split: Split, indices: readonly number[]): Promise<void> {
    const { keepsFeatures, readFeatures, sizes, width } = this.#options;
    if (!keepsFeatures[split]) return;
    const missing = indices.filter((index) => !this.#features.has(keyOf(split, index)));
    const shape = { width, numSamples: sizes[split] };
    for (let first = 0; first < missing.length; first += FETCH_SAMPLES_MAX) {
      const some = missing.slice(first, first + FETCH_SAMPLES_MAX);
      for (const row of await readFeatures(split, some, shape)) this.#keepRow(split, row);
    }
  }

  #keepRow(split: Split, row: FeatureRow): void {
    this.#features.set(keyOf(split, row.index), row, row.values.byteLength);
  }

  /** The rows of a leaf that are known, by their place; undefined where none are kept. */
  #knownFeatures(split: Split, samples: Uint32Array) {
    const { keepsFeatures, width, config } = this.#options;
    if (!keepsFeatures[split]) return undefined;
    const { microBatch } = config.training;
    const values = new Float32Array(microBatch * width);
    const isKnown = new Uint8Array(microBatch);
    const rows = new Map<number, FeatureRow>();
    for (const [place, index] of samples.entries()) {
      const row = this.#features.get(keyOf(split, index));
      if (row === undefined) continue;
      rows.set(place, row);
      values.set(row.values, place * width);
      isKnown[place] = 1;
    }
    return { rows, features: { values, isKnown } };
  }

  /** Indices of a round's samples, in the order of its leaves; the last round's are remembered. */
  #indices(place: BatchPlace): Uint32Array {
    const { sizes, config } = this.#options;
    if (place.kind !== 'train') {
      return this.#remember(place.kind, () => sequentialIndices(sizes[splitOf(place.kind)]));
    }
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
    let sample: EncodedSample | undefined;
    for await (const read of this.#options.read(split, [index])) sample = read;
    if (sample === undefined) throw new TesseraError('INTERNAL', `no answer for sample ${index}`);
    return sample;
  }

  #keep(split: Split, sample: EncodedSample): void {
    this.#cache.set(keyOf(split, sample.index), sample, sample.bytes.byteLength);
  }
}

function keyOf(split: Split, index: number): string {
  return `${split}/${index}`;
}
