/**
 * @file AdamW, Adam and SGD with momentum as pure functions over flat vectors, a slice at a time.
 *
 * Arithmetic is float64 within an element and rounded to float32 where it is stored.
 *
 * Source  AdamW: arXiv:1711.05101, algorithm 2, as torch.optim.AdamW; Adam: the same with coupled weight decay
 *         (it is part of the gradient), as torch.optim.Adam; SGD: as torch.optim.SGD with dampening 0, no
 *         Nesterov and coupled weight decay.
 */

import { assert } from '../core/errors.ts';
import type { AdamScalars } from '../kernels/module.ts';
import { kernelsFor } from '../kernels/vectors.ts';
import type { ParameterTable } from '../model/parameters.ts';
import type { OptimizerConfig } from './options.ts';

/** What an optimizer remembers between steps, by name: each vector has the layout of what trains. */
export type OptimizerState = Readonly<Record<string, Float32Array>>;

/** One slice of one optimizer step. */
export interface ParameterUpdate {
  readonly config: OptimizerConfig;
  readonly table: ParameterTable;
  readonly parameters: Float32Array;
  /** Where the new parameters are written; may be `parameters` itself. */
  readonly into: Float32Array;
  /** Values at the beginning that are not stepped; gradient and state have none of them. */
  readonly frozen: number;
  readonly gradient: Float32Array;
  /** Changed in place. */
  readonly state: OptimizerState;
  /** Of the layers at the top; `layerRate` has those below. */
  readonly learningRate: number;
  /** Counted from 1. */
  readonly step: number;
  /** Factor on the gradient: 1 / samples times the clip factor, folded in to save a pass. */
  readonly scale: number;
  /** Half-open slice [first, limit) of the parameters. */
  readonly first: number;
  readonly limit: number;
}

/**
 * Learning rate of a layer over that of the head: `layerDecay` for each layer between.
 *
 * Source  ELECTRA (arXiv:2003.10555), BEiT (arXiv:2106.08254); layers as in timm.
 */
export function layerRate(layerDecay: number, layer: number, topLayer: number): number {
  return layerDecay ** (topLayer - layer);
}

/** Fresh state of an optimizer: zeros, in vectors that `zeros` makes. */
export function optimizerState(
  config: OptimizerConfig,
  size: number,
  zeros = (length: number): Float32Array => new Float32Array(length),
): OptimizerState {
  return Object.fromEntries(stateNames(config).map((name) => [name, zeros(size)]));
}

/** Names of the state's vectors: m and v are the moments of Adam. */
function stateNames(config: OptimizerConfig): readonly string[] {
  if (config.name !== 'sgd') return ['m', 'v'];
  return config.momentum === 0 ? [] : ['momentum'];
}

/**
 * Takes one optimizer step over a slice; weight decay skips the tensors that do not decay. Returns whether all values
 * that it made are finite: known at hand, that costs less than another look at them.
 */
export function updateParameters(update: ParameterUpdate): boolean {
  const { config, table } = update;
  const topLayer = table.entries.at(-1)?.layer ?? 0;
  let areFinite = true;
  for (const { offset, size, decays, layer } of table.entries) {
    const first = Math.max(offset, update.first, update.frozen);
    const limit = Math.min(offset + size, update.limit);
    if (first >= limit) continue;
    const run = {
      ...update,
      first,
      limit,
      learningRate: update.learningRate * layerRate(config.layerDecay, layer, topLayer),
      weightDecay: decays ? config.weightDecay : 0,
    };
    if (!(config.name === 'sgd' ? sgdRun(run) : adamRun(run))) areFinite = false;
  }
  return areFinite;
}

/** A slice of one tensor, whose rate and decay are its own. */
interface TensorUpdate extends ParameterUpdate {
  readonly weightDecay: number;
}

function adamRun(update: TensorUpdate): boolean {
  const { parameters, into, gradient, first, limit, frozen } = update;
  const m = vectorOf(update, 'm');
  const v = vectorOf(update, 'v');
  const scalars = adamScalars(update);
  const kernels = kernelsFor(parameters, into, gradient, m, v);
  if (kernels === undefined) return adamLoop(update, { m, v }, scalars);
  const at = 4 * first;
  const from = 4 * (first - frozen);
  const areFinite = kernels.adam(
    parameters.byteOffset + at,
    into.byteOffset + at,
    gradient.byteOffset + from,
    m.byteOffset + from,
    v.byteOffset + from,
    limit - first,
    ...scalars,
  );
  return areFinite === 1;
}

function adamScalars(update: TensorUpdate): AdamScalars {
  const { config, learningRate, weightDecay, step, scale } = update;
  const { beta1, beta2, epsilon } = config;
  const isCoupled = config.name === 'adam';
  const stepSize = learningRate / (1 - beta1 ** step);
  const inverseRoot2 = 1 / Math.sqrt(1 - beta2 ** step);
  const keep = isCoupled ? 1 : 1 - learningRate * weightDecay;
  const coupled = isCoupled ? weightDecay : 0;
  return [
    ...([scale, coupled, keep] as const),
    ...([beta1, 1 - beta1, beta2, 1 - beta2] as const),
    ...([stepSize, inverseRoot2, epsilon] as const),
  ];
}

/** What the kernel does, over plain locals. */
function adamLoop(
  { parameters, into, gradient, first, limit, frozen }: TensorUpdate,
  { m, v }: { readonly m: Float32Array; readonly v: Float32Array },
  scalars: AdamScalars,
): boolean {
  const [scale, coupled, keep, beta1, gain1, beta2, gain2, stepSize, inverseRoot2, epsilon] =
    scalars;
  // Stays 0: a NaN or an infinity times 0 is NaN.
  let zero = 0;
  for (let i = first, t = first - frozen; i < limit; i += 1, t += 1) {
    const parameter = parameters[i] as number;
    const g = (gradient[t] as number) * scale + coupled * parameter;
    const mean = beta1 * (m[t] as number) + gain1 * g;
    const square = beta2 * (v[t] as number) + gain2 * g * g;
    m[t] = mean;
    v[t] = square;
    const denominator = Math.sqrt(square) * inverseRoot2 + epsilon;
    const next = Math.fround(keep * parameter - (stepSize * mean) / denominator);
    into[i] = next;
    zero += 0 * next;
  }
  return zero === 0;
}

function sgdRun(update: TensorUpdate): boolean {
  const { config, parameters, into, gradient, first, limit, scale, frozen } = update;
  const { learningRate, weightDecay } = update;
  const { momentum } = config;
  const velocity = momentum === 0 ? undefined : vectorOf(update, 'momentum');
  const others = velocity === undefined ? [] : [velocity];
  const kernels = kernelsFor(parameters, into, gradient, ...others);
  if (kernels !== undefined) {
    const at = 4 * first;
    const from = 4 * (first - frozen);
    const vectors = [
      parameters.byteOffset + at,
      into.byteOffset + at,
      gradient.byteOffset + from,
    ] as const;
    const count = limit - first;
    const areFinite =
      velocity === undefined
        ? kernels.sgd(...vectors, count, scale, weightDecay, learningRate)
        : kernels.sgdMomentum(
            ...vectors,
            velocity.byteOffset + from,
            count,
            scale,
            weightDecay,
            learningRate,
            momentum,
          );
    return areFinite === 1;
  }
  let zero = 0;
  for (let i = first, t = first - frozen; i < limit; i += 1, t += 1) {
    const parameter = parameters[i] as number;
    let speed = (gradient[t] as number) * scale + weightDecay * parameter;
    if (velocity !== undefined) {
      speed += momentum * (velocity[t] as number);
      velocity[t] = speed;
    }
    const next = Math.fround(parameter - learningRate * speed);
    into[i] = next;
    zero += 0 * next;
  }
  return zero === 0;
}

function vectorOf(update: ParameterUpdate, name: string): Float32Array {
  const vector = update.state[name];
  assert(
    vector?.length === update.table.size - update.frozen,
    `the optimizer's state has "${name}"`,
  );
  return vector;
}
