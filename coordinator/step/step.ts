/** @file The arithmetic of one step as gradients come in: sum along the tree, then one optimizer step. */

import type { RunConfig } from '../../shared/config/schema.ts';
import type { NodeHeader } from '../../shared/contract/messages.ts';
import { assert } from '../../shared/core/errors.ts';
import type { ValueType } from '../../shared/core/floats.ts';
import type { NodeTotals } from '../../shared/core/work.ts';
import type { StepTimings } from '../../shared/runs/events.ts';
import type { TrainingConfig } from '../../shared/training/options.ts';
import { sumsText } from '../../shared/training/parameter-sums.ts';
import { TreeSum } from '../../shared/training/reduction.ts';
import { learningRateAt } from '../../shared/training/schedule.ts';
import type { ParameterStore, StepInputs } from './parameters.ts';
import { StepStopwatch } from './timings.ts';

/** What a step came to. */
export interface StepResult {
  readonly learningRate: number;
  /** NaN for a step without a sample. */
  readonly gradientNorm: number;
  /** Of the version that it made. */
  readonly parameterSums: string;
  readonly timings: StepTimings;
}

/** Sums the open step's nodes and applies the step when it is complete. */
export class StepArithmetic {
  readonly #store: ParameterStore;
  readonly #training: TrainingConfig;
  readonly #totalSteps: number;
  /** What nodes are rounded to. */
  readonly #gradients: ValueType;
  readonly #stopwatch = new StepStopwatch();
  #sum: TreeSum | undefined;
  /** Additions run one after the other: two at once would only share the thread. */
  #adding: Promise<void> = Promise.resolve();

  constructor(
    store: ParameterStore,
    { training, exchange }: Pick<RunConfig, 'training' | 'exchange'>,
    totalSteps: number,
  ) {
    this.#store = store;
    this.#training = training;
    this.#totalSteps = totalSteps;
    this.#gradients = exchange.gradients;
  }

  /** Adds an accepted node; what goes wrong comes out of `apply`. */
  add(worker: string, node: NodeHeader, gradient: Float32Array, numLeaves: number): void {
    this.#stopwatch.reported(worker, node.timings);
    this.#sum ??= new TreeSum(numLeaves, (target, source) => this.#addInto(target, source));
    const sum = this.#sum;
    this.#adding = this.#adding.then(() =>
      this.#stopwatch.measure('sum', () => sum.add(node, gradient)),
    );
    this.#adding.catch(() => {});
  }

  /**
   * Averages over the samples and steps the optimizer. A step none of whose samples could be read has weight 0: its
   * version is the one before, and it has no gradient norm. `cuts` are those of the schedule `plateau` so far.
   *
   * Throws  NON_FINITE.
   */
  async apply(stepIndex: number, totals: NodeTotals, cuts = 0): Promise<StepResult> {
    await this.#adding;
    const gradientSum = this.#sum?.root?.vector;
    this.#sum = undefined;
    assert(gradientSum !== undefined, 'a complete round has its sum');
    const { schedule, optimizer, clipNorm } = this.#training;
    const learningRate = learningRateAt(
      schedule,
      optimizer.learningRate,
      stepIndex,
      this.#totalSteps,
      cuts,
    );
    const { samples } = totals;
    const step = stepIndex + 1;
    const inputs = { gradientSum, samples, step, learningRate, clipNorm };
    const { gradientNorm } = await this.#stopwatch.measure('optimizer', () => this.#step(inputs));
    this.#store.reducers.vectors.release(gradientSum);
    const parameterSums = sumsText(
      await this.#stopwatch.measure('optimizer', () => this.#store.sums()),
    );
    return { learningRate, gradientNorm, parameterSums, timings: this.#stopwatch.lap() };
  }

  async #addInto(target: Float32Array, source: Float32Array): Promise<void> {
    const { reducers } = this.#store;
    await reducers.run({
      ...{ type: 'add', vectors: { target, source }, sums: this.#gradients },
      ...{ from: 0, to: target.length },
    });
    reducers.vectors.release(source);
  }

  async #step(inputs: StepInputs): Promise<{ readonly gradientNorm: number }> {
    if (inputs.samples > 0) return await this.#store.applyStep(inputs);
    this.#store.skipStep(inputs.step);
    return { gradientNorm: Number.NaN };
  }
}
