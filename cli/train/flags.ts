/** @file Flags and help of `tessera train`. */
import { type Command, Option } from 'commander';
import { addRunOptions } from '../run/flags.ts';
import { addCommand, examples, GROUPS, parseDevices, parseWorkers } from '../terminal/flags.ts';

/** Adds `tessera train`. */
export function addTrain(program: Command): void {
  const train = addCommand(
    program,
    'train [folder-or-config]',
    GROUPS.run,
    'Train on a folder of images, or by a config, on this machine',
  )
    .optionsGroup('Workers:')
    .addOption(
      new Option(
        '--workers <count>',
        'Worker processes, auto, or MIN:MAX (default: cluster.workers)',
      ).argParser(parseWorkers),
    )
    .addOption(
      new Option(
        '--devices <numbers>',
        'GPUs, or shares of the threads on CPU, such as 0,1,3 (default: compute.devices)',
      ).argParser(parseDevices),
    );
  addRunOptions(train);
  examples(train, 'A folder with a folder of images for each class; then a config, four workers', [
    'tessera train photos',
    'tessera train quickstart --workers 4 --set training.epochs=2',
    '# Resume a run that was stopped or killed',
    'tessera train --resume runs/quickstart-20260101-120000',
  ]);
  train.action(async (config, options) =>
    (await import('./train.ts')).runTrain({ ...options, config }),
  );
}
