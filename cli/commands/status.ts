/** @file Flags and help of `tessera status`. */
import type { Command } from 'commander';
import { addCommand, examples, GROUPS, jsonOption, verboseOption } from './flags.ts';
import { addClientSecurity } from './security-options.ts';

/** Adds `tessera status`. */
export function addStatus(program: Command): void {
  const status = addCommand(
    program,
    'status [run-or-address]',
    GROUPS.look,
    'Show a run and its workers, or how it ended',
  ).option('--watch', 'Show it again every second until the run ends');
  addClientSecurity(status);
  status.optionsGroup('Output:').addOption(jsonOption()).addOption(verboseOption());
  examples(status, 'The newest run of this folder; one by its name; one elsewhere', [
    'tessera status --watch',
    'tessera status quickstart-20260101-120000',
    'tessera status 10.0.0.1:50051 --certs certs/operator',
  ]);
  status.action(async (run, options) =>
    (await import('../status.ts')).runStatus({ ...options, run }),
  );
}
