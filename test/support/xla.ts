/** @file The CPU plugin that tests of xla run on, where `tessera engines add xla-cpu` has put one. */
import { enginesFolder, installedEngines } from '../../shared/compute/engines/installed.ts';
import type { ExecutableStore } from '../../shared/compute/executables.ts';

const engines = await installedEngines(enginesFolder(process.env));

/** Path of the CPU plugin; undefined where it is not installed. */
export const XLA_CPU = engines.find(({ engine }) => engine === 'xla-cpu')?.path;

/** Says once in each file of tests why what follows is skipped; returns whether the plugin is absent. */
export function lacksXlaCpu(what: string): boolean {
  if (XLA_CPU !== undefined) return false;
  const folder = enginesFolder(process.env);
  process.stderr.write(`skipped: ${what}, there is no xla-cpu in ${folder}\n`);
  return true;
}

/** Executables in memory, so that tests compile each program once. */
export function executablesInMemory(): ExecutableStore & {
  readonly kept: Map<string, Uint8Array>;
} {
  const kept = new Map<string, Uint8Array>();
  return {
    kept,
    take: async ({ digest }) => kept.get(digest),
    put: async ({ digest }, bytes) => {
      kept.set(digest, bytes);
      return bytes;
    },
    abandon: async () => {},
  };
}
