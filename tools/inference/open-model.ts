/** @file Opens a trained model for one process: its config, classes and a program with its parameters in place. */
import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { say } from '../../cli/terminal/output.ts';
import { chooseEngine } from '../../shared/compute/engines/choose.ts';
import { compileProgram } from '../../shared/compute/engines/registry.ts';
import type { Program } from '../../shared/compute/program.ts';
import { applySettings } from '../../shared/config/load.ts';
import { programSpec } from '../../shared/config/program.ts';
import { configSchema, type RunConfig } from '../../shared/config/schema.ts';
import { assert, TesseraError } from '../../shared/core/errors.ts';
import { LOSS_MAX } from '../../shared/core/sense.ts';
import { readWholeFile } from '../../shared/files/files.ts';
import { availableThreads } from '../../shared/machine/devices.ts';
import { brokenTensor, parameterTable } from '../../shared/model/parameters.ts';
import type { ModelConfig } from '../../shared/model/variants.ts';
import {
  isRunOrCheckpoint,
  loadModelFile,
  type ModelFile,
} from '../../shared/runs/checkpoint/model-file.ts';
import { RUN_FILES } from '../../shared/runs/layout.ts';
import { modelOf } from '../../shared/runs/reader/find.ts';
import { describeModel } from '../../shared/weights/describe/description.ts';
import type { FactName } from '../../shared/weights/facts.ts';
import { readWeights, type WeightsFile } from '../../shared/weights/files/read.ts';
import { fitWeights } from '../../shared/weights/fit/fit.ts';
import {
  describedConfig,
  guessesIn,
  notesOf,
  refuseOtherModel,
  statedIn,
  withFlags,
} from './described-model.ts';
import { divergedText } from './top-classes.ts';

/** A checkpoint as it was read. */
export interface TrainedModel {
  readonly model: ModelConfig;
  readonly config: RunConfig;
  readonly classes: readonly string[];
  /** Whether somebody named the classes; else they are numbered. */
  readonly areClassesNamed: boolean;
  /** Flat, in table order. */
  readonly parameters: Float32Array;
  readonly modelPath: string;
  /** Facts of the model and its pixels that nothing states: they are assumed. */
  readonly guessed: ReadonlySet<FactName>;
  /** What users of its pixels should know, in words. */
  readonly notes: readonly string[];
}

/** How a model is to be opened. */
export interface OpenOptions {
  /** File with a name for each class, one a line, for weights that have none. */
  readonly classesFile?: string | undefined;
  /** Attention heads, for weights that do not tell; `any` where they change nothing. */
  readonly heads?: number | 'any' | undefined;
  /** Which model of a file that holds several: what leads to it, such as `teacher`. */
  readonly weightsKey?: string | undefined;
  /** `path=value` texts of `--set`: how images are prepared, and what else a config says. */
  readonly set?: readonly string[] | undefined;
}

/**
 * Reads a model: a run by its folder or name, a checkpoint, or weights of another library (see docs/weights.md); the newest
 * run unless one is given.
 *
 * Throws  CHECKPOINT_CORRUPT or DATA_INVALID when it cannot be read; NON_FINITE; CHECKPOINT_MISMATCH when it is no ViT,
 *         or nothing says how many attention heads it has, or something else than `heads`.
 */
export async function openModel(given?: string, options: OpenOptions = {}): Promise<TrainedModel> {
  const path = await modelOf(given);
  if (await isRunOrCheckpoint(path)) return await openOwn(path, options);
  if (existsSync(join(path, RUN_FILES.metrics))) {
    throw new TesseraError('DATA_INVALID', `the run in ${path} has saved no checkpoint yet`, {
      hint: 'let it train until its first checkpoint, or name another run: tessera runs list shows them',
    });
  }
  const weights = await readWeights(path, { key: options.weightsKey });
  return weights.metadata['tessera'] === undefined
    ? await openForeign(path, weights, options)
    : await openOwn(path, options);
}

/** What Tessera saved says itself what it is. */
async function openOwn(
  path: string,
  { classesFile, heads, weightsKey, set = [] }: OpenOptions,
): Promise<TrainedModel> {
  if (weightsKey !== undefined) {
    throw new TesseraError('CHECKPOINT_MISMATCH', `${path} is of Tessera and holds one model`, {
      hint: 'leave --weights-key out',
    });
  }
  const { metadata, parametersByName, modelPath, evaluation } = await loadModelFile(path);
  assert(metadata !== undefined, 'a checkpoint describes its model');
  const { model } = metadata;
  const classes = (await namesIn(classesFile)) ?? metadata.classes;
  refuseOtherHeads(path, heads, model.heads);
  if (model.depth > parametersByName.size) {
    throw new TesseraError(
      'CHECKPOINT_MISMATCH',
      `${modelPath}: ${parametersByName.size} parameters are no model of ${model.depth} blocks`,
    );
  }
  const table = parameterTable(model);
  for (const { name, size } of table.entries) {
    const values = parametersByName.get(name)?.values;
    if (values?.length !== size) {
      const found = values === undefined ? 'is missing' : `has ${values.length} values`;
      throw new TesseraError(
        'CHECKPOINT_MISMATCH',
        `${modelPath}: parameter ${name} ${found}, the model needs ${size}`,
      );
    }
  }
  refuseOtherCount(classesFile ?? path, classes, model);
  // Only now: what a file says of itself may be larger than it.
  const parameters = new Float32Array(table.size);
  for (const { name, offset } of table.entries) {
    parameters.set(parametersByName.get(name)?.values ?? [], offset);
  }
  refuseBroken(modelPath, brokenTensor(parameters, table));
  warnOfLoss(modelPath, evaluation);
  const saved = checkedConfig(
    metadata.config,
    `${modelPath} was made with a config that this version does not know`,
  );
  const config = set.length === 0 ? saved : applySettings(saved, set);
  if (set.length > 0) refuseOtherModel(path, config, model);
  const known = { guessed: new Set<FactName>(), notes: [] };
  return { model, config, classes, areClassesNamed: true, parameters, modelPath, ...known };
}

/** Weights of another library, as their files, their shapes and the library describe them. */
async function openForeign(
  path: string,
  weights: WeightsFile,
  { classesFile, heads: wanted, set = [] }: OpenOptions,
): Promise<TrainedModel> {
  const described = describeModel(weights, basename(path));
  refuseOtherHeads(path, wanted, statedIn(described.facts, 'heads'));
  const { facts, model } = withFlags(path, described, { heads: wanted, set });
  // First of all: a tensor without values may have any number of rows, and each would be a class.
  const { parameters, notes } = fitWeights({ weights, model, head: 'keep', path });
  const named = (await namesIn(classesFile)) ?? facts.classes?.value;
  const { numClasses } = model;
  const classes = named ?? Array.from({ length: numClasses }, (_, label) => `class ${label}`);
  refuseOtherCount(classesFile ?? path, classes, model);
  const bare = checkedConfig(
    // Pixels of flags are laid over it as settings, which says what is wrong with them.
    describedConfig(described.facts, model),
    `the weights of ${path} are of no model that can be run`,
  );
  const config = set.length === 0 ? bare : applySettings(bare, set);
  refuseOtherModel(path, config, model);
  // Last: whatever else is wrong with the weights, heads do not mend it.
  for (const note of notes) say(`note: ${path}: ${note}`);
  checkHeads(path, { model, areGuessed: facts.heads.source === 'guess' }, wanted);
  return {
    ...{ model, config, classes, parameters, modelPath: weights.path },
    areClassesNamed: named !== undefined,
    guessed: new Set(guessesIn(facts)),
    notes: notesOf(path, facts),
  };
}

/** With one NaN or infinity in it, a model answers nothing but NaN. */
function refuseBroken(modelPath: string, broken: string | undefined): void {
  if (broken === undefined) return;
  throw new TesseraError('NON_FINITE', `${modelPath} is of a run that diverged: ${broken}`, {
    hint: 'take an earlier checkpoint: tessera runs show lists those of a run',
  });
}

/** What its run knew of it by then is not kept from who uses it. */
function warnOfLoss(modelPath: string, evaluation: ModelFile['evaluation']): void {
  if (evaluation === undefined || evaluation.loss <= LOSS_MAX) return;
  const { version, loss } = evaluation;
  const words = Number.isFinite(loss) ? divergedText(loss) : 'its loss was not finite';
  say(`warning: ${modelPath}, of a run evaluated after step ${version}: ${words}`);
}

/** A model that says how many heads it has is not run with others. */
function refuseOtherHeads(
  path: string,
  wanted: OpenOptions['heads'],
  stated: number | undefined,
): void {
  if (typeof wanted !== 'number' || stated === undefined || wanted === stated) return;
  throw new TesseraError(
    'CHECKPOINT_MISMATCH',
    `${path} says that its model has ${stated} attention heads, not ${wanted}`,
    { hint: 'leave --heads out' },
  );
}

/** A wrong number of heads gives wrong answers without a word: so it must be known, and possible. */
function checkHeads(
  path: string,
  { model, areGuessed }: { readonly model: ModelConfig; readonly areGuessed: boolean },
  wanted: OpenOptions['heads'],
): void {
  const { width, heads } = model;
  if (wanted === undefined && areGuessed) {
    throw new TesseraError(
      'CHECKPOINT_MISMATCH',
      `${path} does not say how many attention heads its model has, nor is it of a published size`,
      { hint: `give their number with --heads N; it divides the width, ${width}` },
    );
  }
  if (width % heads === 0) return;
  throw new TesseraError(
    'CHECKPOINT_MISMATCH',
    `${path}: ${heads} attention heads do not divide a width of ${width}`,
    { hint: 'the number that the model was trained with does' },
  );
}

/** A file with the names of classes, one a line. */
const CLASSES_BYTES_MAX = 16 * 1024 ** 2;

/** The names in the file of a flag; undefined where there is none. */
async function namesIn(path: string | undefined): Promise<string[] | undefined> {
  if (path === undefined) return undefined;
  const text = new TextDecoder().decode(await readWholeFile(path, { bytesMax: CLASSES_BYTES_MAX }));
  return text.split(/\r?\n/).filter((line) => line.trim() !== '');
}

function refuseOtherCount(
  path: string,
  classes: readonly string[],
  { numClasses }: ModelConfig,
): void {
  if (classes.length === numClasses) return;
  throw new TesseraError(
    'CHECKPOINT_MISMATCH',
    `${path} names ${classes.length} classes, the model has ${numClasses}`,
  );
}

function checkedConfig(described: unknown, refusal: string): RunConfig {
  const parsed = configSchema.safeParse(described);
  if (parsed.success) return parsed.data;
  const reason = parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
  throw new TesseraError('CHECKPOINT_MISMATCH', `${refusal}: ${reason.join('; ')}`, {
    hint: 'use the version of tessera that trained it, or other weights',
  });
}

/** Compiles the model's program on this machine, with its parameters in place. */
export async function compileModel(trained: TrainedModel, config: RunConfig): Promise<Program> {
  const numThreads = availableThreads();
  const choice = await chooseEngine(config.compute, numThreads);
  const program = await compileProgram(programSpec(config, trained.model), choice);
  program.setParameters(trained.parameters);
  return program;
}
