#!/usr/bin/env node
/** @file The entry of the `tessera` command: what must stand before all else. The rest is loaded by it. */
import { loadProgram } from '../shared/machine/entry.ts';

const { main } = await loadProgram(() => import('./command-line.ts'));
await main(process.argv.slice(2));
