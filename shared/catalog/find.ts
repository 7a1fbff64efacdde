/** @file Finds what the catalogue knows by name on this machine: below the current folder, then in the user's cache. */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { userCache } from '../files/user-cache.ts';
import { DATA } from './data.ts';
import { WEIGHTS } from './weights.ts';

/** What the catalogue has two tables of; also the name of the folder that holds them. */
export type CatalogKind = 'data' | 'weights';

/** Default folders of `tessera data get` and `tessera weights get`. */
export const OUT_FOLDERS = { data: './data', weights: './weights' } as const;

/** Where something of the catalogue was looked for. */
export interface CatalogPlace {
  readonly name: string;
  /** Where it is; where `tessera data get` or `weights get` would put it when it is nowhere. */
  readonly path: string;
  readonly isThere: boolean;
  /** The folders that were looked into, in that order. */
  readonly lookedIn: readonly string[];
}

/** Where to look. */
export interface CatalogRoots {
  readonly env: Readonly<NodeJS.ProcessEnv>;
  /** The current folder unless given. */
  readonly currentFolder?: string;
}

/** The names of one table. */
export function catalogNames(kind: CatalogKind): readonly string[] {
  return (kind === 'data' ? DATA : WEIGHTS).map(({ name }) => name);
}

/** The folder of the user's cache for data sets or weights. */
export function cacheFolder(kind: CatalogKind, env: CatalogRoots['env']): string {
  return join(userCache(env), kind);
}

/** The place of a name of the catalogue, under which a user may have put it too; undefined for another name. */
export function findInCatalog(
  kind: CatalogKind,
  name: string,
  { env, currentFolder = process.cwd() }: CatalogRoots,
): CatalogPlace | undefined {
  const known = namesOf(kind, name);
  if (known === undefined) return undefined;
  const folders = [resolve(currentFolder, OUT_FOLDERS[kind]), cacheFolder(kind, env)];
  const places = [
    ...folders.flatMap((folder) => known.names.map((file) => join(folder, file))),
    ...known.installed,
  ];
  const found = places.find((place) => existsSync(place));
  return {
    name,
    path: found ?? (places[0] as string),
    isThere: found !== undefined,
    lookedIn: [...folders, ...known.installed],
  };
}

/** What an entry is called on a disk, the name that it is downloaded to first. */
function namesOf(kind: CatalogKind, name: string) {
  if (kind === 'data') {
    const data = DATA.find((entry) => entry.name === name);
    return data && { names: [name], installed: data.installed ?? [] };
  }
  const weights = WEIGHTS.find((entry) => entry.name === name);
  return weights && { names: [weights.file, name], installed: [] };
}
