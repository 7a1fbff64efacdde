/** @file The command line: parses, runs one command, and turns whatever it threw into words and an exit code. */
import { CommanderError } from 'commander';
import { ERROR_CODES, exitCodeOf, TesseraError } from '../shared/core/errors.ts';
import { runProcess } from '../shared/machine/run-process.ts';
import { createProgram } from './program.ts';
import { describeError } from './terminal/output.ts';
import { allWritten, watchStreams } from './terminal/streams.ts';
import { switchValue, valueIn } from './variables/names.ts';

/** Runs the command that `args` are, and sets the exit code of the process. */
export async function main(args: readonly string[]): Promise<void> {
  watchStreams();
  await runProcess(() => run(args), allWritten);
}

async function run(words: readonly string[]): Promise<number> {
  try {
    const program = createProgram();
    await program.parseAsync(words, { from: 'user' });
    return 0;
  } catch (thrown) {
    // Commander has printed already; it ends bare commands and --help this way too.
    if (thrown instanceof CommanderError) {
      return thrown.exitCode === 0 ? 0 : ERROR_CODES.USAGE.exit;
    }
    const error = TesseraError.from(thrown);
    const verbose =
      words.includes('--verbose') ||
      words.includes('-v') ||
      switchValue(valueIn(process.env, 'verbose') ?? '');
    process.stderr.write(describeError(error, { stack: verbose ?? false }));
    return exitCodeOf(error);
  }
}
