/**
 * @file The parameters of the run, the optimizer's state, and the step from one version to the next.
 *
 * Two buffers: a step writes the new version into the spare one and then swaps, so a puller that reads
 * `parameters` never sees a mixture of two versions. The buffer of the version before is written to
 * by the step after: who still holds it then must ask for its version again.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { DIVERGED_HINT } from '../../shared/core/divergence.ts';
import { assert, TesseraError } from '../../shared/core/errors.ts';
import { firstNonFinite, type ValueType } from '../../shared/core/floats.ts';
import { sha256OfBytes } from '../../shared/files/digest.ts';
import { brokenTensor, type ParameterTable } from '../../shared/model/parameters.ts';
import { averageDecayAt, updateAverage } from '../../shared/training/average.ts';
import { clipScale, sumOfSquares } from '../../shared/training/clip.ts';
import {
  type OptimizerState,
  optimizerState,
  updateParameters,
} from '../../shared/training/optimizer.ts';
import type { OptimizerConfig } from '../../shared/training/options.ts';
import {
  addSums,
  NO_SUMS,
  type ParameterSums,
  parameterSums,
} from '../../shared/training/parameter-sums.ts';
import { nodeAdder } from '../../shared/training/reduction.ts';

/** Elements between two turns of the event loop: some milliseconds, so that heartbeats are served. */
const SLICE_ELEMENTS = 2 ** 20;

/** A gradient of a smaller norm has squares that a float32 holds. */
const SQUARES_FIT = 1e18;

/** What a store begins with: fresh parameters, or those of a checkpoint. */
export interface ParameterStoreStart {
  readonly config: OptimizerConfig;
  readonly table: ParameterTable;
  /** Values at the beginning that do not train. */
  readonly frozen?: number;
  /** Decay of the moving average of the weights (0: none). */
  readonly averageDecay?: number;
  /** The store's own from here on. */
  readonly parameters: Float32Array;
  /** With a checkpoint: the optimizer's state, the average, and the steps taken. */
  readonly state?: OptimizerState;
  readonly average?: Float32Array | undefined;
  readonly version?: number;
}

/** A complete sum of gradients, and how to step with it. */
export interface StepInputs {
  /** Of what trains: a sum over samples, never a mean (promise P1). */
  readonly gradientSum: Float32Array;
  readonly samples: number;
  /** Counted from 1: the version that this step makes. */
  readonly step: number;
  readonly learningRate: number;
  /** 0: no clipping. */
  readonly clipNorm: number;
}

/** Holds one version of the parameters and makes the next. */
export class ParameterStore {
  readonly table: ParameterTable;
  /** Values at the beginning that stay as they are. */
  readonly frozen: number;
  /** Values that train, and that a gradient has. */
  readonly trainable: number;
  /** Changed in place by a step. */
  readonly state: OptimizerState;
  readonly #config: OptimizerConfig;
  readonly #averageDecay: number;
  /** Changed in place by a step. */
  readonly #average: Float32Array | undefined;
  #parameters: Float32Array;
  #spare: Float32Array;
  #version: number;
  /** Of the values that do not train, once they are known. */
  #frozenSums: ParameterSums | undefined;

  constructor(start: ParameterStoreStart) {
    const { config, table, parameters, frozen = 0, averageDecay = 0, version = 0 } = start;
    assert(parameters.length === table.size, 'the parameters fill their table');
    this.table = table;
    this.frozen = frozen;
    this.trainable = table.size - frozen;
    this.state = start.state ?? optimizerState(config, this.trainable);
    this.#config = config;
    this.#averageDecay = averageDecay;
    this.#parameters = parameters;
    // Frozen values are never written again, so both buffers need them.
    this.#spare = frozen === 0 ? new Float32Array(table.size) : parameters.slice();
    this.#average = averageDecay === 0 ? undefined : (start.average ?? parameters.slice());
    this.#version = version;
  }

  /** The present version, in table order. Only to be read. */
  get parameters(): Float32Array {
    return this.#parameters;
  }

  /** The moving average of the weights up to the present version, where there is one. Only to be read. */
  get average(): Float32Array | undefined {
    return this.#average;
  }

  /** Steps taken. */
  get version(): number {
    return this.#version;
  }

  /**
   * Makes the next version: divides by the sample count, clips by global norm, steps the optimizer.
   *
   * Throws  NON_FINITE when the gradient or what it makes has a NaN or an infinity: the present version stays. The run
   *         is over then, since the optimizer's state may be half way.
   */
  async applyStep(inputs: StepInputs): Promise<{ gradientNorm: number }> {
    const { gradientSum: gradient, samples, step, learningRate, clipNorm } = inputs;
    assert(gradient.length === this.trainable, 'the gradient has what trains');
    assert(samples > 0, 'a step has samples');
    assert(step === this.#version + 1, `step ${step} follows version ${this.#version}`);
    const gradientNorm = (await normOf(gradient)) / samples;
    if (!Number.isFinite(gradientNorm))
      throw nonFinite(`the gradient of step ${step} is not finite`);
    const update = {
      config: this.#config,
      table: this.table,
      parameters: this.#parameters,
      into: this.#spare,
      frozen: this.frozen,
      gradient,
      state: this.state,
      learningRate,
      step,
      scale: clipScale(gradientNorm, clipNorm) / samples,
    };
    await inSlices(this.table.size, (first, limit) => {
      if (updateParameters({ ...update, first, limit })) return;
      throw nonFinite(
        `step ${step} makes parameters that are not finite: ${brokenTensor(this.#spare, this.table)}`,
      );
    });
    await this.#refuseHugeSquares(step, gradientNorm);
    [this.#parameters, this.#spare] = [this.#spare, this.#parameters];
    this.#version = step;
    // After the new version, so that no pull of the old version's average gets a mixture.
    await this.#moveAverage(step);
    return { gradientNorm };
  }

  /**
   * Makes the next version of a step without a single sample: it is counted, so that schedules and versions continue, and
   * parameters, moments and average stay as they are.
   */
  skipStep(step: number): void {
    assert(step === this.#version + 1, `step ${step} follows version ${this.#version}`);
    this.#version = step;
  }

  /** The second moment of Adam holds squares, which overflow long before a gradient does; its parameter never moves again. */
  async #refuseHugeSquares(step: number, norm: number): Promise<void> {
    const { v } = this.state;
    if (v === undefined || norm < SQUARES_FIT) return;
    await inSlices(v.length, (first, limit) => {
      if (firstNonFinite(v, first, limit) < 0) return;
      throw nonFinite(
        `the gradient of step ${step} is too large: its norm is ${norm.toPrecision(3)}`,
      );
    });
  }

  /** Takes the present version into the average. */
  async #moveAverage(step: number): Promise<void> {
    const average = this.#average;
    if (average === undefined) return;
    const decay = averageDecayAt(this.#averageDecay, step);
    await inSlices(average.length, (first, limit) =>
      updateAverage(average, this.#parameters, decay, Math.max(first, this.frozen), limit),
    );
  }

  /** Two sums of the bits of the present version, of what is frozen too; not of the average. */
  async sums(): Promise<ParameterSums> {
    const values = this.#parameters;
    this.#frozenSums ??= await sumsOf(values, 0, this.frozen);
    return addSums(this.#frozenSums, await sumsOf(values, this.frozen, values.length));
  }

  /** SHA-256 of the present version's bytes (float32, little endian, table order), in hex. */
  sha256(): Promise<string> {
    return sha256OfBytes(this.#parameters);
  }
}

/** Adds `source` to `target` elementwise, rounded to the type of nodes, and lets the event loop turn between slices. */
export function addSlices(
  target: Float32Array,
  source: Float32Array,
  type: ValueType = 'f32',
): Promise<void> {
  const add = nodeAdder(type);
  return inSlices(target.length, (first, limit) => add(target, source, first, limit));
}

async function normOf(vector: Float32Array): Promise<number> {
  let sum = 0;
  await inSlices(vector.length, (first, limit) => {
    sum = sumOfSquares(vector, first, limit, sum);
  });
  return Math.sqrt(sum);
}

async function sumsOf(vector: Float32Array, from: number, to: number): Promise<ParameterSums> {
  let sums = NO_SUMS;
  await inSlices(to - from, (first, limit) => {
    sums = addSums(sums, parameterSums(vector, from + first, from + limit));
  });
  return sums;
}

async function inSlices(size: number, work: (first: number, limit: number) => void): Promise<void> {
  for (let first = 0; first < size; first += SLICE_ELEMENTS) {
    if (first > 0) await nextTurn();
    work(first, Math.min(first + SLICE_ELEMENTS, size));
  }
}

function nonFinite(sentence: string): TesseraError {
  return new TesseraError('NON_FINITE', sentence, { hint: DIVERGED_HINT });
}
