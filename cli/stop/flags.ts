/** @file Flags and help of `tessera stop`. */
import type { Command } from 'commander';
import { addClientSecurity } from '../connect/flags.ts';
import { addCommand, examples, GROUPS, jsonOption, verboseOption } from '../terminal/flags.ts';

/** Adds `tessera stop`. */
export function addStop(program: Command): void {
  const stop = addCommand(
    program,
    'stop [run-or-address]',
    GROUPS.run,
    'End a run early and save it',
  ).option('--reason <text>', 'A line for the logs of all');
  addClientSecurity(stop);
  stop.optionsGroup('Output:').addOption(jsonOption()).addOption(verboseOption());
  examples(stop, 'The newest run of this folder; as an operator, from elsewhere', [
    'tessera stop',
    'tessera stop 10.0.0.1:50051 --certs certs/operator --reason maintenance',
  ]);
  stop.action(async (run, options) => (await import('./stop.ts')).runStop({ ...options, run }));
}
