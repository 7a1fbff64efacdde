/** @file Flags and help of `tessera status`. */
import type { Command } from 'commander';
import { addCommand, examples, GROUPS, jsonOption, verboseOption } from './flags.ts';
import { addClientSecurity } from './security-options.ts';

/** Adds `tessera status`. */
export function addStatus(program: Command): void {
  const status = addCommand(
    program,
    'status [host:port]',
    GROUPS.look,
    'Show a run and its workers (default: the newest run here)',
  ).option('--watch', 'Show it again every second until the run ends');
  addClientSecurity(status);
  status.optionsGroup('Output:').addOption(jsonOption()).addOption(verboseOption());
  examples(status, 'Follow the newest run of this folder', ['tessera status --watch']);
  status.action(async (address, options) =>
    (await import('../status.ts')).runStatus({ ...options, address }),
  );
}
