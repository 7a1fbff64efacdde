/** @file Flags and help of `tessera init`. */
import type { Command } from 'commander';
import { addCommand, examples, GROUPS, verboseOption } from '../terminal/flags.ts';

/** Adds `tessera init`. */
export function addInit(program: Command): void {
  const init = addCommand(
    program,
    'init <folder>',
    GROUPS.run,
    'Write a config for a folder of images, with a reason for each choice',
  )
    .option('--out <file>', 'Where to write it (default: ./FOLDER.yaml)')
    .option('--force', 'Replace a file that is there')
    .option('-y, --yes', 'Download pretrained weights that this machine has not')
    .addOption(verboseOption());
  examples(init, 'Look at photos, read what would be done, then do it', [
    'tessera init photos',
    'tessera train photos.yaml',
  ]);
  init.action(async (folder, options) =>
    (await import('./init.ts')).initConfig({ ...options, folder }),
  );
}
