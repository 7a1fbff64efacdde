/** @file What a new run begins with: pretrained weights, or random values from its seed. */
import { basename, resolve } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { PlannedConfig } from '../../shared/config/schema.ts';
import { TesseraError } from '../../shared/core/errors.ts';
import { firstNonFinite } from '../../shared/kernels/values.ts';
import { initialSlices } from '../../shared/model/init.ts';
import {
  brokenTensor,
  type ParameterTable,
  parameterTable,
} from '../../shared/model/parameters.ts';
import type { ModelConfig } from '../../shared/model/variants.ts';
import { withModelFile } from '../../shared/runs/checkpoint/model-file.ts';
import { readWeights } from '../../shared/weights/files/read.ts';
import { type FittedWeights, fitWeights } from '../../shared/weights/fit/fit.ts';
import { otherPixels } from '../../shared/weights/fit/other-pixels.ts';

/** Values between two turns of the event loop. */
const CHECK_VALUES = 2 ** 22;

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
  const broken = await findBroken(first.parameters, parameterTable(model));
  if (broken === undefined) return first;
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

/** As `brokenTensor`, in slices: the main thread has other things to do. */
async function findBroken(
  parameters: Float32Array,
  table: ParameterTable,
): Promise<string | undefined> {
  for (let first = 0; first < parameters.length; first += CHECK_VALUES) {
    const limit = Math.min(first + CHECK_VALUES, parameters.length);
    if (firstNonFinite(parameters, first, limit) >= 0) return brokenTensor(parameters, table);
    await nextTurn();
  }
  return undefined;
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
