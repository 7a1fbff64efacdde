/** @file `training.microBatch: auto`: found once, when a run begins, and a number of its config from then on. */
import { measure } from '../shared/compute/engines/measure.ts';
import { bytesNeeded } from '../shared/compute/micro-batch.ts';
import type { PartMemory } from '../shared/compute/program.ts';
import { type LoadedConfig, settled } from '../shared/config/load.ts';
import { programSpec } from '../shared/config/program.ts';
import { resolveModel } from '../shared/config/rules.ts';
import type { RunConfig } from '../shared/config/schema.ts';
import { TesseraError } from '../shared/core/errors.ts';
import { formatBytes } from '../shared/core/units.ts';
import { openDataSource } from '../shared/data/sets/open.ts';
import type { DataSource } from '../shared/data/source.ts';
import { availableThreads } from '../shared/machine/devices.ts';

/** What is known of a run before it begins. */
export interface SettleOptions {
  /** The data set, in place of the config's. */
  readonly dataSource?: DataSource | undefined;
  /** Folder of a run to resume. */
  readonly resume?: string | undefined;
  /** Workers that compute on this machine. */
  readonly workers: number;
  /** Ends the search. */
  readonly signal?: AbortSignal | undefined;
  /** Gets what is being done, and what was found. */
  readonly notify: (sentence: string) => void;
}

/**
 * A config whose micro-batch is a number: what it says, or, for `auto`, the largest that fits, measured by compiling the
 * step for this machine's devices. A run keeps it: it is a part of the numbers.
 *
 * Throws  CONFIG_INVALID for `auto` in a run that is resumed; as `measure`.
 */
export async function settleMicroBatch(
  loaded: LoadedConfig,
  options: SettleOptions,
): Promise<LoadedConfig<RunConfig>> {
  const { config } = loaded;
  const { resume, workers, notify } = options;
  if (config.training.microBatch !== 'auto') return { ...loaded, config: settled(config) };
  if (resume !== undefined) {
    throw new TesseraError(
      'CONFIG_INVALID',
      'training.microBatch: a run that is resumed keeps the one that it began with, and auto is none',
      { hint: 'leave training.microBatch out: the config of the run has it' },
    );
  }
  const { data, seed, training, compute } = config;
  const source =
    options.dataSource ?? (await openDataSource(data, { seed, baseFolder: loaded.baseFolder }));
  const sized = (microBatch: number) => ({ ...config, training: { ...training, microBatch } });
  notify('training.microBatch: auto: compiling for the devices of this machine to see what fits');
  const task = {
    spec: programSpec(sized(1), resolveModel(config, source.classes.length)),
    request: compute,
    threads: availableThreads(),
    parts: ['training'],
    find: { batchSize: training.batchSize, programs: workers },
  } as const;
  const found = await measure(task, options.signal);
  const { microBatch, engine, parts, limit = 0 } = found;
  const needed = formatBytes(bytesNeeded(parts.training as PartMemory));
  notify(
    `training.microBatch: ${microBatch}, the largest that fits and divides the batch: ${needed} of ${formatBytes(limit)} (${engine})`,
  );
  return { ...loaded, config: sized(microBatch) };
}
