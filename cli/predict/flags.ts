/** @file Flags and help of `tessera predict`. */
import { type Command, Option } from 'commander';
import {
  addCommand,
  examples,
  GROUPS,
  headsOption,
  jsonOption,
  parseWholeCount,
  setOption,
  ttaOption,
  verboseOption,
  weightsKeyOption,
} from '../terminal/flags.ts';

/** Adds `tessera predict`. */
export function addPredict(program: Command): void {
  const predict = addCommand(program, 'predict <image...>', GROUPS.models, 'Name what images show')
    .option('--checkpoint <path>', 'Run (default: the newest), checkpoint, or any weights')
    .addOption(
      new Option('--top <count>', 'Classes to show for each image')
        .argParser(parseWholeCount)
        .default(5),
    )
    .addOption(ttaOption())
    .option('--out <folder>', 'Write a picture of each image with its label here')
    .option('--classes <file>', 'Names of the classes, one a line, for bare weights')
    .addOption(headsOption())
    .addOption(weightsKeyOption())
    .addOption(setOption())
    .addOption(jsonOption())
    .addOption(verboseOption());
  examples(predict, 'The three best guesses for each photo; a folder, with pictures; stdin', [
    'tessera predict *.jpg --checkpoint runs/food-20260101-120000 --top 3',
    'tessera predict photos --checkpoint runs/food-20260101-120000 --out named',
    'tessera predict - --checkpoint vit.safetensors < cat.jpg',
  ]);
  predict.action(async (images, options) =>
    (await import('./predict.ts')).runPredict({ ...options, images }),
  );
}
