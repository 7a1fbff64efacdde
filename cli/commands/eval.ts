/** @file Flags and help of `tessera eval`. */
import type { Command } from 'commander';
import { addCommand, examples, GROUPS, jsonOption, setOption, verboseOption } from './flags.ts';

/** Adds `tessera eval`. */
export function addEval(program: Command): void {
  const evaluate = addCommand(
    program,
    'eval <run-or-checkpoint>',
    GROUPS.models,
    'Loss and accuracy of a checkpoint on the test images',
  )
    .addOption(setOption())
    .addOption(jsonOption())
    .addOption(verboseOption());
  examples(evaluate, 'The newest checkpoint of a run', [
    'tessera eval runs/quickstart-20260101-120000',
  ]);
  evaluate.action(async (checkpoint, options) =>
    (await import('../eval.ts')).runEval({ ...options, checkpoint }),
  );
}
