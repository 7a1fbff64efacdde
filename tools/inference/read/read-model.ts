/** @file Reads a trained model: its shape, config, classes and parameters, and what is to be said of it. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { applySettings } from '../../../shared/config/load.ts';
import type { RunConfig } from '../../../shared/config/schema.ts';
import { divergedText, LOSS_MAX } from '../../../shared/core/divergence.ts';
import { assert, TesseraError } from '../../../shared/core/errors.ts';
import { brokenTensor, flatten, parameterTable } from '../../../shared/model/parameters.ts';
import type { ModelConfig } from '../../../shared/model/variants.ts';
import {
  isRunOrCheckpoint,
  loadModelFile,
  type ModelFile,
} from '../../../shared/runs/checkpoint/model-file.ts';
import { RUN_FILES } from '../../../shared/runs/layout.ts';
import type { FactName } from '../../../shared/weights/facts.ts';
import { readWeights } from '../../../shared/weights/files/read.ts';
import { refuseOtherModel } from './described-model.ts';
import { readForeignModel } from './foreign-model.ts';
import { checkedConfig, namesIn, refuseOtherCount, refuseOtherHeads } from './model-checks.ts';

/** Something to know of a model that was read. */
export interface ModelNote {
  readonly kind: 'note' | 'warning';
  /** Of the weights, or of how images are prepared: the latter matters only where images are. */
  readonly about: 'weights' | 'pixels';
  readonly sentence: string;
}

/** A model as it was read. */
export interface TrainedModel {
  readonly model: ModelConfig;
  readonly config: RunConfig;
  readonly classes: readonly string[];
  /** Whether the model has names of its classes; else they are numbered. */
  readonly areClassesNamed: boolean;
  /** Flat, in table order. */
  readonly parameters: Float32Array;
  readonly modelPath: string;
  /** Facts of the model and its pixels that nothing states: they are assumed. */
  readonly guessed: ReadonlySet<FactName>;
  readonly notes: readonly ModelNote[];
}

/** How a model is to be read. */
export interface ReadOptions {
  /** Names of the classes, or the path of a file with one a line, for weights that have none. */
  readonly classes?: string | readonly string[] | undefined;
  /** Attention heads, for weights that do not state them; `any` where they change nothing. */
  readonly heads?: number | 'any' | undefined;
  /** Which model of a file that holds several: what leads to it, such as `teacher`. */
  readonly weightsKey?: string | undefined;
  /** `path=value` texts of `--set`: how images are prepared, and what else a config says. */
  readonly set?: readonly string[] | undefined;
}

/**
 * Reads the model of a run folder, a checkpoint folder, or weights of another library (docs/weights.md).
 *
 * Throws  CHECKPOINT_CORRUPT or DATA_INVALID when it cannot be read; NON_FINITE; CHECKPOINT_MISMATCH when it is not a ViT,
 *         or nothing says how many attention heads it has, or something else than `heads`.
 */
export async function readModel(path: string, options: ReadOptions = {}): Promise<TrainedModel> {
  if (await isRunOrCheckpoint(path)) return await readOwnModel(path, options);
  if (existsSync(join(path, RUN_FILES.metrics))) {
    throw new TesseraError('DATA_INVALID', `the run in ${path} has saved no checkpoint yet`, {
      hint: 'let it train until its first checkpoint, or name another run: tessera runs list shows them',
    });
  }
  const weights = await readWeights(path, { key: options.weightsKey });
  return weights.metadata['tessera'] === undefined
    ? await readForeignModel(path, weights, options)
    : await readOwnModel(path, options);
}

/** What Tessera saved says itself what it is. */
async function readOwnModel(
  path: string,
  { classes: named, heads, weightsKey, set = [] }: ReadOptions,
): Promise<TrainedModel> {
  if (weightsKey !== undefined) {
    throw new TesseraError('CHECKPOINT_MISMATCH', `${path} is of Tessera and holds one model`, {
      hint: 'leave --weights-key out',
    });
  }
  const { metadata, parametersByName, modelPath, evaluation } = await loadModelFile(path);
  assert(metadata !== undefined, 'a checkpoint describes its model');
  const { model } = metadata;
  const classes = (await namesIn(named)) ?? metadata.classes;
  refuseOtherHeads(path, heads, model.heads);
  if (model.depth > parametersByName.size) {
    throw new TesseraError(
      'CHECKPOINT_MISMATCH',
      `${modelPath}: ${parametersByName.size} parameters do not make a model of ${model.depth} blocks`,
    );
  }
  const table = parameterTable(model);
  const parameters = flatten(table, ({ name, size }) => {
    const values = parametersByName.get(name)?.values;
    if (values?.length === size) return values;
    const found = values === undefined ? 'is missing' : `has ${values.length} values`;
    throw new TesseraError(
      'CHECKPOINT_MISMATCH',
      `${modelPath}: parameter ${name} ${found}, the model needs ${size}`,
    );
  });
  refuseOtherCount(named, path, { classes, model });
  refuseBroken(modelPath, brokenTensor(parameters, table));
  const saved = checkedConfig(
    metadata.config,
    `${modelPath} was made with a config that this version does not know`,
  );
  const config = set.length === 0 ? saved : applySettings(saved, set);
  if (set.length > 0) refuseOtherModel(path, config, model);
  const known = { guessed: new Set<FactName>(), notes: lossNotes(modelPath, evaluation) };
  return { model, config, classes, areClassesNamed: true, parameters, modelPath, ...known };
}

/** With one NaN or infinity among its values, a model computes nothing but NaN. */
function refuseBroken(modelPath: string, broken: string | undefined): void {
  if (broken === undefined) return;
  throw new TesseraError('NON_FINITE', `${modelPath} is of a run that diverged: ${broken}`, {
    hint: 'take an earlier checkpoint: tessera runs show lists those of a run',
  });
}

/** What its run knew of the model by then is said. */
function lossNotes(modelPath: string, evaluation: ModelFile['evaluation']): ModelNote[] {
  if (evaluation === undefined || evaluation.loss <= LOSS_MAX) return [];
  const { version, loss } = evaluation;
  const words = Number.isFinite(loss) ? divergedText(loss) : 'its loss was not finite';
  const sentence = `${modelPath}, of a run evaluated after step ${version}: ${words}`;
  return [{ kind: 'warning', about: 'weights', sentence }];
}
