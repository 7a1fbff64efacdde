/** @file The part of a download that has arrived, `NAME.part`, and what it is a part of, `NAME.part.json`. */
import { rename, rm, stat, writeFile } from 'node:fs/promises';
import { remedyOf } from '../../shared/core/errno.ts';
import type { TesseraError } from '../../shared/core/errors.ts';
import { cannotWrite } from '../../shared/files/files.ts';
import { readTextFile } from '../../shared/files/regular-file.ts';

/** What a part is a part of. */
export interface PartState {
  readonly url: string;
  readonly validator: string;
}

/** Where the part of a file lies. */
export function partOf(path: string): string {
  return `${path}.part`;
}

function stateOf(path: string): string {
  return `${path}.part.json`;
}

/** Bytes that have arrived. */
export async function partBytes(path: string): Promise<number> {
  return (await stat(partOf(path)).catch(() => undefined))?.size ?? 0;
}

/** Forgets what has arrived. */
export async function dropPart(path: string): Promise<void> {
  await rm(partOf(path), { force: true });
  await rm(stateOf(path), { force: true });
}

/** What the part is of, when that is known and it is of this address. */
export async function readPartState(path: string, url: string): Promise<PartState | undefined> {
  try {
    const state: unknown = JSON.parse(await readTextFile(stateOf(path)));
    const { url: of, validator } = state as Partial<Record<string, unknown>>;
    return of === url && typeof validator === 'string' ? { url, validator } : undefined;
  } catch {
    return undefined;
  }
}

/** Notes what the part is of. Throws  CANNOT_WRITE. */
export async function writePartState(path: string, state: PartState): Promise<void> {
  await writeFile(stateOf(path), `${JSON.stringify(state)}\n`).catch((error: unknown) => {
    throw cannotKeep(path, error);
  });
}

/** Puts the part in place as the whole. Throws  CANNOT_WRITE. */
export async function completePart(path: string): Promise<void> {
  await rename(partOf(path), path).catch((error: unknown) => {
    throw cannotKeep(path, error);
  });
  await rm(stateOf(path), { force: true });
}

/** A failure of the disk, in words. */
export function cannotKeep(path: string, cause: unknown): TesseraError {
  const remedy = `${remedyOf(cause)}, or choose another folder with --out`;
  return cannotWrite(
    path,
    cause,
    `${remedy}, and run the command again: the received part is kept`,
  );
}
