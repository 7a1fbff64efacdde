/** @file A config that is a module of JavaScript or TypeScript: its default export, or the one called `config`. */

import { pathToFileURL } from 'node:url';
import { TesseraError } from '../core/errors.ts';
import { isRecord } from '../core/text.ts';
import type { ConfigDocument } from './document.ts';

/** Whether a config's file is a module, by its name. */
export function isConfigModule(path: string): boolean {
  return /\.m?[jt]s$/.test(path);
}

/**
 * Imports a config; the module runs in this process.
 *
 * Throws  CONFIG_INVALID when Node cannot import it, or it exports no config.
 */
export async function importConfig(path: string, label: string): Promise<ConfigDocument> {
  const { default: exported, config = exported } = await importModule(path, label);
  if (isRecord(config)) return { tree: config, placeOf: () => label };
  throw new TesseraError('CONFIG_INVALID', `${label} exports no config`, {
    hint: 'export it: export default defineConfig({ ... })',
  });
}

async function importModule(
  path: string,
  label: string,
): Promise<{ readonly default?: unknown; readonly config?: unknown }> {
  try {
    return await import(pathToFileURL(path).href);
  } catch (cause) {
    const { sentence } = TesseraError.from(cause);
    const hint = /\.m?ts$/.test(path)
      ? 'Node imports TypeScript from version 22.18 on; write the config as .mjs, or compile it, for an earlier one'
      : 'run it with node to see where it fails';
    throw new TesseraError('CONFIG_INVALID', `cannot import ${label}: ${sentence}`, {
      hint,
      cause,
    });
  }
}
