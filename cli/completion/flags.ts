/** @file Flags and help of `tessera completion`. */
import { Argument, type Command } from 'commander';
import { addCommand, examples, GROUPS, verboseOption } from '../terminal/flags.ts';
import { SHELLS } from './shells.ts';

/** Adds `tessera completion`. */
export function addCompletion(program: Command): void {
  const completion = addCommand(
    program,
    'completion',
    GROUPS.help,
    'A script that completes commands, flags, presets and runs',
  )
    .addArgument(new Argument('<shell>', SHELLS.join(', ')).choices(SHELLS))
    .addOption(verboseOption());
  examples(completion, 'For this shell; a line for ~/.bashrc or ~/.zshrc; fish', [
    'eval "$(tessera completion bash)"',
    'tessera completion fish | source',
  ]);
  completion.action(async (shell) =>
    (await import('./completion.ts')).runCompletion(program, shell),
  );
}
