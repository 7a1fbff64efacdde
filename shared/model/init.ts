/**
 * @file What a model starts from: initial values by name, from the seed alone.
 *
 * Source  the ViT paper's own code (vit_jax): Glorot-uniform layers, LeCun patch embedding, normal
 *         positions, and zeros for the class token, the biases and the head.
 */
import { randomNormal, randomUnit } from '../core/random.ts';
import { type ParameterEntry, parameterTable, parameterView } from './parameters.ts';
import type { ModelConfig } from './variants.ts';

/** Values that are drawn in some milliseconds. */
const SLICE_VALUES = 2 ** 15;

/** Initial parameters of a model. Shapes  flat, in table order. */
export function initialParameters(
  model: ModelConfig,
  seed: number,
  positionDeviation = 0.02,
): Float32Array {
  const slices = initialSlices(model, seed, positionDeviation);
  for (;;) {
    const { done, value } = slices.next();
    if (done) return value;
  }
}

/** The same in slices of some milliseconds, between which others may have their turn: the largest model takes minutes. */
export function* initialSlices(
  model: ModelConfig,
  seed: number,
  positionDeviation = 0.02,
): Generator<undefined, Float32Array> {
  const table = parameterTable(model);
  const flat = new Float32Array(table.size);
  for (const [index, entry] of table.entries.entries()) {
    const draw = drawOf(entry, { seed, index, positionDeviation });
    if (draw === undefined) continue;
    const values = parameterView(flat, entry);
    for (let first = 0; first < values.length; first += SLICE_VALUES) {
      const limit = Math.min(first + SLICE_VALUES, values.length);
      for (let i = first; i < limit; i += 1) values[i] = draw(i);
      yield;
    }
  }
  return flat;
}

/** How the values of a tensor are drawn, by their places in it; undefined for zeros. */
function drawOf(
  entry: ParameterEntry,
  from: { readonly seed: number; readonly index: number; readonly positionDeviation: number },
): ((place: number) => number) | undefined {
  const { seed, index, positionDeviation } = from;
  if (entry.name === 'pos_embed') {
    return (place) => positionDeviation * randomNormal(seed, 'init', index, place);
  }
  if (/norm\d?\.weight$/.test(entry.name)) return () => 1;
  if (!entry.decays || entry.name === 'head.weight') return undefined;
  const bound = uniformBound(entry);
  return (place) => bound * (2 * randomUnit(seed, 'init', index, place) - 1);
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
