/** @file `tessera estimate`: what a step of a run would take, before it is started. */
import { localSize } from '../../launch/local-run.ts';
import { type MeasuredStep, measureStep } from '../../launch/replay/measure.ts';
import { fittingConfig } from '../../shared/config/fitting.ts';
import { type LoadedConfig, loadConfig } from '../../shared/config/load.ts';
import { resolveModel } from '../../shared/config/rules.ts';
import type { RunConfig } from '../../shared/config/schema.ts';
import { TesseraError } from '../../shared/core/errors.ts';
import { openDataSource } from '../../shared/data/sets/open.ts';
import { availableThreads } from '../../shared/machine/devices.ts';
import { estimateRun, type RunEstimate } from '../../tools/estimate/run.ts';
import { leafOfDevice } from '../../tools/estimate/table-leaf.ts';
import { print, printJson, say } from '../terminal/output.ts';
import { estimateLines } from './estimate-view.ts';
import { type LeafHere, leafHere } from './leaf-here.ts';

/** Flags of `estimate`. Units  bytes a second, milliseconds. */
export interface EstimateOptions {
  readonly config: string;
  readonly set?: string[];
  readonly workers?: number;
  readonly device?: string;
  readonly devices?: number;
  readonly bandwidth?: number;
  readonly latency?: number;
  readonly classes?: number;
  readonly samples?: number;
  readonly json?: true;
}

/** Prints the estimate. Throws  CONFIG_INVALID, DATA_INVALID, USAGE, or what keeps the measurements from being made. */
export async function runEstimate(options: EstimateOptions): Promise<void> {
  const estimate = await estimateOf(options);
  if (options.json) printJson({ schema: 'estimate/1', ...estimate });
  else print(estimateLines(estimate));
}

/** Measures and estimates; where the exchange is `known`, only the step that is asked for. Throws  as `runEstimate`. */
export async function estimateOf(
  options: EstimateOptions,
  known?: MeasuredStep,
): Promise<RunEstimate> {
  const { config: name, set = [], bandwidth, latency, device } = options;
  if (latency !== undefined && bandwidth === undefined) {
    throw new TesseraError('USAGE', '--latency is that of a link, and no --bandwidth is given', {
      hint: 'add --bandwidth, such as --bandwidth 10Gb/s',
    });
  }
  if (options.devices !== undefined && device === undefined) {
    throw new TesseraError(
      'USAGE',
      '--devices is of a --device that is not here, and none is given',
      {
        hint: `leave it out, and the devices of this machine are measured; or add --device`,
      },
    );
  }
  const loaded = await loadConfig(name, { set });
  const { config } = loaded;
  const { classes, samples } = await dataOf(loaded, options);
  const model = resolveModel(config, classes);
  const isOneMachine = bandwidth === undefined;
  const isHere = isOneMachine && device === undefined;
  const workers = options.workers ?? (isHere ? (await localSize(config)).count : 1);
  const { leaf, others: othersBefore } =
    device === undefined
      ? await measured(fittingConfig(config, { samples }), options, {
          workers: isOneMachine ? workers : 1,
          forBest: known === undefined,
        })
      : { leaf: leafOfDevice(device, { model, config, devices: options.devices ?? 1 }), others: 0 };
  const isApart = !isOneMachine || config.cluster.sharedMemory === 'off';
  const { step, memory, others } = known ?? (await stepHere(isApart));
  return estimateRun({
    ...{ model, config, samples, leaf, step, memory },
    cluster: {
      ...{ workers, isOneMachine, bandwidth, devices: leaf.devices },
      ...{ cores: availableThreads(), latency: (latency ?? 0) / 1000 },
    },
    others: Math.max(others, othersBefore),
  });
}

function measured(
  { training }: RunConfig,
  { config: name, set = [] }: EstimateOptions,
  { workers, forBest }: { readonly workers: number; readonly forBest: boolean },
): Promise<LeafHere> {
  say('measuring a leaf on this machine');
  const { batchSize, microBatch } = training;
  return leafHere({ config: name, set, batchSize, microBatch, workers }, { forBest });
}

function stepHere(isApart: boolean): Promise<MeasuredStep> {
  say('measuring the exchange and the optimizer of this machine, with workers that only wait');
  return measureStep(isApart);
}

/** What the data set says, where it is here. */
async function dataOf({ config, baseFolder }: LoadedConfig, options: EstimateOptions) {
  const { classes, samples } = options;
  if (classes !== undefined && samples !== undefined) return { classes, samples };
  try {
    const source = await openDataSource(config.data, { seed: config.seed, baseFolder });
    return {
      classes: classes ?? source.classes.length,
      samples: samples ?? source.size.train,
    };
  } catch (thrown) {
    const { sentence } = TesseraError.from(thrown);
    throw new TesseraError('DATA_INVALID', `what the data hold is not known: ${sentence}`, {
      hint: 'give it with --classes and --samples, and the device with --device',
    });
  }
}
