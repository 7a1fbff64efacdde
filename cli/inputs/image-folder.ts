/** @file Whether what was typed in place of a config is a folder of images. */
import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { presetNames } from '../../shared/config/load.ts';
import { TesseraError } from '../../shared/core/errors.ts';
import { RUN_FILES } from '../../shared/runs/layout.ts';
import { pathWord } from '../terminal/command-text.ts';

/** Whether it is a folder, and not the name of a preset. Throws  USAGE for the folder of a run. */
export async function isImageFolder(name: string): Promise<boolean> {
  const found = await stat(name).catch(() => undefined);
  if (!found?.isDirectory() || (await presetNames()).includes(name)) return false;
  if (!existsSync(join(name, RUN_FILES.identity))) return true;
  throw new TesseraError('USAGE', `${name} is the folder of a run`, {
    hint: `to continue it: tessera train --resume ${pathWord(name)}`,
  });
}
