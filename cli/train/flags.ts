/** @file Flags and help of `tessera train`. */
import type { Command } from 'commander';
import { addRunOptions, devicesOption, localWorkersOption } from '../run/flags.ts';
import { addCommand, examples, GROUPS } from '../terminal/flags.ts';
import { setByVariables } from '../variables/command.ts';

/** Adds `tessera train`. */
export function addTrain(program: Command): void {
  const train = addCommand(
    program,
    'train [folder-or-config]',
    GROUPS.run,
    'Train on a folder of images, or by a config, on this machine',
  )
    .optionsGroup('Workers:')
    .addOption(localWorkersOption())
    .addOption(devicesOption());
  addRunOptions(train);
  examples(train, 'A folder with a folder of images for each class; then a config, four workers', [
    'tessera train photos',
    'tessera train quickstart --workers 4 --set training.epochs=2',
    '# Resume a run that was stopped or killed',
    'tessera train --resume runs/quickstart-20260101-120000',
  ]);
  train.action(async (config, options, command) =>
    (await import('./train.ts')).runTrain({
      ...options,
      config,
      setByVariables: setByVariables(command),
    }),
  );
}
