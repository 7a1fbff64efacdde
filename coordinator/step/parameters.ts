/**
 * @file The parameters of the run, the optimizer's state, and the step from one version to the next.
 *
 * Two buffers: a step writes the new version into the spare one and then swaps, so a puller that reads
 * `parameters` never sees a mixture of two versions. The buffer of the version before is written to
 * by the step after: who still holds it then must ask for its version again.
 */
import { DIVERGED_HINT } from '../../shared/core/divergence.ts';
import { assert, TesseraError } from '../../shared/core/errors.ts';
import { sha256OfBytes } from '../../shared/files/digest.ts';
import { brokenTensor, type ParameterTable } from '../../shared/model/parameters.ts';
import { averageDecayAt } from '../../shared/training/average.ts';
import { clipScale } from '../../shared/training/clip.ts';
import { type OptimizerState, optimizerState } from '../../shared/training/optimizer.ts';
import type { OptimizerConfig } from '../../shared/training/options.ts';
import { addSums, type ParameterSums } from '../../shared/training/parameter-sums.ts';
import { inlineReducers, type Reducers } from '../reducers/reducers.ts';
import { RoundedParameters } from './rounded.ts';

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
  /** Who does the arithmetic; the main thread unless given. */
  readonly reducers?: Reducers | undefined;
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
  readonly reducers: Reducers;
  readonly #config: OptimizerConfig;
  readonly #averageDecay: number;
  /** Changed in place by a step. */
  readonly #average: Float32Array | undefined;
  readonly #rounded: RoundedParameters;
  #parameters: Float32Array;
  #spare: Float32Array;
  #version: number;
  /** Of the values that do not train, once they are known; of those that do, at this version. */
  #frozenSums: ParameterSums | undefined;
  #trainableSums: ParameterSums | undefined;

  constructor(start: ParameterStoreStart) {
    const { config, table, parameters, frozen = 0, averageDecay = 0, version = 0 } = start;
    const { reducers = inlineReducers() } = start;
    const { vectors } = reducers;
    assert(parameters.length === table.size, 'the parameters fill their table');
    this.table = table;
    this.frozen = frozen;
    this.trainable = table.size - frozen;
    this.reducers = reducers;
    this.#config = config;
    this.#averageDecay = averageDecay;
    const { average } = start;
    if (averageDecay !== 0) {
      this.#average = average ? vectors.adopt(average) : vectors.copyOf(parameters);
    }
    this.#parameters = vectors.adopt(parameters);
    // Frozen values are never written again, so both buffers need them.
    this.#spare = frozen === 0 ? vectors.float32(table.size) : vectors.copyOf(this.#parameters);
    this.state =
      start.state === undefined
        ? optimizerState(config, this.trainable, vectors.zeros.bind(vectors))
        : adoptAll(start.state, vectors.adopt.bind(vectors));
    this.#version = version;
    this.#rounded = new RoundedParameters(reducers);
  }

  /** The present version, in table order. Only to be read. */
  get parameters(): Float32Array {
    return this.#parameters;
  }

  /** The present version as bfloat16, made once for all who pull it. Only to be read. */
  rounded(): Promise<Uint16Array> {
    return this.#rounded.of(this.#version, this.#parameters);
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
    const { squares } = await this.reducers.run({
      ...{ type: 'squares', vectors: { values: gradient } },
      ...{ from: 0, to: gradient.length },
    });
    const gradientNorm = Math.sqrt(squares) / samples;
    if (!Number.isFinite(gradientNorm))
      throw nonFinite(`the gradient of step ${step} is not finite`);
    const { table, frozen, state } = this;
    const scale = clipScale(gradientNorm, clipNorm) / samples;
    const { areFinite, sums } = await this.reducers.run({
      type: 'step',
      vectors: { parameters: this.#parameters, into: this.#spare, gradient },
      state,
      settings: { config: this.#config, table, frozen, learningRate, step, scale },
      ...{ from: frozen, to: table.size },
    });
    if (!areFinite) {
      throw nonFinite(
        `step ${step} makes parameters that are not finite: ${brokenTensor(this.#spare, table)}`,
      );
    }
    await this.#refuseHugeSquares(step, gradientNorm);
    [this.#parameters, this.#spare] = [this.#spare, this.#parameters];
    this.#version = step;
    this.#trainableSums = sums;
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
    const job = { type: 'finite', vectors: { values: v }, from: 0, to: v.length } as const;
    if ((await this.reducers.run(job)).areFinite) return;
    throw nonFinite(
      `the gradient of step ${step} is too large: its norm is ${norm.toPrecision(3)}`,
    );
  }

  /** Takes the present version into the average. */
  async #moveAverage(step: number): Promise<void> {
    const average = this.#average;
    if (average === undefined) return;
    const decay = averageDecayAt(this.#averageDecay, step);
    await this.reducers.run({
      ...{ type: 'average', vectors: { average, values: this.#parameters }, decay },
      ...{ from: this.frozen, to: average.length },
    });
  }

  /** Two sums of the bits of the present version, of what is frozen too; not of the average. */
  async sums(): Promise<ParameterSums> {
    this.#frozenSums ??= await this.#sumsOf(0, this.frozen);
    this.#trainableSums ??= await this.#sumsOf(this.frozen, this.table.size);
    return addSums(this.#frozenSums, this.#trainableSums);
  }

  async #sumsOf(from: number, to: number): Promise<ParameterSums> {
    const vectors = { values: this.#parameters };
    return (await this.reducers.run({ type: 'sums', vectors, from, to })).sums;
  }

  /** SHA-256 of the present version's bytes (float32, little endian, table order), in hex. */
  sha256(): Promise<string> {
    return sha256OfBytes(this.#parameters);
  }
}

function adoptAll(
  state: OptimizerState,
  adopt: (vector: Float32Array) => Float32Array,
): OptimizerState {
  return Object.fromEntries(Object.entries(state).map(([name, vector]) => [name, adopt(vector)]));
}

function nonFinite(sentence: string): TesseraError {
  return new TesseraError('NON_FINITE', sentence, { hint: DIVERGED_HINT });
}
