/** @file The numbers that a config leaves open: found once, when a run begins, and its own from then on. */
import { drivesAllDevices } from '../shared/compute/engines/choose.ts';
import { measure } from '../shared/compute/engines/measure.ts';
import { bytesNeeded } from '../shared/compute/micro-batch.ts';
import type { PartMemory } from '../shared/compute/program.ts';
import { fittingConfig, openOptions } from '../shared/config/fitting.ts';
import { type LoadedConfig, settled } from '../shared/config/load.ts';
import { programSpec } from '../shared/config/program.ts';
import { resolveModel } from '../shared/config/rules.ts';
import type { PlannedConfig, RunConfig } from '../shared/config/schema.ts';
import { withSettings } from '../shared/config/settings.ts';
import { TesseraError } from '../shared/core/errors.ts';
import { isRecord } from '../shared/core/text.ts';
import { formatBytes } from '../shared/core/units.ts';
import { openDataSource } from '../shared/data/sets/open.ts';
import { classCounts, type DataSource } from '../shared/data/source.ts';
import { availableThreads } from '../shared/machine/devices.ts';
import { configOf } from '../shared/runs/reader/read.ts';

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

/** What a run begins with. */
export interface Settled {
  readonly loaded: LoadedConfig<RunConfig>;
  /** The data set, where it had to be opened for its numbers: listing it again would take as long. */
  readonly dataSource: DataSource | undefined;
}

/**
 * A config whose numbers are all there: what it says, or, for `auto`, what fits its model, data and devices. A run keeps
 * them: they are a part of its numbers.
 *
 * Throws  CONFIG_INVALID where a run that is resumed does not say what it began with; as `openDataSource` and `measure`.
 */
export async function settleNumbers(
  loaded: LoadedConfig,
  options: SettleOptions,
): Promise<Settled> {
  const { baseFolder } = loaded;
  const { resume, notify, dataSource } = options;
  const ended = (config: RunConfig, opened = dataSource) => ({
    loaded: { ...loaded, config },
    dataSource: opened,
  });
  const open = openOptions(loaded.config);
  if (open.length === 0) return ended(settled(loaded.config));
  if (resume !== undefined) return ended(await keptNumbers(loaded, resume));
  const { data, seed } = loaded.config;
  const source = dataSource ?? (await openDataSource(data, { seed, baseFolder }));
  const images = { samples: source.size.train, counts: classCounts(source) };
  const config = fittingConfig(loaded.config, images);
  const isMeasured = open.includes(MICRO_BATCH) && (await drivesAllDevices(config.compute));
  const chosen = open.filter((option) => option !== MICRO_BATCH || !isMeasured);
  if (chosen.length > 0) notify(`chosen for these images: ${chosenText(config, chosen)}`);
  if (!isMeasured) return ended(config, source);
  return ended(await measuredLeaf(config, source.classes.length, options), source);
}

const MICRO_BATCH = 'training.microBatch';

/** A config whose open numbers are those that a run to be resumed began with. Throws  CONFIG_INVALID without them. */
async function keptNumbers({ config }: LoadedConfig, resume: string): Promise<RunConfig> {
  const { config: kept = {} } = await configOf(resume);
  const settings = openOptions(config).map((option) => {
    const path = option.split('.');
    const value = path.reduce<unknown>(
      (section, key) => (isRecord(section) ? section[key] : undefined),
      kept,
    );
    if (value === undefined) {
      const sentence = `${option}: a run that is resumed keeps the one that it began with, and that is not known`;
      const hint = `give it with --set ${option}=...`;
      throw new TesseraError('CONFIG_INVALID', sentence, { hint });
    }
    return { path, value };
  });
  return settled(withSettings(config, settings) as unknown as PlannedConfig);
}

function chosenText({ training }: RunConfig, options: readonly string[]): string {
  const { optimizer, classWeights: _, ...others } = training;
  const values: Readonly<Record<string, unknown>> = {
    ...others,
    'optimizer.learningRate': optimizer.learningRate,
    classWeights: 'by the images of each class',
  };
  return options
    .map((option) => `${option} ${values[option.replace(/^training\./, '')]}`)
    .join(', ');
}

/** A config with the largest micro-batch that fits, measured by compiling the step for this machine's devices. */
async function measuredLeaf(
  config: RunConfig,
  numClasses: number,
  { workers, signal, notify }: SettleOptions,
): Promise<RunConfig> {
  const { training, compute } = config;
  const sized = (microBatch: number) => ({ ...config, training: { ...training, microBatch } });
  notify(`${MICRO_BATCH}: auto: compiling for the devices of this machine to see what fits`);
  const task = {
    spec: programSpec(sized(1), resolveModel(config, numClasses)),
    request: compute,
    threads: availableThreads(),
    parts: ['training'],
    find: { batchSize: training.batchSize, programs: workers },
  } as const;
  const { microBatch, engine, parts, limit = 0 } = await measure(task, signal);
  const needed = formatBytes(bytesNeeded(parts.training as PartMemory));
  notify(
    `${MICRO_BATCH}: ${microBatch}, the largest that fits and divides the batch: ${needed} of ${formatBytes(limit)} (${engine})`,
  );
  return sized(microBatch);
}
