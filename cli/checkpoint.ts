/** @file Opens a trained model for one process: its config, classes and a program with its parameters in place. */
import { loadModelFile } from '../coordinator/model-file.ts';
import { chooseEngine } from '../shared/compute/choose.ts';
import { compileProgram } from '../shared/compute/compile.ts';
import type { Program } from '../shared/compute/program.ts';
import { programSpec } from '../shared/config/program.ts';
import { configSchema, type RunConfig } from '../shared/config/schema.ts';
import { TesseraError } from '../shared/core/errors.ts';
import { availableThreads } from '../shared/host/devices.ts';
import { parameterTable } from '../shared/model/parameters.ts';
import type { ModelConfig } from '../shared/model/variants.ts';

/** A checkpoint as it was read. */
export interface TrainedModel {
  readonly model: ModelConfig;
  readonly config: RunConfig;
  readonly classes: readonly string[];
  /** Flat, in table order. */
  readonly parameters: Float32Array;
  readonly modelPath: string;
}

/**
 * Reads the model of a run folder, a checkpoint folder or a file.
 *
 * Throws  CHECKPOINT_CORRUPT when it cannot be read; CHECKPOINT_MISMATCH when it does not say what it is.
 */
export async function openModel(path: string): Promise<TrainedModel> {
  const { metadata, parametersByName, modelPath } = await loadModelFile(path);
  if (metadata === undefined) {
    throw new TesseraError('CHECKPOINT_MISMATCH', `${modelPath} does not say which model it is`, {
      hint: 'give a run folder or a checkpoint that tessera wrote',
    });
  }
  const { model, classes } = metadata;
  const table = parameterTable(model);
  const parameters = new Float32Array(table.size);
  for (const { name, offset, size } of table.entries) {
    const values = parametersByName.get(name)?.values;
    if (values?.length !== size) {
      const found = values === undefined ? 'is missing' : `has ${values.length} values`;
      throw new TesseraError(
        'CHECKPOINT_MISMATCH',
        `${modelPath}: parameter ${name} ${found}, the model needs ${size}`,
      );
    }
    parameters.set(values, offset);
  }
  const config = storedConfig(metadata.config, modelPath);
  return { model, config, classes, parameters, modelPath };
}

function storedConfig(stored: unknown, modelPath: string): RunConfig {
  const parsed = configSchema.safeParse(stored);
  if (parsed.success) return parsed.data;
  const reason = parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
  throw new TesseraError(
    'CHECKPOINT_MISMATCH',
    `${modelPath} was made with a config that this version does not know: ${reason.join('; ')}`,
    { hint: 'use the version of tessera that trained it' },
  );
}

/** Compiles the model's program on this machine, with its parameters in place. */
export async function compileModel(trained: TrainedModel, config: RunConfig): Promise<Program> {
  const numThreads = availableThreads();
  const choice = await chooseEngine(config.compute, numThreads);
  const program = await compileProgram(programSpec(config, trained.model), choice);
  program.setParameters(trained.parameters);
  return program;
}
