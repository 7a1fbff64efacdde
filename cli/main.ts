#!/usr/bin/env node
/** @file The `tessera` command: parses, runs one command, and turns whatever it threw into words and an exit code. */
import { CommanderError } from 'commander';
import { ERROR_EXIT_CODES, exitCodeOf, TesseraError } from '../shared/core/errors.ts';
import { reasonOf } from '../shared/host/errno.ts';
import { askToStop, endWithTerminal } from '../shared/host/shutdown.ts';
import { createProgram } from './program.ts';
import { describeError } from './talk.ts';

const args = process.argv.slice(2);

/** Results and errors are written by then; nothing that a library left open may keep the shell waiting. */
const LINGER_MS = 3000;

/** What the end of whoever reads us (`tessera status | head`, a terminal) does to our writing. */
const READER_GONE: Partial<Record<string, 'EPIPE' | 'SIGHUP'>> = { EPIPE: 'EPIPE', EIO: 'SIGHUP' };

for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    const wish = READER_GONE[error.code ?? ''];
    if (wish === undefined) {
      // A disk that is full under a log is no reason to end a run; an answer that is lost is told.
      const isAnswer = stream === process.stdout && (args.includes('--json') || !isRun(args));
      if (isAnswer && process.exitCode !== ERROR_EXIT_CODES.CANNOT_WRITE) {
        process.exitCode = ERROR_EXIT_CODES.CANNOT_WRITE;
        process.stderr.write(`error: cannot write the answer to stdout: ${reasonOf(error)}\n`);
      }
      return;
    }
    // A run saves what it has; others have nobody left to tell.
    if (askToStop(wish)) return;
    endWithTerminal();
    process.exit();
  });
}

/** Whether a command's stdout is a log beside its work: not the answer that was asked for. */
function isRun([command = '']: readonly string[]): boolean {
  return ['train', 'coordinator', 'worker'].includes(command);
}

const exitCode = await run(args);
process.exitCode ||= exitCode;
endWithTerminal();
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
