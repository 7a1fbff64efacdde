#!/usr/bin/env node
/** @file The `tessera` command: parses, runs one command, and turns whatever it threw into words and an exit code. */
import { CommanderError } from 'commander';
import { ERROR_EXIT_CODES, exitCodeOf, TesseraError } from '../shared/core/errors.ts';
import { createProgram } from './program.ts';
import { describeError } from './talk.ts';

const args = process.argv.slice(2);

/** Results and errors are written by then; nothing that a library left open may keep the shell waiting. */
const LINGER_MS = 3000;

for (const stream of [process.stdout, process.stderr]) {
  // Whoever reads us (`tessera status | head`) may go at any time.
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit();
    throw error;
  });
}
process.exitCode = await run(args);
setTimeout(() => process.exit(), LINGER_MS).unref();

async function run(words: readonly string[]): Promise<number> {
  const program = createProgram();
  try {
    await program.parseAsync(words, { from: 'user' });
    return 0;
  } catch (thrown) {
    // Commander has printed already; it ends bare commands and --help this way too.
    if (thrown instanceof CommanderError) {
      return thrown.exitCode === 0 ? 0 : ERROR_EXIT_CODES.USAGE;
    }
    const error = TesseraError.from(thrown);
    const verbose = words.includes('--verbose') || words.includes('-v');
    process.stderr.write(describeError(error, { stack: verbose }));
    return exitCodeOf(error);
  }
}
