/** @file The data and weights that a config names, before anything is done with them: where they are, or the command that gets them. */
import { isAbsolute } from 'node:path';
import { catalogNames } from '../../shared/catalog/find.ts';
import type { ConfigInput } from '../../shared/config/inputs.ts';
import type { LoadedConfig } from '../../shared/config/load.ts';
import { TesseraError } from '../../shared/core/errors.ts';
import { nearest } from '../../shared/core/nearest.ts';
import { commandLine, nearPath } from '../terminal/command-text.ts';
import { pointer } from '../terminal/output.ts';

const TITLES = { data: 'data set', weights: 'weights' } as const;

/** Says where names of the catalogue were found. */
export function inputLines(inputs: readonly ConfigInput[]): readonly string[] {
  return inputs.flatMap(({ name, isThere, kind, path }) =>
    name === undefined || !isThere ? [] : [pointer(kind, `${name}: ${path}`)],
  );
}

/** The names of the catalogue that are not here. */
export function absentNames(inputs: readonly ConfigInput[]): readonly (ConfigInput & Named)[] {
  return inputs.filter(
    (input): input is ConfigInput & Named => !input.isThere && input.name !== undefined,
  );
}

interface Named {
  readonly name: string;
}

/** The one line to type that gets what is absent. */
export function getCommand(absent: readonly (ConfigInput & Named)[]): string {
  return absent.map(({ kind, name }) => commandLine([kind, 'get', name])).join(' && ');
}

/**
 * Refuses a config whose data or weights are not there.
 *
 * Throws  DATA_INVALID with the command that gets them, or with what to set.
 */
export function requireInputs(
  inputs: readonly ConfigInput[],
  { canGet = false }: { readonly canGet?: boolean } = {},
): void {
  const lost = inputs.find(({ isThere, name }) => !isThere && name === undefined);
  if (lost !== undefined) throw notThere(lost);
  const absent = absentNames(inputs);
  if (absent.length === 0) return;
  const names = absent.map(({ kind, name }) => `the ${TITLES[kind]} ${name}`).join(' and ');
  const folders = new Set(absent.flatMap(({ lookedIn }) => lookedIn.map(nearName)));
  throw new TesseraError(
    'DATA_INVALID',
    `${names} ${absent.length === 1 && absent[0]?.kind === 'data' ? 'is' : 'are'} not here: looked for in ${[...folders].join(', ')}`,
    {
      hint: `to get what is missing: ${getCommand(absent)}${canGet ? '   (or add --yes to this command)' : ''}`,
    },
  );
}

/** Whether what is missing is downloaded, and what is needed at all. */
export interface InputWishes {
  readonly yes?: true;
  readonly resume?: string | true;
}

/** Loads a config whose data and weights are here, downloaded if that is wanted. Throws  as `requireInputs` and downloads do. */
export async function withInputs(
  load: () => Promise<LoadedConfig>,
  { yes, resume }: InputWishes,
  signal: AbortSignal,
): Promise<LoadedConfig> {
  // A checkpoint has what became of the weights that its run began with.
  const needed = ({ inputs }: LoadedConfig) =>
    inputs.filter(({ kind }) => resume === undefined || kind === 'data');
  let loaded = await load();
  const absent = absentNames(needed(loaded));
  if (yes && absent.length > 0) {
    // Unpacking and the rest are needed for this alone.
    await (await import('../get/get.ts')).getInputs(absent, signal);
    loaded = await load();
  }
  requireInputs(needed(loaded), { canGet: true });
  return loaded;
}

/** A path below the current folder as people type it. */
function nearName(path: string): string {
  const near = nearPath(path);
  return isAbsolute(near) ? near : `./${near}`;
}

function notThere({ option, kind, given, path }: ConfigInput): TesseraError {
  const isWord = /^[\w.-]+$/.test(given);
  const meant = isWord ? nearest(given, catalogNames(kind)) : undefined;
  const what = kind === 'data' ? 'folder' : 'file or folder';
  const asName = isWord ? `, and ${given} is not a name of the catalogue` : '';
  return new TesseraError('DATA_INVALID', `${option}: there is no ${what} ${path}${asName}`, {
    hint: `${meant === undefined ? '' : `did you mean ${meant}? `}give it with --set ${option}=${kind === 'data' ? 'FOLDER' : 'PATH'}; ${commandLine([kind, 'get', '--list'])} shows what can be downloaded`,
  });
}
