/**
 * @file What a model starts from: initial values by name, from the seed alone.
 *
 * Source  the ViT paper's own code (vit_jax): Glorot-uniform layers, LeCun patch embedding, normal
 *         positions, and zeros for the class token, the biases and the head.
 */
import { randomNormal, randomUnit } from '../core/random.ts';
import { type ParameterEntry, parameterTable, parameterView } from './parameters.ts';
import type { ModelConfig } from './variants.ts';

/** Initial parameters of a model. Shapes  flat, in table order. */
export function initialParameters(
  model: ModelConfig,
  seed: number,
  positionDeviation = 0.02,
): Float32Array {
  const table = parameterTable(model);
  const flat = new Float32Array(table.size);
  for (const [index, entry] of table.entries.entries()) {
    const values = parameterView(flat, entry);
    if (entry.name === 'pos_embed') {
      for (let i = 0; i < values.length; i += 1) {
        values[i] = positionDeviation * randomNormal(seed, 'init', index, i);
      }
    } else if (/norm\d?\.weight$/.test(entry.name)) {
      values.fill(1);
    } else if (entry.decays && entry.name !== 'head.weight') {
      const bound = uniformBound(entry);
      for (let i = 0; i < values.length; i += 1) {
        values[i] = bound * (2 * randomUnit(seed, 'init', index, i) - 1);
      }
    }
  }
  return flat;
}

/** Largest absolute value that a weight is drawn with. */
function uniformBound({ name, shape, size }: ParameterEntry): number {
  const rows = shape[0] as number;
  const inputs = size / rows;
  // LeCun: variance 1 / inputs; the inputs are pixels and have unit variance.
  if (name === 'patch_embed.proj.weight') return Math.sqrt(3 / inputs);
  // The rows of qkv are three layers, each with as many outputs as inputs.
  const outputs = name.endsWith('qkv.weight') ? rows / 3 : rows;
  return Math.sqrt(6 / (inputs + outputs));
}
