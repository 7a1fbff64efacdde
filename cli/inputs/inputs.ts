/** @file The data and weights that a config names: where they are, and their download where that is wanted. */
import { absentNames, requireInputs } from '../../shared/config/absent-inputs.ts';
import type { ConfigInput } from '../../shared/config/inputs.ts';
import type { LoadedConfig } from '../../shared/config/load.ts';
import { pointer } from '../terminal/output.ts';

/** Says where names of the catalogue were found. */
export function inputLines(inputs: readonly ConfigInput[]): readonly string[] {
  return inputs.flatMap(({ name, isThere, kind, path }) =>
    name === undefined || !isThere ? [] : [pointer(kind, `${name}: ${path}`)],
  );
}

/** Whether what is missing is downloaded, and what is needed at all. */
export interface InputRequests {
  readonly yes?: true;
  /** Whether a run is continued that has saved something. */
  readonly isKept?: boolean;
}

/** Loads a config whose data and weights are here, downloaded if that is wanted. Throws  as `requireInputs` and downloads do. */
export async function withInputs(
  load: () => Promise<LoadedConfig>,
  { yes, isKept }: InputRequests,
  signal: AbortSignal,
): Promise<LoadedConfig> {
  // A checkpoint has what became of the weights that its run began with.
  const needed = ({ inputs }: LoadedConfig) =>
    inputs.filter(({ kind }) => !isKept || kind === 'data');
  let loaded = await load();
  const absent = absentNames(needed(loaded));
  if (yes && absent.length > 0) {
    // Unpacking and the rest are needed for this alone.
    await (await import('../get/get.ts')).getInputs(absent, signal);
    loaded = await load();
  }
  requireInputs(needed(loaded), { canGet: true });
  return loaded;
}
