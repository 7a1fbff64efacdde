/** @file What a new run begins with: pretrained weights, or random values from its seed. */
import { basename, resolve } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { PlannedConfig } from '../../config/schema.ts';
import { TesseraError } from '../../core/errors.ts';
import { findNonFinite } from '../../kernels/values.ts';
import { initialSlices } from '../../model/init.ts';
import { brokenTensor, parameterTable } from '../../model/parameters.ts';
import type { ModelConfig } from '../../model/variants.ts';
import { readWeights } from '../../weights/files/read.ts';
import { type FittedWeights, fitWeights } from '../../weights/fit/fit.ts';
import { otherPixels } from '../../weights/fit/other-pixels.ts';
import { withModelFile } from './model-file.ts';

/**
 * The parameters of version 0, and what was done to the weights that they come from.
 *
 * Throws  DATA_INVALID when the weights cannot be read; CHECKPOINT_MISMATCH when they do not fit the model; NON_FINITE.
 */
export async function firstParameters(
  config: PlannedConfig,
  model: ModelConfig,
  from: { readonly classes: readonly string[]; readonly baseFolder: string },
): Promise<FittedWeights> {
  const first = await makeFirst(config, model, from);
  if ((await findNonFinite(first.parameters)) < 0) return first;
  const broken = brokenTensor(first.parameters, parameterTable(model));
  const { init } = config.model;
  const what =
    init === undefined
      ? 'the initial values'
      : `the weights of ${init.weights}, as this model has them,`;
  const hint =
    init === undefined
      ? 'make model.positionDeviation smaller'
      : 'their training went wrong, or they are too large for float32: take others';
  throw new TesseraError('NON_FINITE', `${what} are not finite: ${broken}`, { hint });
}

async function makeFirst(
  { data, model: { init, positionDeviation }, seed }: PlannedConfig,
  model: ModelConfig,
  { classes, baseFolder }: { readonly classes: readonly string[]; readonly baseFolder: string },
): Promise<FittedWeights> {
  if (init === undefined) {
    const slices = initialSlices(model, seed, positionDeviation);
    for (;;) {
      const { done, value } = slices.next();
      if (done) return { parameters: value, notes: [] };
      await nextTurn();
    }
  }
  const path = resolve(baseFolder, init.weights);
  const weights = await withModelFile(path, (file) => readWeights(file, { key: init.key }));
  const { parameters, notes } = fitWeights({ weights, model, head: init.head, path, classes });
  const pixels = otherPixels(weights, basename(path), data);
  return { parameters, notes: [...notes, ...pixels] };
}
