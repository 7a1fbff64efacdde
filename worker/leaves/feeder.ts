/**
 * @file Gets leaves ready: which samples, their bytes, their pixels.
 *
 * While the compute thread works on one leaf the feeder prepares the next, and fetches what the same
 * place of the next batch will need. Everything kept is bounded by data.cacheBytes.
 */

import type { LeafInputs } from '../../shared/compute/program.ts';
import type { RunConfig } from '../../shared/config/schema.ts';
import type { FeatureRow } from '../../shared/contract/feature-rows.ts';
import type { BadSample } from '../../shared/contract/messages.ts';
import { splitOf } from '../../shared/core/work.ts';
import { mixesImages } from '../../shared/data/options.ts';
import type { StoredPixels } from '../../shared/data/pipeline/drawing.ts';
import { finishedLeaf, mixedLabels } from '../../shared/data/pipeline/leaf.ts';
import { type Mixture, planMixing } from '../../shared/data/pipeline/mixing.ts';
import type { ImagePipeline } from '../../shared/data/pipeline/pipeline.ts';
import { weighClasses } from '../../shared/training/class-weights.ts';
import type { KnownFeatures } from '../compute/node-computer.ts';
import type { NodeTask } from '../core/messages.ts';
import { type FeatureOptions, FeatureStore } from './feature-store.ts';
import { type BatchPlace, RoundSamples } from './round-samples.ts';
import { type SampleReader, SampleStore } from './sample-store.ts';

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
export interface FeederOptions extends FeatureOptions {
  readonly config: RunConfig;
  readonly pipeline: ImagePipeline<StoredPixels>;
  readonly read: SampleReader;
}

/** Prepares the leaves of tasks. */
export class Feeder {
  readonly #options: FeederOptions;
  readonly #rounds: RoundSamples;
  readonly #samples: SampleStore;
  readonly #features: FeatureStore;
  /** Leaves of the next batch. */
  readonly #early = new Map<string, Promise<PreparedLeaf>>();

  constructor(options: FeederOptions) {
    const { config, sizes, read } = options;
    const { cacheBytes } = config.data;
    this.#options = options;
    this.#rounds = new RoundSamples(config, sizes);
    // The pipeline keeps decoded pixels in the other half; once there are features, both stay empty.
    this.#samples = new SampleStore(read, cacheBytes / 2);
    this.#features = new FeatureStore(options, cacheBytes);
  }

  /** Ends the threads that make images. */
  async close(): Promise<void> {
    await this.#options.pipeline.close?.();
  }

  /** Leaves of the round that a task belongs to. */
  numLeaves(place: BatchPlace): number {
    return this.#rounds.numLeaves(place);
  }

  /** Fetches what a task needs that is not here yet, in few requests. */
  async fetch(task: NodeTask): Promise<void> {
    const split = splitOf(task.kind);
    const needed = this.#rounds.ofTask(task);
    await this.#features.fetch(split, needed);
    const missing = needed.filter((index) => !this.#features.has(split, index));
    await this.#samples.fetch(split, missing);
  }

  /**
   * Fetches the samples of the same leaves one batch on, and prepares those that are computed `first`: most likely they are
   * this worker's too. Bound: the leaves of one call.
   */
  async prefetchNext(task: NodeTask, first: readonly number[]): Promise<void> {
    if (task.kind !== 'train') return;
    const next = this.#rounds.next(task);
    await this.fetch(next);
    this.#early.clear();
    for (const leaf of first) {
      const prepared = this.#prepare(next, leaf);
      // It is prepared again when its turn comes.
      prepared.catch(() => {});
      this.#early.set(keyOf(next, leaf), prepared);
    }
  }

  /** Prepares one leaf: decoded, augmented, normalised, mixed, padded with samples of weight 0. */
  async leaf(task: NodeTask, leaf: number): Promise<PreparedLeaf> {
    const key = keyOf(task, leaf);
    const early = await this.#early.get(key)?.catch(() => undefined);
    this.#early.delete(key);
    return early ?? (await this.#prepare(task, leaf));
  }

  async #prepare(task: NodeTask, leaf: number): Promise<PreparedLeaf> {
    const { config, pipeline } = this.#options;
    const { microBatch } = config.training;
    const samples = this.#rounds.ofLeaf(task, leaf);
    const split = splitOf(task.kind);
    const known = this.#features.known(split, samples, microBatch);
    const isAllKnown = known !== undefined && known.rows.size === samples.length;
    const mixtures = this.#mixtures(task, samples);
    const { bad, shares, ...inputs } = await finishedLeaf(
      {
        ...{ pipeline, microBatch, numSamples: samples.length },
        imageFloats: isAllKnown ? 0 : config.data.channels * config.model.imageSize ** 2,
        epoch: split === 'train' ? task.epoch : undefined,
        read: async (place) =>
          known?.rows.has(place)
            ? undefined
            : await this.#samples.get(split, samples[place] as number),
      },
      {
        mixtures,
        imageSize: config.model.imageSize,
        isHalved: config.data.transfer === 'float16',
      },
    );
    const computed = [...samples.entries()]
      .filter(([place]) => known !== undefined && inputs.weights[place] === 1)
      .map(([place, index]) => ({ place, index, label: inputs.labels[place] ?? 0 }));
    for (const [place, { label }] of known?.rows ?? []) {
      inputs.labels[place] = label;
      inputs.weights[place] = 1;
    }
    const mix =
      mixtures && shares ? { labels: mixedLabels(inputs.labels, mixtures), shares } : undefined;
    const { classWeights } = config.training;
    if (split === 'train' && classWeights !== 'none') weighClasses(inputs, mix, classWeights);
    return {
      inputs: {
        ...inputs,
        ...(split === 'train' && { noise: { seed: config.seed, epoch: task.epoch, samples } }),
        ...(mix && { mix }),
      },
      badSamples: bad
        .map(({ place, error }) => ({ index: samples[place] as number, reason: error.sentence }))
        .sort((a, b) => a.index - b.index),
      features: known?.features,
      unknown: computed,
    };
  }

  /** Keeps the features that a leaf was computed with; returns those that were not known before. */
  keep(task: NodeTask, leaf: PreparedLeaf, values: Float32Array | undefined): FeatureRow[] {
    if (values === undefined) return [];
    const { width } = this.#options;
    return leaf.unknown.map(({ place, index, label }) => {
      const row = { index, label, values: values.slice(place * width, (place + 1) * width) };
      this.#features.keep(splitOf(task.kind), row);
      return row;
    });
  }

  /** How the images of a training leaf are mixed; undefined where none are. */
  #mixtures(task: NodeTask, samples: Uint32Array): readonly Mixture[] | undefined {
    const { config } = this.#options;
    if (splitOf(task.kind) !== 'train' || !mixesImages(config)) return undefined;
    const { seed, data, model } = config;
    const { imageSize } = model;
    return planMixing(data.augment, { seed, epoch: task.epoch, samples, imageSize });
  }
}

function keyOf({ kind, epoch, batch }: BatchPlace, leaf: number): string {
  return `${kind} ${epoch} ${batch} ${leaf}`;
}
