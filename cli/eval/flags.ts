/** @file Flags and help of `tessera eval`. */
import { type Command, Option } from 'commander';
import {
  addCommand,
  examples,
  GROUPS,
  headsOption,
  jsonOption,
  setOption,
  ttaOption,
  verboseOption,
  weightsKeyOption,
} from '../terminal/flags.ts';

/** Adds `tessera eval`. */
export function addEval(program: Command): void {
  const evaluate = addCommand(
    program,
    'eval [run-or-checkpoint]',
    GROUPS.models,
    'What a model gets right and wrong on the test images',
  )
    .addOption(setOption())
    .addOption(
      new Option('--split <name>', 'Whose images (default: test)').choices([
        'test',
        'validation',
        'train',
      ] as const),
    )
    .addOption(ttaOption())
    .option('--out <folder>', 'Write confusion matrix and worst mistakes as pictures')
    .addOption(headsOption())
    .addOption(weightsKeyOption())
    .addOption(jsonOption())
    .addOption(verboseOption());
  examples(evaluate, 'The newest run; the best checkpoint of a run, with pictures', [
    'tessera eval',
    'tessera eval runs/quickstart-20260101-120000 --out pictures',
  ]);
  evaluate.action(async (checkpoint, options) =>
    (await import('./eval.ts')).runEval({ ...options, checkpoint }),
  );
}
