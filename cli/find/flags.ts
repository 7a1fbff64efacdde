/** @file Flags and help of `tessera find`. */
import type { Command } from 'commander';
import {
  addCommand,
  examples,
  GROUPS,
  jsonOption,
  notes,
  setOption,
  verboseOption,
} from '../terminal/flags.ts';

/** Adds `tessera find`. */
export function addFind(program: Command): void {
  const find = addCommand(program, 'find', GROUPS.run, 'Find a learning rate or a micro-batch');
  examples(find, 'Before a long training', [
    'tessera find lr photos',
    'tessera find micro-batch photos',
  ]);
  const lr = addCommand(
    find,
    'lr <folder-or-config>',
    'Commands:',
    'Try rising learning rates for some steps; suggest one, with a picture',
  )
    .option('--out <file>', 'Where to draw it: .png or .svg (default: learning-rate.png)')
    .option('-y, --yes', 'Download what is named and this machine has not')
    .addOption(setOption())
    .addOption(jsonOption())
    .addOption(verboseOption());
  notes(lr, ['Nothing that it trains is kept. Runs that are there stay as they are.']);
  examples(lr, 'Then train with it', [
    'tessera find lr photos',
    'tessera train photos --set training.optimizer.learningRate=3e-4',
  ]);
  lr.action(async (config, options) =>
    (await import('./learning-rate.ts')).findLearningRate({ ...options, config }),
  );
  const size = addCommand(
    find,
    'micro-batch <folder-or-config>',
    'Commands:',
    'Measure images a second and memory by the micro-batch; suggest one',
  )
    .option('-y, --yes', 'Download what is named and this machine has not')
    .addOption(setOption())
    .addOption(jsonOption())
    .addOption(verboseOption());
  examples(size, 'How many images to compute at a time', ['tessera find micro-batch photos']);
  size.action(async (config, options) =>
    (await import('./micro-batch.ts')).findMicroBatch({ ...options, config }),
  );
}
