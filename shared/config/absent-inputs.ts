/** @file The data and weights that a config names and that are not here: which they are, and the commands that get them. */
import { catalogNames } from '../catalog/find.ts';
import { TesseraError } from '../core/errors.ts';
import { nearest } from '../core/nearest.ts';
import { nearPath } from '../files/near-path.ts';
import type { ConfigInput } from './inputs.ts';

const TITLES = { data: 'data set', weights: 'weights' } as const;

/** The names of the catalogue that are not here. */
export function absentNames(inputs: readonly ConfigInput[]): readonly (ConfigInput & Named)[] {
  return inputs.filter(
    (input): input is ConfigInput & Named => !input.isThere && input.name !== undefined,
  );
}

interface Named {
  readonly name: string;
}

/** The one line that gets what is absent, as `typable` texts have it. */
export function getCommand(absent: readonly (ConfigInput & Named)[]): string {
  return absent.map(({ kind, name }) => `tessera ${kind} get ${name}`).join(' && ');
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
  const folders = new Set(absent.flatMap(({ lookedIn }) => lookedIn.map(shownFolder)));
  throw new TesseraError(
    'DATA_INVALID',
    `${names} ${absent.length === 1 && absent[0]?.kind === 'data' ? 'is' : 'are'} not here: looked for in ${[...folders].join(', ')}`,
    {
      hint: `to get what is missing: ${getCommand(absent)}${canGet ? '   (or add --yes to this command)' : ''}`,
    },
  );
}

/** A folder below the current one is shown as such. */
function shownFolder(path: string): string {
  const near = nearPath(path);
  return near === path ? path : `./${near}`;
}

function notThere({ option, kind, given, path }: ConfigInput): TesseraError {
  const isWord = /^[\w.-]+$/.test(given);
  const meant = isWord ? nearest(given, catalogNames(kind)) : undefined;
  const what = kind === 'data' ? 'folder' : 'file or folder';
  const asName = isWord ? `, and ${given} is not a name of the catalogue` : '';
  return new TesseraError('DATA_INVALID', `${option}: there is no ${what} ${path}${asName}`, {
    hint: `${meant === undefined ? '' : `did you mean ${meant}? `}give it with --set ${option}=${kind === 'data' ? 'FOLDER' : 'PATH'}; tessera ${kind} get --list shows what can be downloaded`,
  });
}
