/** @file The frame of each process: its work, its exit code, and an end that nothing delays. */
import { isOfInstallation } from '../core/errno.ts';
import { endWithTerminal } from './shutdown.ts';

/** Results and errors are written by then; nothing that a library left open may keep the starter waiting. */
const LINGER_MS = 3000;

/** Runs the work of this process, which returns the exit code; `written` resolves when its output is out. */
export async function runProcess(
  work: () => Promise<number>,
  written: () => Promise<void> = async () => {},
): Promise<void> {
  // Node 20 rejects an import that fails twice: once to the caller, once to no caller at all.
  process.on('unhandledRejection', (reason) => {
    if (!isOfInstallation(reason)) throw reason;
  });
  const exitCode = await work();
  process.exitCode ||= exitCode;
  await written();
  endWithTerminal();
  setTimeout(() => process.exit(), LINGER_MS).unref();
}
