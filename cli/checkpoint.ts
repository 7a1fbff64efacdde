/** @file Opens a trained model for one process: its config, classes and a program with its parameters in place. */
import { loadModelFile, modelFileIn } from '../coordinator/model-file.ts';
import { chooseEngine } from '../shared/compute/choose.ts';
import { compileProgram } from '../shared/compute/compile.ts';
import type { Program } from '../shared/compute/program.ts';
import { programSpec } from '../shared/config/program.ts';
import { configSchema, type RunConfig } from '../shared/config/schema.ts';
import { assert, TesseraError } from '../shared/core/errors.ts';
import { availableThreads } from '../shared/host/devices.ts';
import { readWholeFile } from '../shared/host/files.ts';
import { parameterTable } from '../shared/model/parameters.ts';
import { fitParameters } from '../shared/model/pretrained/fit.ts';
import { inferModel } from '../shared/model/pretrained/infer.ts';
import type { ModelConfig } from '../shared/model/variants.ts';
import { readWeights, type WeightsFile } from '../shared/weights/read.ts';

/** A checkpoint as it was read. */
export interface TrainedModel {
  readonly model: ModelConfig;
  readonly config: RunConfig;
  readonly classes: readonly string[];
  /** Flat, in table order. */
  readonly parameters: Float32Array;
  readonly modelPath: string;
}

/** How a model is to be opened. */
export interface OpenOptions {
  /** File with a name for each class, one a line, for weights that have none. */
  readonly classesFile?: string | undefined;
}

/**
 * Reads a model: a run folder, a checkpoint, or weights of another library (see docs/weights.md).
 *
 * Throws  CHECKPOINT_CORRUPT or DATA_INVALID when it cannot be read; CHECKPOINT_MISMATCH when it is no ViT.
 */
export async function openModel(path: string, options: OpenOptions = {}): Promise<TrainedModel> {
  if ((await modelFileIn(path)) !== undefined) return await openOwn(path);
  const weights = await readWeights(path);
  return weights.metadata['tessera'] === undefined
    ? await openForeign(path, weights, options)
    : await openOwn(path);
}

/** What Tessera saved says itself what it is. */
async function openOwn(path: string): Promise<TrainedModel> {
  const { metadata, parametersByName, modelPath } = await loadModelFile(path);
  assert(metadata !== undefined, 'a checkpoint describes its model');
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

/** Weights of another library: the model from their shapes, images as timm prepares them. */
async function openForeign(
  path: string,
  weights: WeightsFile,
  { classesFile }: OpenOptions,
): Promise<TrainedModel> {
  const { model } = inferModel(weights);
  const { imageSize, channels, patchSize, width, depth, heads, mlpWidth, numClasses } = model;
  const { mean, deviation } = weights.info;
  const named = classesFile === undefined ? weights.info.classes : await linesOf(classesFile);
  const classes = named ?? Array.from({ length: numClasses }, (_, label) => `class ${label}`);
  if (classes.length !== numClasses) {
    throw new TesseraError(
      'CHECKPOINT_MISMATCH',
      `${classesFile ?? path} names ${classes.length} classes, the model has ${numClasses}`,
    );
  }
  const config = configSchema.parse({
    name: 'weights',
    data: {
      source: 'image-folder',
      path: '.',
      channels,
      resize: 'crop',
      cropFraction: 0.9,
      ...(mean !== undefined && { mean }),
      ...(deviation !== undefined && { deviation }),
    },
    model: { imageSize, patchSize, width, depth, heads, mlpWidth },
    training: { epochs: 1, batchSize: 8, microBatch: 8, optimizer: { learningRate: 1e-3 } },
  });
  const parameters = fitParameters({ weights, model, head: 'keep', path });
  return { model, config, classes, parameters, modelPath: weights.path };
}

async function linesOf(path: string): Promise<string[]> {
  const text = new TextDecoder().decode(await readWholeFile(path));
  return text.split(/\r?\n/).filter((line) => line.trim() !== '');
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
