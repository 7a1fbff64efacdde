/** @file Flags and help of `tessera board`. */
import { type Command, Option } from 'commander';
import {
  addCommand,
  examples,
  GROUPS,
  notes,
  parsePort,
  verboseOption,
} from '../terminal/flags.ts';

/** Adds `tessera board`. */
export function addBoard(program: Command): void {
  const board = addCommand(
    program,
    'board [runs...]',
    GROUPS.look,
    'A page with the curves of runs, side by side',
  )
    .addOption(
      new Option('--port <number>', 'Port to listen on (0: a free one)')
        .argParser(parsePort)
        .default(0),
    )
    .addOption(new Option('--host <address>', 'Address to listen on').default('127.0.0.1'))
    .addOption(verboseOption())
    .optionsGroup('Security:')
    .option('--certs <folder>', 'TLS with ca.crt, tls.crt and tls.key (tessera certs)')
    .option('--operator-token-file <file>', 'Operators may show this token')
    .option('--insecure', 'Plaintext, open to all who reach the port');
  notes(board, [
    'A run that trains has a page of its own: tessera board prints its address. The',
    'others are read from their folders, and again when they grow.',
  ]);
  examples(board, 'The newest run; two runs over each other', [
    'tessera board',
    'tessera board runs/food-1 runs/food-2',
  ]);
  board.action(async (runs, options) =>
    (await import('./board.ts')).runBoard({ ...options, runs }),
  );
}
