/** @file Which engines are installed, what they take, and whether they work on this machine. */
import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type EngineAddition, KNOWN_ENGINES } from '../../shared/catalog/engines.ts';
import { probe } from '../../shared/compute/engines/choose.ts';
import { type InstalledEngine, installedEngines } from '../../shared/compute/engines/installed.ts';
import { ENGINES, type EngineId, engineOf } from '../../shared/compute/engines/registry.ts';
import { isMissingStep } from './finish.ts';

/** Whether an engine works here. */
export interface Trial {
  readonly works: boolean;
  /** What it runs on, or why it does not. */
  readonly reason: string;
  readonly hint: string | undefined;
}

/** One engine that can be added, or that is installed. */
export interface EngineRow {
  readonly name: string;
  readonly description: string;
  readonly installed: Pick<InstalledEngine, 'version' | 'engine' | 'folder'> | undefined;
  /** On the disk; 0 where it is not installed. */
  readonly bytes: number;
  /** Undefined where it is not installed. */
  readonly trial: Trial | undefined;
}

/** All engines of the table, then installed ones that are not in it. Each that is installed is tried. */
export async function listEngines(root: string, threads: number): Promise<readonly EngineRow[]> {
  const installed = new Map((await installedEngines(root)).map((engine) => [engine.name, engine]));
  const known = KNOWN_ENGINES.filter((one) => !isMissingStep(one) || installed.has(one.name));
  const names = new Set<string>([...known.map(({ name }) => name), ...installed.keys()]);
  const rows: EngineRow[] = [];
  for (const name of names) {
    const engine = installed.get(name);
    const description = known.find((one) => one.name === name)?.description ?? '';
    if (engine === undefined) {
      rows.push({ name, description, installed: undefined, bytes: 0, trial: undefined });
      continue;
    }
    const bytes = await sizeOf(engine.folder);
    const trial = await tryInstalled(engine, threads);
    rows.push({ name, description, installed: engine, bytes, trial });
  }
  return rows;
}

/** Runs a small program on an installed engine, in a process of its own. */
export async function tryInstalled(
  { engine, name }: Pick<InstalledEngine, 'engine' | 'name'>,
  threads: number,
): Promise<Trial> {
  const id = engineIdOf(engine);
  if (id === undefined) {
    const reason = `this version of Tessera has no engine ${engine}`;
    return { works: false, reason, hint: 'use the version of Tessera that added it' };
  }
  const rival = await rivalOf(name, id);
  if (rival !== undefined) return { works: false, ...rival };
  const { works, reason, hint } = await probe({ id, threads });
  return { works, reason, hint };
}

/** Why an installed engine is not the one that runs: of two plugins for one kind of device one does. */
export async function rivalOf(
  name: string,
  id: EngineId,
): Promise<{ readonly reason: string; readonly hint: string } | undefined> {
  const used = await engineOf(id).plugin?.();
  if (used === undefined || used === name) return undefined;
  return { reason: `${used} runs in its place`, hint: `tessera engines remove ${used}` };
}

/** The registry's id of that name, where there is one. */
function engineIdOf(engine: string): EngineId | undefined {
  return ENGINES.find(({ id }) => id === engine)?.id;
}

/** Names that `tessera engines add` takes. */
export function addableNames(): readonly EngineAddition[] {
  return KNOWN_ENGINES.filter((known) => !isMissingStep(known)).map(({ name }) => name);
}

/** Bytes of all files below a folder. */
async function sizeOf(folder: string): Promise<number> {
  let bytes = 0;
  const names = await readdir(folder, { recursive: true }).catch(() => []);
  for (const name of names) {
    const found = await lstat(join(folder, name)).catch(() => undefined);
    if (found?.isFile()) bytes += found.size;
  }
  return bytes;
}
