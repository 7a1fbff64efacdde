/**
 * @file The beginning of each process: SIGUSR1 opens no debugger, heaps may grow, and a program that cannot be loaded
 * ends in words.
 * A main module imports this file alone, and loads the rest by it.
 */
import { endIfDebugged } from './debugger.ts';
import { letHeapsGrow } from './heap.ts';

/** As errors.ts has it, which may be what is missing. */
const SYSTEM_EXIT_CODE = 71;

/** Loads the program of this process; ends the process where that fails. */
export async function loadProgram<T>(load: () => Promise<T>): Promise<T> {
  letHeapsGrow();
  const program = await load().catch(endUnloaded);
  // Signals of the first moment may need one more turn to be seen.
  endIfDebugged();
  return program;
}

/** Ends with what keeps the rest from being loaded: it is not installed whole, may not be read, no more files may be open. */
async function endUnloaded(error: unknown): Promise<never> {
  const words = await import('../core/errno.ts').catch(() => undefined);
  const { sentence, hint } = words?.systemFailure(error) ?? {
    sentence: `this installation of Tessera cannot be loaded: ${error}`,
    hint: 'install it again: npm ci in a checkout, npm install tessera-train elsewhere',
  };
  process.stderr.write(`error: ${sentence}\n  hint: ${hint}\n`);
  process.exit(SYSTEM_EXIT_CODE);
}
