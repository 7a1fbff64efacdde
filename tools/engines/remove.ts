/** @file Removes an engine: its folder is there whole or not at all. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { KNOWN_ENGINES } from '../../shared/catalog/engines.ts';
import { installedEngines } from '../../shared/compute/engines/installed.ts';
import { TesseraError } from '../../shared/core/errors.ts';
import { removeFolderAtomically, sweepFolder } from '../../shared/files/files.ts';

/**
 * Removes the engine of that name; returns its folder. The caller holds the lock of the folder of engines. A process
 * that runs on it keeps what it has loaded.
 *
 * Throws  USAGE when there is none; CANNOT_WRITE.
 */
export async function removeEngine(root: string, name: string): Promise<string> {
  const installed = (await installedEngines(root)).map((engine) => engine.name);
  const folder = join(root, name);
  // Of a known name also a folder without a record, which is not an engine.
  const isOurs = installed.includes(name) || KNOWN_ENGINES.some((known) => known.name === name);
  if (!isOurs || !existsSync(folder)) {
    const all = installed.length === 0 ? 'none is' : `these are: ${installed.join(', ')}`;
    throw new TesseraError('USAGE', `no engine ${name} is installed in ${root}`, {
      hint: `${all}; \`tessera engines list\` shows all`,
    });
  }
  await removeFolderAtomically(folder);
  // What a killed command has half unpacked.
  await sweepFolder(root);
  return folder;
}
