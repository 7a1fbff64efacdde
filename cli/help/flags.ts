/** @file Flags and help of `tessera help` and `tessera version`. */
import type { Command } from 'commander';
import { addCommand, examples, GROUPS } from '../terminal/flags.ts';

/** Adds `tessera help` and `tessera version`. */
export function addHelp(program: Command): void {
  const help = addCommand(
    program,
    'help [topic]',
    GROUPS.help,
    'Pages for a start, such as photos and words',
  );
  examples(help, 'What there is; from photos to a model', ['tessera help', 'tessera help photos']);
  help.action(async (topic) => (await import('./help.ts')).showHelp(program, topic));
  const version = addCommand(
    program,
    'version',
    GROUPS.help,
    'Print the version, and what it runs on',
  );
  examples(version, 'For a report', ['tessera version']);
  version.action(async () => (await import('./help.ts')).showVersion());
}
