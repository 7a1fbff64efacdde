/** @file How long `tessera --help` takes: what a user waits for before the first word. */
import { spawnSync } from 'node:child_process';
import { performance } from 'node:perf_hooks';
import { median } from './figures/median.ts';

/** Median wall time of `tessera --help`, beside that of an empty Node program. Units  milliseconds. */
export interface HelpBench {
  readonly helpMs: number;
  readonly emptyNodeMs: number;
}

const ROUNDS = 9;

/** Measures the start of the CLI. */
export async function benchHelp(): Promise<HelpBench> {
  const main = new URL('../cli/main.js', import.meta.url).pathname;
  return { helpMs: medianMs([main, '--help']), emptyNodeMs: medianMs(['-e', '0']) };
}

function medianMs(args: readonly string[]): number {
  const times = Array.from({ length: ROUNDS }, () => {
    const startedMs = performance.now();
    spawnSync(process.execPath, args);
    return performance.now() - startedMs;
  });
  return median(times);
}
