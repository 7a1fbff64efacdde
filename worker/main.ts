/** @file The entry of a worker process that a launcher starts. People start theirs by `tessera worker`. */
import { loadProgram } from '../shared/machine/entry.ts';

const { main } = await loadProgram(() => import('./launched.ts'));
await main(process.argv.slice(2));
