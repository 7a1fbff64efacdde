/** @file Resolves the data set and the weights of a config: a path, or a name of the catalogue. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { type CatalogKind, findInCatalog } from '../catalog/find.ts';
import { needsPath } from '../data/options.ts';
import type { PlannedConfig } from './schema.ts';

/** Options that name a file or folder. */
type InputOption = 'data.path' | 'model.init.weights';

/** A file or folder that a config names. */
export interface ConfigInput {
  readonly option: InputOption;
  readonly kind: CatalogKind;
  /** As written in the config. */
  readonly given: string;
  /** Absolute. */
  readonly path: string;
  readonly isThere: boolean;
  /** Its name, for an entry of the catalogue. */
  readonly name?: string;
  /** The folders where a name was searched. */
  readonly lookedIn: readonly string[];
}

/** How relative paths become absolute. */
export interface InputRoots {
  /** The folder that the path of an option is relative to; undefined for a path that stays as it is. */
  folderOf(option: InputOption): string | undefined;
  readonly env: Readonly<NodeJS.ProcessEnv>;
}

/** The config with absolute paths, and what they name: an existing file has priority over a name of the catalogue. */
export function placeInputs<Config extends PlannedConfig>(
  config: Config,
  roots: InputRoots,
): { readonly config: Config; readonly inputs: readonly ConfigInput[] } {
  const data = placeOf({ option: 'data.path', kind: 'data' }, config.data.path, roots);
  const weights = placeOf(
    { option: 'model.init.weights', kind: 'weights' },
    config.model.init?.weights,
    roots,
  );
  const { init } = config.model;
  return {
    config: {
      ...config,
      ...(data && { data: { ...config.data, path: data.path } }),
      ...(weights &&
        init && { model: { ...config.model, init: { ...init, weights: weights.path } } }),
    },
    // Such a set needs no folder, whatever the config says.
    inputs: [needsPath(config.data) ? data : undefined, weights].filter((it) => it !== undefined),
  };
}

function placeOf(
  what: Pick<ConfigInput, 'option' | 'kind'>,
  given: string | undefined,
  { folderOf, env }: InputRoots,
): ConfigInput | undefined {
  const folder = folderOf(what.option);
  if (given === undefined || folder === undefined) return undefined;
  const path = resolve(folder, given);
  if (existsSync(path)) return { ...what, given, path, isThere: true, lookedIn: [] };
  const place = findInCatalog(what.kind, given, { env });
  return { ...what, given, ...(place ?? { path, isThere: false, lookedIn: [] }) };
}
