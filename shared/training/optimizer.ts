/**
 * @file AdamW and SGD with momentum as pure functions over flat vectors, a slice at a time.
 *
 * Arithmetic is float64 within an element and rounded to float32 where it is stored.
 *
 * Source  AdamW: arXiv:1711.05101, algorithm 2, as torch.optim.AdamW; SGD: as torch.optim.SGD with
 *         dampening 0 and no Nesterov (its weight decay is coupled: it is part of the gradient).
 */
import type { OptimizerConfig } from '../config/schema.ts';
import { assert } from '../core/errors.ts';
import type { ParameterTable } from '../model/parameters.ts';

/** What an optimizer remembers between steps, by name: each vector has the parameters' layout. */
export type OptimizerState = Readonly<Record<string, Float32Array>>;

/** One slice of one optimizer step. */
export interface ParameterUpdate {
  readonly config: OptimizerConfig;
  readonly table: ParameterTable;
  readonly parameters: Float32Array;
  /** Where the new parameters are written; may be `parameters` itself. */
  readonly into: Float32Array;
  readonly gradient: Float32Array;
  /** Changed in place. */
  readonly state: OptimizerState;
  readonly learningRate: number;
  /** Counted from 1. */
  readonly step: number;
  /** Factor on the gradient: 1 / samples times the clip factor, folded in to save a pass. */
  readonly scale: number;
  /** Half-open slice [first, limit) of the vectors. */
  readonly first: number;
  readonly limit: number;
}

/** Fresh state of an optimizer: zeros. */
export function optimizerState(config: OptimizerConfig, size: number): OptimizerState {
  return Object.fromEntries(stateNames(config).map((name) => [name, new Float32Array(size)]));
}

/** Names of the state's vectors: m and v are the moments of Adam. */
function stateNames(config: OptimizerConfig): readonly string[] {
  if (config.name === 'adamw') return ['m', 'v'];
  return config.momentum === 0 ? [] : ['momentum'];
}

/** Takes one optimizer step over a slice; weight decay skips the tensors that do not decay. */
export function updateParameters(update: ParameterUpdate): void {
  const updateRun = update.config.name === 'adamw' ? adamwRun : sgdRun;
  for (const { offset, size, decays } of update.table.entries) {
    const first = Math.max(offset, update.first);
    const limit = Math.min(offset + size, update.limit);
    if (first < limit) updateRun(update, first, limit, decays ? update.config.weightDecay : 0);
  }
}

/** Loops over plain locals: this is half of the coordinator's time in a step. */
function adamwRun(update: ParameterUpdate, first: number, limit: number, weightDecay: number) {
  const { config, parameters, into, gradient, learningRate, step, scale } = update;
  const { beta1, beta2, epsilon } = config;
  const m = vectorOf(update, 'm');
  const v = vectorOf(update, 'v');
  const gain1 = 1 - beta1;
  const gain2 = 1 - beta2;
  const stepSize = learningRate / (1 - beta1 ** step);
  const inverseRoot2 = 1 / Math.sqrt(1 - beta2 ** step);
  const keep = 1 - learningRate * weightDecay;
  for (let i = first; i < limit; i += 1) {
    const g = (gradient[i] as number) * scale;
    const mean = beta1 * (m[i] as number) + gain1 * g;
    const square = beta2 * (v[i] as number) + gain2 * g * g;
    m[i] = mean;
    v[i] = square;
    const denominator = Math.sqrt(square) * inverseRoot2 + epsilon;
    into[i] = keep * (parameters[i] as number) - (stepSize * mean) / denominator;
  }
}

function sgdRun(update: ParameterUpdate, first: number, limit: number, weightDecay: number) {
  const { config, parameters, into, gradient, learningRate, scale } = update;
  const { momentum } = config;
  // Without momentum there is no state, and the gradient itself is the velocity.
  const velocity = momentum === 0 ? into : vectorOf(update, 'momentum');
  for (let i = first; i < limit; i += 1) {
    const parameter = parameters[i] as number;
    const g = (gradient[i] as number) * scale + weightDecay * parameter;
    const speed = momentum === 0 ? g : momentum * (velocity[i] as number) + g;
    velocity[i] = speed;
    into[i] = parameter - learningRate * speed;
  }
}

function vectorOf(update: ParameterUpdate, name: string): Float32Array {
  const vector = update.state[name];
  assert(vector?.length === update.table.size, `the optimizer's state has "${name}"`);
  return vector;
}
