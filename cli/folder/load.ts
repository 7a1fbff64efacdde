/** @file How what was typed becomes a config: a file, a preset, or the plan of a folder of images. */
import {
  type LoadedConfig,
  loadConfig,
  loadObject,
  type LoadOptions as SettingSources,
} from '../../shared/config/load.ts';
import { isImageFolder } from '../inputs/image-folder.ts';
import type { PlanOptions } from './plan.ts';

/** How a config is loaded. */
export interface LoadOptions extends PlanOptions {
  readonly set: readonly string[];
  readonly variables?: SettingSources['variables'];
  /** A run that is continued has its own config. */
  readonly isKept?: boolean;
}

/** Loads the config of a name, each time that it is called; a folder is planned once. Throws  as `planFolder`. */
export async function configLoader(
  name: string,
  options: LoadOptions,
): Promise<() => Promise<LoadedConfig>> {
  const { set, variables = [], isKept } = options;
  if (isKept || !(await isImageFolder(name))) return () => loadConfig(name, { set, variables });
  // Most runs need none of this.
  const { planFolder } = await import('./plan.ts');
  const { configOf } = await import('../../tools/recipe/recipe.ts');
  const { recipe } = await planFolder(name, options);
  return async () => loadObject(configOf(recipe), { set, variables });
}
