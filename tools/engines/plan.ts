/** @file What adding an engine would take: its wheels, how much is downloaded and unpacked, what room there is. */
import { readdir, statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { KnownEngine } from '../../shared/catalog/engines.ts';
import { errnoOf } from '../../shared/core/errno.ts';
import { TesseraError } from '../../shared/core/errors.ts';
import { formatBytes } from '../../shared/core/units.ts';
import { cannotWrite } from '../../shared/files/files.ts';
import type { KnownFile } from '../../shared/files/known-file.ts';
import { checkStep, filesOf, isMissingStep } from './finish.ts';
import type { WheelPlatform } from './wheels/platform.ts';
import type { FoundWheel, WheelSource } from './wheels/source.ts';

/** What adding an engine takes. */
export interface EnginePlan {
  readonly known: KnownEngine;
  readonly wheels: readonly FoundWheel[];
  /** Other files, of other servers, which the last step needs. */
  readonly files: readonly FoundWheel[];
  /** Of all; undefined where the index does not say of one. Files in a folder count nothing. */
  readonly downloadBytes: number | undefined;
  /** Guessed before the wheels are there: what they hold is known only then. */
  readonly unpackedBytesAbout: number | undefined;
  readonly freeBytes: number;
}

/** What native libraries unpack to: for the wheels of XLA and CUDA 1.8 on the whole, for the plugins alone 3. */
const UNPACKED_RATIO = 2;

/**
 * Finds the wheels of an engine.
 *
 * Throws  ENGINE_UNAVAILABLE when there are none for this kind of machine, or it lacks a program; CANNOT_WRITE when there is no room; what the
 *         source throws.
 */
export async function planEngine(
  known: KnownEngine,
  {
    root,
    source,
    here,
    env = {},
  }: {
    readonly root: string;
    readonly source: WheelSource;
    readonly here: WheelPlatform;
    readonly env?: Readonly<NodeJS.ProcessEnv>;
  },
): Promise<EnginePlan> {
  refuseUnfit(known, here);
  await checkStep(known, env);
  const wheels: FoundWheel[] = [];
  for (const wheel of known.wheels) wheels.push(await source.find(wheel, here));
  const files: FoundWheel[] = [];
  for (const file of filesOf(known, env)) files.push(await foundFile(file, source.folder));
  const all = [...wheels, ...files];
  const bytes = sumOf(all.map((file) => file.bytes));
  const downloadBytes = sumOf(all.map((file) => (file.url === undefined ? 0 : file.bytes)));
  const freeBytes = await freeBytesAt(root);
  if (bytes !== undefined) refuseLack(root, (downloadBytes ?? 0) + bytes, freeBytes);
  const unpackedBytesAbout = bytes === undefined ? undefined : bytes * UNPACKED_RATIO;
  return { known, wheels, files, downloadBytes, unpackedBytesAbout, freeBytes };
}

/** A file that is known by its address; without a network it is taken from the folder of the wheels. */
async function foundFile(known: KnownFile, folder: string | undefined): Promise<FoundWheel> {
  const { url, file, bytes, digest } = known;
  const sha256 = digest?.algorithm === 'sha256' ? digest.hex : undefined;
  if (folder === undefined) return { file, bytes, sha256, url, path: undefined };
  const names = await readdir(folder).catch(() => []);
  // `npm pack` puts the scope of the package before its name.
  const there =
    names.find((name) => name === file) ?? names.find((name) => name.endsWith(`-${file}`));
  if (there === undefined) {
    throw new TesseraError('DATA_INVALID', `${folder} has no ${file}`, {
      hint: `fetch ${url} into it`,
    });
  }
  return { file, bytes, sha256, url: undefined, path: join(folder, there) };
}

/** Throws  ENGINE_UNAVAILABLE for an engine that this kind of machine, or this version of Tessera, cannot have. */
export function refuseUnfit(known: KnownEngine, { machine }: WheelPlatform): void {
  const { name, machines } = known;
  if (isMissingStep(known)) {
    throw new TesseraError('ENGINE_UNAVAILABLE', `this version of Tessera cannot add ${name} yet`, {
      hint: '`tessera engines list` shows what can be added',
    });
  }
  if (machines.includes(machine)) return;
  throw new TesseraError('ENGINE_UNAVAILABLE', `there is no ${name} for ${machine}`, {
    hint: `there are wheels for ${machines.join(' and ')}`,
  });
}

/** Throws  CANNOT_WRITE when a folder has less room than is needed at least. */
export function refuseLack(root: string, neededBytes: number, freeBytes: number): void {
  if (neededBytes <= freeBytes) return;
  const needed = `${formatBytes(neededBytes)} are needed, ${formatBytes(freeBytes)} are free`;
  throw new TesseraError('CANNOT_WRITE', `the disk of ${root} has too little room: ${needed}`, {
    hint: 'free some space, or choose another folder with TESSERA_ENGINES',
  });
}

/** Free bytes for this user on the disk of a folder that may not be there yet. Throws  CANNOT_WRITE. */
export async function freeBytesAt(folder: string): Promise<number> {
  for (let at = folder; ; at = dirname(at)) {
    try {
      const { bavail, bsize } = await statfs(at);
      return bavail * bsize;
    } catch (error) {
      if (errnoOf(error) === 'ENOENT' && dirname(at) !== at) continue;
      throw cannotWrite(folder, error);
    }
  }
}

function sumOf(values: readonly (number | undefined)[]): number | undefined {
  let sum = 0;
  for (const value of values) {
    if (value === undefined) return undefined;
    sum += value;
  }
  return sum;
}
