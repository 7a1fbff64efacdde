/** @file Flags and help of `tessera status`. */
import { type Command, Option } from 'commander';
import { addClientSecurity } from '../connect/flags.ts';
import {
  addCommand,
  examples,
  GROUPS,
  jsonOption,
  parseDuration,
  verboseOption,
} from '../terminal/flags.ts';

/** Adds `tessera status`. */
export function addStatus(program: Command): void {
  const status = addCommand(
    program,
    'status [run-or-address]',
    GROUPS.look,
    'Show a run and its workers, or how it ended',
  )
    .option('--watch', "Show it every second until the run ends, with the run's exit code")
    .addOption(
      new Option(
        '--reconnect <duration>',
        'How long --watch asks on when the coordinator has gone (default: 1m)',
      ).argParser(parseDuration),
    );
  addClientSecurity(status);
  status.optionsGroup('Output:').addOption(jsonOption()).addOption(verboseOption());
  examples(status, 'The newest run of this folder; one by its name; one elsewhere', [
    'tessera status --watch',
    'tessera status quickstart-20260101-120000',
    'tessera status 10.0.0.1:50051 --certs certs/operator',
  ]);
  status.action(async (run, options) => {
    process.exitCode = await (await import('./status.ts')).runStatus({ ...options, run });
  });
}
