/** @file Flags and help of `tessera stop`. */
import type { Command } from 'commander';
import { addCommand, examples, GROUPS, jsonOption, verboseOption } from './flags.ts';
import { addClientSecurity } from './security-options.ts';

/** Adds `tessera stop`. */
export function addStop(program: Command): void {
  const stop = addCommand(
    program,
    'stop [host:port]',
    GROUPS.run,
    'End a run early and save it (default: the newest run here)',
  ).option('--reason <text>', 'A line for the logs of all');
  addClientSecurity(stop);
  stop.optionsGroup('Output:').addOption(jsonOption()).addOption(verboseOption());
  examples(stop, 'As an operator, from elsewhere', [
    'tessera stop 10.0.0.1:50051 --certs certs/operator --reason maintenance',
  ]);
  stop.action(async (address, options) =>
    (await import('../stop.ts')).runStop({ ...options, address }),
  );
}
