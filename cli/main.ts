#!/usr/bin/env node
/** @file The `tessera` command: what must stand before all else. The rest is loaded by it. */
import { endIfDebugged } from '../shared/machine/debugger.ts';

/** As errors.ts has it, which may be what is missing. */
const SYSTEM_EXIT_CODE = 71;

const { main } = await import('./command-line.ts').catch(endUnloaded);
// Signals of the first moment may need one more turn to be seen.
endIfDebugged();
await main(process.argv.slice(2));

/** Ends with what keeps the rest from being loaded: it is not installed whole, may not be read, no more files may be open. */
async function endUnloaded(error: unknown): Promise<never> {
  const words = await import('../shared/core/errno.ts').catch(() => undefined);
  const { sentence, hint } = words?.systemTrouble(error) ?? {
    sentence: `this installation of Tessera cannot be loaded: ${error}`,
    hint: 'install it again: npm ci in a checkout, npm install tessera elsewhere',
  };
  process.stderr.write(`error: ${sentence}\n  hint: ${hint}\n`);
  process.exit(SYSTEM_EXIT_CODE);
}
