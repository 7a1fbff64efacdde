/** @file Engines that `tessera engines add` has put below the user's cache: a folder each, with a record. */
import { readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { readTextFile } from '../../files/regular-file.ts';
import { userCache } from '../../files/user-cache.ts';

/** Name of the record in an engine's folder. It is written last: a folder without it holds no engine. */
export const RECORD_NAME = 'engine.json';

const record = z.strictObject({
  /** What `tessera engines add` calls it: `xla-cuda13`. */
  name: z.string(),
  /** Id of the engine of the registry that it is for: `xla-cuda`. */
  engine: z.string(),
  /** Of the main wheel. */
  version: z.string(),
  /** The plugin, or the folder of the package, relative to the engine's folder. */
  library: z.string(),
  /** What it was made from. */
  wheels: z.array(z.strictObject({ file: z.string(), sha256: z.string(), bytes: z.number() })),
});

/** The record of an installed engine. */
export type EngineRecord = Readonly<z.infer<typeof record>>;

/** An installed engine and where it is. */
export interface InstalledEngine extends EngineRecord {
  readonly folder: string;
  /** Absolute path of `library`. */
  readonly path: string;
}

/** The folder of all installed engines: TESSERA_ENGINES, else in the user's cache. */
export function enginesFolder(env: Readonly<NodeJS.ProcessEnv>): string {
  const own = env['TESSERA_ENGINES'] ?? '';
  return own === '' ? join(userCache(env), 'engines') : resolve(own);
}

/** The installed engines of a folder, by name; a folder without a whole record is left out. */
export async function installedEngines(root: string): Promise<InstalledEngine[]> {
  const found = await Promise.all(
    (await foldersIn(root)).map((name) => readEngine(join(root, name))),
  );
  return found.filter((engine) => engine !== undefined);
}

/** The installed engine that an engine of the registry runs on; of several the last by name, as cuda13 is after cuda12. */
export async function installedFor(
  id: string,
  env: Readonly<NodeJS.ProcessEnv>,
): Promise<InstalledEngine | undefined> {
  return (await installedEngines(enginesFolder(env))).findLast(({ engine }) => engine === id);
}

async function foldersIn(root: string): Promise<string[]> {
  try {
    const entries = await readdir(root, { withFileTypes: true });
    return entries.flatMap((entry) => (entry.isDirectory() ? [entry.name] : [])).sort();
  } catch {
    return [];
  }
}

async function readEngine(folder: string): Promise<InstalledEngine | undefined> {
  try {
    const found = record.parse(JSON.parse(await readTextFile(join(folder, RECORD_NAME))));
    return { ...found, folder, path: join(folder, found.library) };
  } catch {
    return undefined;
  }
}
