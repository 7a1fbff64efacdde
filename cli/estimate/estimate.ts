/** @file `tessera estimate`: what a step of a run would take, before it is started. */
import { availableParallelism } from 'node:os';
import { type MeasuredStep, measureLeaf, measureStep } from '../../launch/replay/measure.ts';
import { type LoadedConfig, loadConfig, settled } from '../../shared/config/load.ts';
import { resolveModel } from '../../shared/config/rules.ts';
import { TesseraError } from '../../shared/core/errors.ts';
import { openDataSource } from '../../shared/data/sets/open.ts';
import { estimateRun, type LeafFacts, type RunEstimate } from '../../tools/estimate/run.ts';
import { leafOfDevice } from '../../tools/estimate/table-leaf.ts';
import { print, printJson, say } from '../terminal/output.ts';
import { estimateLines } from './estimate-view.ts';

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

/** Measures what is to be measured here and not `known`, and estimates. Throws  as `runEstimate`. */
export async function estimateOf(
  options: EstimateOptions,
  known?: MeasuredStep,
): Promise<RunEstimate> {
  const { config: name, set = [], workers = 1, bandwidth, latency, device } = options;
  if (latency !== undefined && bandwidth === undefined) {
    throw new TesseraError('USAGE', '--latency is that of a link, and no --bandwidth is given', {
      hint: 'add --bandwidth, such as --bandwidth 10Gb/s',
    });
  }
  const loaded = await loadConfig(name, { set });
  const { classes, samples } = await dataOf(loaded, options);
  const model = resolveModel(loaded.config, classes);
  const isOneMachine = bandwidth === undefined;
  const leaf =
    device === undefined
      ? await leafHere(
          options,
          settled(loaded.config).training.microBatch,
          isOneMachine ? workers : 1,
        )
      : leafOfDevice(device, { model, config: loaded.config, devices: options.devices ?? 1 });
  const { step, memory } = known ?? (await stepHere(isOneMachine));
  return estimateRun({
    ...{ model, config: loaded.config, samples, leaf, step, memory },
    cluster: {
      ...{ workers, isOneMachine, bandwidth, devices: leaf.devices },
      ...{ cores: availableParallelism(), latency: (latency ?? 0) / 1000 },
    },
  });
}

function stepHere(isOneMachine: boolean): Promise<MeasuredStep> {
  say('measuring the exchange and the optimizer of this machine, with workers that only wait');
  return measureStep(!isOneMachine);
}

/** A leaf of the config and one of half the size show what a leaf takes itself, and what an image. */
async function leafHere(
  { config, set = [] }: EstimateOptions,
  microBatch: number,
  workers: number,
): Promise<LeafFacts> {
  say('measuring a leaf on this machine');
  const measure = (size: number) => measureLeaf({ config, set }, { microBatch: size, workers });
  const whole = await measure(microBatch);
  const small = Math.max(1, Math.floor(microBatch / 2));
  const half = small < microBatch ? await measure(small) : undefined;
  const image =
    half === undefined
      ? whole.seconds / microBatch
      : Math.max(0, (whole.seconds - half.seconds) / (microBatch - small));
  const imageBytes =
    half === undefined ? 0 : Math.max(0, (whole.hostBytes - half.hostBytes) / (microBatch - small));
  const { engine, slots, hostBytes, deviceBytes } = whole;
  return {
    ...{ source: 'measured', device: engine, devices: slots, measuredAt: microBatch },
    cost: { image, fixed: Math.max(0, whole.seconds - image * microBatch) },
    ...{ hostBytes, imageBytes, deviceBytes, deviceLimit: undefined },
  };
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
