/**
 * @file The standard streams of a command. Its result goes to stdout; a result that cannot be written is an error. What it
 * reports besides goes to stderr, and is dropped silently if it cannot be written.
 */
import { errnoOf, reasonOf, remedyOf } from '../../shared/core/errno.ts';
import { ERROR_CODES, TesseraError } from '../../shared/core/errors.ts';
import { wasClosed } from '../../shared/machine/closed-stream.ts';
import { askToStop, endWithTerminal } from '../../shared/machine/shutdown.ts';
import { describeError } from './output.ts';

/** What a shell shows of a command that SIGPIPE has ended: its reader had seen enough (`| head -1`). */
const READER_GONE_EXIT_CODE = 128 + 13;

/** Watches what becomes of the writing to stdout and stderr, until the process ends. */
export function watchStreams(): void {
  process.stdout.on('error', onAnswerLost);
  process.stderr.on('error', (error) => {
    // A run whose log has lost its reader saves its state; a full disk below the log does not end it.
    if (errnoOf(error) === 'EPIPE') askToStop('EPIPE');
    if (errnoOf(error) === 'EIO') onTerminalGone();
  });
  if (!wasClosed(1)) return;
  const closed = Object.assign(new Error('it is closed'), { code: 'EBADF' });
  process.stdout._write = (_chunk, _encoding, done) => done(closed);
}

function onAnswerLost(error: Error): void {
  if (errnoOf(error) === 'EIO') onTerminalGone();
  else if (errnoOf(error) === 'EPIPE') process.exit(process.exitCode || READER_GONE_EXIT_CODE);
  else if (process.exitCode !== ERROR_CODES.CANNOT_WRITE.exit) {
    process.exitCode = ERROR_CODES.CANNOT_WRITE.exit;
    const sentence = `cannot write the answer to stdout: ${reasonOf(error)}`;
    const lost = new TesseraError('CANNOT_WRITE', sentence, { hint: remedyOf(error) });
    process.stderr.write(describeError(lost, { stack: false }));
  }
}

function onTerminalGone(): void {
  // A run saves its state; other commands have no reader left.
  if (askToStop('SIGHUP')) return;
  endWithTerminal();
  process.exit();
}

/** Resolves when all is written that was said, however slowly its reader takes it, or cannot be. */
export async function allWritten(): Promise<void> {
  for (const stream of [process.stdout, process.stderr]) {
    if (stream.writableLength > 0) await new Promise((done) => stream.write('', done));
  }
}
