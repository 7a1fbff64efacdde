/** @file Flags and help of `tessera predict`. */
import { type Command, Option } from 'commander';
import {
  addCommand,
  examples,
  GROUPS,
  jsonOption,
  parseWholeCount,
  verboseOption,
} from './flags.ts';

/** Adds `tessera predict`. */
export function addPredict(program: Command): void {
  const predict = addCommand(program, 'predict <image...>', GROUPS.models, 'Name what images show')
    .requiredOption('--checkpoint <run-or-checkpoint>', 'Run folder, checkpoint folder or file')
    .addOption(
      new Option('--top <count>', 'Classes to show for each image')
        .argParser(parseWholeCount)
        .default(5),
    )
    .addOption(jsonOption())
    .addOption(verboseOption());
  examples(predict, 'The three best guesses for each photo', [
    'tessera predict photos/*.jpg --checkpoint runs/food-20260101-120000 --top 3',
  ]);
  predict.action(async (images, options) =>
    (await import('../predict.ts')).runPredict({ ...options, images }),
  );
}
