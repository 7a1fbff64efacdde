/** @file Names of archive entries: which may be made into paths. An archive comes from outside and may be hostile. */
import { TesseraError } from '../../shared/core/errors.ts';

const NAME_CHARACTERS_MAX = 1024;

/** What makes a name unfit, in words. */
const UNFIT: readonly (readonly [RegExp, string])[] = [
  [/^$/, 'it is empty'],
  [/\p{Cc}/u, 'it has a control character'],
  [/^[/\\]/, 'it is an absolute path'],
  [/^[A-Za-z]:/, 'it begins with a drive letter'],
  [/(?:^|[/\\])\.\.(?:[/\\]|$)/, 'it leads out of the folder'],
  // On Windows a backslash parts folders, and a colon a file from its hidden streams.
  [/[\\:]/, 'it has a backslash or a colon'],
];

/**
 * The parts of an entry's path, fit to be joined to a folder; none for what only names the folder itself.
 *
 * Throws  DATA_INVALID, naming archive and entry, for a name that could lead out of the folder.
 */
export function safeEntryParts(archive: string, name: string): readonly string[] {
  const unfit =
    name.length > NAME_CHARACTERS_MAX
      ? 'it is too long'
      : UNFIT.find(([form]) => form.test(name))?.[1];
  if (unfit !== undefined) throw hostileEntry(archive, name, `has an unsafe name: ${unfit}`);
  return name.split('/').filter((part) => part !== '' && part !== '.');
}

/** Whether an entry is what a Mac puts into archives for itself. */
export function isMacLitter(parts: readonly string[]): boolean {
  return (
    parts[0] === '__MACOSX' || parts.at(-1) === '.DS_Store' || !!parts.at(-1)?.startsWith('._')
  );
}

/** The refusal of an archive for one of its entries. */
export function hostileEntry(archive: string, name: string, what: string): TesseraError {
  return new TesseraError('DATA_INVALID', `${archive}: entry ${JSON.stringify(name)} ${what}`, {
    hint: 'nothing was unpacked; download the archive from its original source again',
  });
}
