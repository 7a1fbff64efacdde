/** @file Reads weights of another library as a model: what their files, their shapes and the library say of it. */
import { basename } from 'node:path';
import { applySettings } from '../../../shared/config/load.ts';
import { describeModel } from '../../../shared/weights/describe/description.ts';
import type { WeightsFile } from '../../../shared/weights/files/read.ts';
import { fitWeights } from '../../../shared/weights/fit/fit.ts';
import {
  describedConfig,
  guessesIn,
  notesOf,
  refuseOtherModel,
  statedIn,
  withFlags,
} from './described-model.ts';
import {
  checkedConfig,
  checkHeads,
  namesIn,
  refuseOtherCount,
  refuseOtherHeads,
} from './model-checks.ts';
import type { ReadOptions, TrainedModel } from './read-model.ts';

/** The model of weights that Tessera did not write. Throws  CHECKPOINT_MISMATCH, CONFIG_INVALID. */
export async function readForeignModel(
  path: string,
  weights: WeightsFile,
  { classes: given, heads: wanted, set = [] }: ReadOptions,
): Promise<TrainedModel> {
  const described = describeModel(weights, basename(path));
  refuseOtherHeads(path, wanted, statedIn(described.facts, 'heads'));
  const { facts, model } = withFlags(path, described, { heads: wanted, set });
  // First of all: a tensor without values may have any number of rows, and each would be a class.
  const { parameters, notes } = fitWeights({ weights, model, head: 'keep', path });
  const named = (await namesIn(given)) ?? facts.classes?.value;
  const { numClasses } = model;
  const classes = named ?? Array.from({ length: numClasses }, (_, label) => `class ${label}`);
  refuseOtherCount(given, path, { classes, model });
  const bare = checkedConfig(
    // Pixels of flags are laid over it as settings, which says what is wrong with them.
    describedConfig(described.facts, model),
    `the weights of ${path} are of no model that can be run`,
  );
  const config = set.length === 0 ? bare : applySettings(bare, set);
  refuseOtherModel(path, config, model);
  // Last: heads do not repair whatever else is wrong with the weights.
  checkHeads(path, { model, areGuessed: facts.heads.source === 'guess' }, wanted);
  const kind = 'note';
  return {
    ...{ model, config, classes, parameters, modelPath: weights.path },
    areClassesNamed: named !== undefined,
    guessed: new Set(guessesIn(facts)),
    notes: [
      ...notes.map((note) => ({ kind, about: 'weights', sentence: `${path}: ${note}` }) as const),
      ...notesOf(path, facts).map((sentence) => ({ kind, about: 'pixels', sentence }) as const),
    ],
  };
}
