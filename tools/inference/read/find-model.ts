/** @file Which model is meant: by a path, a name of the catalogue, the name of a run, or no word at all. */
import { existsSync } from 'node:fs';
import { findInCatalog } from '../../../shared/catalog/find.ts';
import { requireInputs } from '../../../shared/config/absent-inputs.ts';
import { TesseraError } from '../../../shared/core/errors.ts';
import { type FindOptions, newestRunFolder, searchRun } from '../../../shared/runs/reader/find.ts';

/** Where a model is, and how that was found. */
export interface FoundModel {
  readonly path: string;
  /** The newest run was taken, weights were found by their name in the catalogue, or it is what was given. */
  readonly by: 'newest' | 'catalog' | 'given';
}

/**
 * What holds a model: a path as it is, else weights by their name in the catalogue, or a run by its name or the beginning
 * of it; without a text the newest run.
 *
 * Throws  USAGE when several names begin so, or there is no run at all; DATA_INVALID when the weights are not here.
 */
export async function findModel(text?: string, options?: FindOptions): Promise<FoundModel> {
  if (text === undefined) return { path: await newestRunFolder(undefined, options), by: 'newest' };
  if (existsSync(text)) return { path: text, by: 'given' };
  const place = findInCatalog('weights', text, { env: process.env });
  if (place !== undefined) {
    requireInputs([{ option: 'model.init.weights', kind: 'weights', given: text, ...place }]);
    return { path: place.path, by: 'catalog' };
  }
  const run = await searchRun(text);
  // What opens a path says more of what is the matter with it.
  if (run !== undefined || text.includes('/')) return { path: run ?? text, by: 'given' };
  throw new TesseraError('DATA_INVALID', `there is no file, folder or run ${text}`, {
    hint: 'tessera runs list shows the runs, tessera weights get --list the weights that have a name',
  });
}
