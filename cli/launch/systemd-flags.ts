/** @file Flags and help of `tessera launch systemd`. */
import type { Command } from 'commander';
import { addCommand, examples, LOG_MORE, notes, verboseOption } from '../terminal/flags.ts';

/** Adds `tessera launch systemd`. */
export function addSystemd(launch: Command): void {
  const systemd = addCommand(
    launch,
    'systemd <config-or-command> [words...]',
    'Commands:',
    'Print a systemd unit',
  )
    // They are those of another command, which checks them.
    .allowUnknownOption()
    .option('--user <name>', 'The account that trains (default: your own)')
    .option('--print', 'Print the unit, which it does anyway')
    .addOption(verboseOption(LOG_MORE));
  notes(systemd, [
    'A config is a line of tessera up, with the flags of that; coordinator and',
    'worker are given with theirs. The unit runs in the current folder, and starts',
    'the line again until it is done.',
  ]);
  examples(systemd, 'One machine; a coordinator; a worker of it', [
    'tessera launch systemd quickstart --run-folder runs/digits',
    'tessera launch systemd coordinator quickstart --certs certs/coordinator \\',
    '  --listen 10.0.0.1:50051',
    'tessera launch systemd worker 10.0.0.1:50051 --certs certs/worker',
  ]);
  systemd.action(async (first, words, options, command) =>
    (await import('./systemd.ts')).launchSystemd([first, ...words], options, command),
  );
}
