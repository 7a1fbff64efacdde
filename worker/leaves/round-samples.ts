/** @file Which samples a round, a task and a leaf have: the worker's view of the sampler. */
import type { RunConfig } from '../../shared/config/schema.ts';
import { splitOf } from '../../shared/core/work.ts';
import {
  batchIndices,
  leafIndices,
  numBatches,
  numLeaves,
  sequentialIndices,
} from '../../shared/data/sampler.ts';
import type { Split } from '../../shared/data/source.ts';
import type { NodeTask } from '../core/messages.ts';

/** The part of a task that decides its samples. */
export type BatchPlace = Pick<NodeTask, 'kind' | 'epoch' | 'batch'>;

/** The samples of rounds; those of the last one are remembered. */
export class RoundSamples {
  readonly #config: Pick<RunConfig, 'seed' | 'training'>;
  readonly #sizes: Readonly<Record<Split, number>>;
  #last: { readonly key: string; readonly indices: Uint32Array } = {
    key: '',
    indices: new Uint32Array(),
  };

  constructor(config: RunConfig, sizes: Readonly<Record<Split, number>>) {
    this.#config = config;
    this.#sizes = sizes;
  }

  /** Leaves of a round. */
  numLeaves(place: BatchPlace): number {
    return numLeaves(this.#indices(place).length, this.#config.training.microBatch);
  }

  /** Samples of one leaf, in its order. */
  ofLeaf(place: BatchPlace, leaf: number): Uint32Array {
    return leafIndices(this.#indices(place), leaf, this.#config.training.microBatch);
  }

  /** Samples of all leaves of a task. */
  ofTask(task: NodeTask): number[] {
    const { microBatch } = this.#config.training;
    const indices = this.#indices(task);
    return [...indices.subarray(task.first * microBatch, (task.first + task.count) * microBatch)];
  }

  /** The same leaves of the training batch after a task's. */
  next(task: NodeTask): NodeTask {
    const isLast = task.batch + 1 >= numBatches(this.#sizes.train, this.#config.training.batchSize);
    return isLast
      ? { ...task, epoch: task.epoch + 1, batch: 0 }
      : { ...task, batch: task.batch + 1 };
  }

  #indices(place: BatchPlace): Uint32Array {
    const sizes = this.#sizes;
    if (place.kind !== 'train') {
      return this.#remember(place.kind, () => sequentialIndices(sizes[splitOf(place.kind)]));
    }
    return this.#remember(`${place.epoch}/${place.batch}`, () =>
      batchIndices({
        seed: this.#config.seed,
        epoch: place.epoch,
        batch: place.batch,
        numSamples: sizes.train,
        batchSize: this.#config.training.batchSize,
      }),
    );
  }

  #remember(key: string, compute: () => Uint32Array): Uint32Array {
    if (this.#last.key !== key) this.#last = { key, indices: compute() };
    return this.#last.indices;
  }
}
