#!/usr/bin/env node
/** @file The `tessera` command: what must stand before all else. The rest is loaded by it. */
import { endIfDebugged } from '../shared/host/debugger.ts';

const { main } = await import('./command-line.ts');
// Signals of the first moment may need one more turn to be seen.
endIfDebugged();
await main(process.argv.slice(2));
