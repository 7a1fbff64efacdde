/** @file The optimizer step of a run for a program's own loop: clipping, schedule, weight decay, as the coordinator takes it. */
import { tf } from '../../shared/compute/engines/tfjs-here.ts';
import type { RunConfig } from '../../shared/config/schema.ts';
import { DIVERGED_HINT } from '../../shared/core/divergence.ts';
import { TesseraError } from '../../shared/core/errors.ts';
import {
  flatten,
  frozenSize,
  type ParameterEntry,
  parameterTable,
  parameterView,
} from '../../shared/model/parameters.ts';
import { type ParameterTensors, parameterOf } from '../../shared/model/tensors.ts';
import type { ModelConfig } from '../../shared/model/variants.ts';
import { clipScale, sumOfSquares } from '../../shared/training/clip.ts';
import {
  type OptimizerState,
  optimizerState,
  updateParameters,
} from '../../shared/training/optimizer.ts';
import { learningRateAt } from '../../shared/training/schedule.ts';

/** What a step came to. */
export interface OptimizerStep {
  /** Counted from 1. */
  readonly step: number;
  readonly learningRate: number;
  /** Of the gradient before it is clipped. */
  readonly gradientNorm: number;
}

/** Takes the optimizer steps of a config, one after the other. */
export class Optimizer {
  readonly #training: RunConfig['training'];
  readonly #model: ModelConfig;
  readonly #frozen: number;
  readonly #totalSteps: number;
  readonly #state: OptimizerState;
  #step = 0;

  /** Throws  USAGE for the schedule `plateau`, which follows evaluations. */
  constructor({ training, model: { freeze } }: RunConfig, model: ModelConfig, totalSteps: number) {
    if (training.schedule.name === 'plateau') {
      throw new TesseraError('USAGE', 'the schedule plateau follows the evaluations of a run', {
        hint: 'choose another for a loop of your own: --set training.schedule.name=cosine',
      });
    }
    this.#training = training;
    this.#model = model;
    this.#frozen = frozenSize(model, freeze);
    this.#totalSteps = totalSteps;
    this.#state = optimizerState(training.optimizer, parameterTable(model).size - this.#frozen);
  }

  /**
   * Changes the variables in place by the gradients of the mean loss, which have the same names; what is frozen needs none.
   *
   * Throws  USAGE when a gradient or a variable is missing; NON_FINITE, and then nothing is changed.
   */
  step(parameters: ParameterTensors<tf.Variable>, gradients: ParameterTensors): OptimizerStep {
    const { optimizer: config, schedule, clipNorm } = this.#training;
    const table = parameterTable(this.#model);
    const frozen = this.#frozen;
    const values = flatten(table, (entry) => valuesOf(parameters, entry));
    const gradient = new Float32Array(table.size - frozen);
    const trained = table.entries.filter(({ offset }) => offset >= frozen);
    for (const entry of trained) gradient.set(valuesOf(gradients, entry), entry.offset - frozen);
    const gradientNorm = Math.sqrt(sumOfSquares(gradient));
    if (!Number.isFinite(gradientNorm)) throw nonFinite(`the gradient of step ${this.#step + 1}`);
    const learningRate = learningRateAt(
      schedule,
      config.learningRate,
      this.#step,
      this.#totalSteps,
    );
    const step = this.#step + 1;
    const areFinite = updateParameters({
      ...{ config, table, frozen, gradient, state: this.#state, learningRate, step },
      ...{ parameters: values, into: values, scale: clipScale(gradientNorm, clipNorm) },
      ...{ first: frozen, limit: table.size },
    });
    if (!areFinite) throw nonFinite(`what step ${step} makes`);
    for (const entry of trained) {
      const next = tf.tensor(parameterView(values, entry).slice(), [...entry.shape]);
      parameterOf<tf.Variable>(parameters, entry.name).assign(next);
      next.dispose();
    }
    this.#step = step;
    return { step, learningRate, gradientNorm };
  }
}

/** The values of a tensor by its name. Throws  USAGE when it is missing, or of another size. */
function valuesOf(tensors: ParameterTensors, { name, shape, size }: ParameterEntry): Float32Array {
  const tensor = parameterOf(tensors, name);
  if (tensor.size === size) return tensor.dataSync<'float32'>();
  throw new TesseraError('USAGE', `${name} is [${tensor.shape}], and the model has [${shape}]`);
}

function nonFinite(what: string): TesseraError {
  return new TesseraError('NON_FINITE', `${what} is not finite`, { hint: DIVERGED_HINT });
}
