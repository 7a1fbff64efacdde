/** @file What a model starts from: initial values by name, from the seed alone. */
import { randomNormal } from '../core/random.ts';
import { type ParameterEntry, parameterTable } from './parameters.ts';
import type { ModelConfig } from './variants.ts';

/** Deviation of the weights. Source  timm and DeiT: truncated normal of 0.02. */
const WEIGHT_DEVIATION = 0.02;
/** Normal numbers are cut at two deviations by drawing again. */
const TRUNCATION = 2;

/**
 * Initial parameters: truncated normal weights, zero biases, norms that change nothing.
 *
 * The patch embedding is drawn as the linear layer that it is, with 1 / inputs of variance (LeCun),
 * for its inputs are normalised pixels and not tokens.
 *
 * Shapes  flat, in table order.
 */
export function initialParameters(model: ModelConfig, seed: number): Float32Array {
  const table = parameterTable(model);
  const flat = new Float32Array(table.size);
  for (const [index, entry] of table.entries.entries()) {
    const values = flat.subarray(entry.offset, entry.offset + entry.size);
    const deviation = deviationOf(entry);
    if (deviation !== 0) fillTruncatedNormal(values, deviation, seed, index);
    else values.fill(isNormWeight(entry) ? 1 : 0);
  }
  return flat;
}

/** Deviation to draw an entry with; 0 for what starts as a constant. */
function deviationOf(entry: ParameterEntry): number {
  if (entry.name === 'patch_embed.proj.weight') {
    return Math.sqrt((entry.shape[0] as number) / entry.size / 3);
  }
  return entry.decays || entry.name === 'pos_embed' || entry.name === 'cls_token'
    ? WEIGHT_DEVIATION
    : 0;
}

function isNormWeight({ name }: ParameterEntry): boolean {
  return /norm\d?\.weight$/.test(name);
}

function fillTruncatedNormal(
  values: Float32Array,
  deviation: number,
  seed: number,
  tensor: number,
): void {
  for (let i = 0; i < values.length; i += 1) {
    let normal = Number.POSITIVE_INFINITY;
    for (let attempt = 0; Math.abs(normal) > TRUNCATION; attempt += 1) {
      normal = randomNormal(seed, 'init', tensor, i, attempt);
    }
    values[i] = normal * deviation;
  }
}
