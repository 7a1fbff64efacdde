/** @file Flags and help of `tessera logs`. */
import type { Command } from 'commander';
import { addCommand, examples, GROUPS, notes, verboseOption } from '../terminal/flags.ts';

/** Adds `tessera logs`. */
export function addLogs(program: Command): void {
  const logs = addCommand(
    program,
    'logs [worker]',
    GROUPS.look,
    'What the workers of a run have logged, in one place',
  )
    .option('--run <run>', 'Folder or name of the run (default: the newest)')
    .option('-f, --follow', 'Show what comes, until the run ends');
  logs
    .optionsGroup('Output:')
    .option('--json', 'Print a JSON document for each line on stdout')
    .addOption(verboseOption());
  examples(logs, 'Of all workers; of one, until the run ends', [
    'tessera logs',
    'tessera logs w3 --follow',
    'tessera logs --run runs/food --json',
  ]);
  notes(logs, [
    'Workers send their warnings, their errors and the error that they leave with.',
    'Those that a run has started itself have a file with all that they printed.',
  ]);
  logs.action(async (worker, options) => {
    process.exitCode = await (await import('./logs.ts')).runLogs({ ...options, worker });
  });
}
