/** @file From a welcome to a worker that can compute: config, model, engine, data. */
import { type EngineRequest, isOnCpu } from '../shared/compute/engines/options.ts';
import type { ExecutableStore } from '../shared/compute/executables.ts';
import { modelFingerprint } from '../shared/config/fingerprint.ts';
import { keepsFeatures, programSpec } from '../shared/config/program.ts';
import { resolveModel } from '../shared/config/rules.ts';
import { configSchema, type RunConfig } from '../shared/config/schema.ts';
import type { WelcomeInfo } from '../shared/contract/messages.ts';
import { mapAhead } from '../shared/core/concurrency.ts';
import { TesseraError } from '../shared/core/errors.ts';
import { forEachSplit } from '../shared/core/work.ts';
import type { FoundSource } from '../shared/data/found.ts';
import { storageOf } from '../shared/data/options.ts';
import { IMAGES_AT_ONCE } from '../shared/data/pipeline/pipeline.ts';
import { decodersOf } from '../shared/data/pipeline/threads/decoders.ts';
import { createPooledPipeline } from '../shared/data/pipeline/threads/pooled-pipeline.ts';
import { openDataSource } from '../shared/data/sets/open.ts';
import { availableThreads } from '../shared/machine/devices.ts';
import { parameterTable } from '../shared/model/parameters.ts';
import type { ThreadStart } from './compute/compute-thread.ts';
import { ComputeThread } from './compute/compute-thread-client.ts';
import { refuseOtherData } from './leaves/data-check.ts';
import type { FeatureReader } from './leaves/feature-store.ts';
import { Feeder } from './leaves/feeder.ts';
import type { SampleReader } from './leaves/sample-store.ts';

/** Options of a worker that override the run's config. */
export interface WorkerChoice extends Partial<EngineRequest> {
  /** Folder of the data set on this machine, for data.access: local. */
  readonly dataPath?: string;
  /** Threads that make images. */
  readonly decoders?: number | 'auto';
}

/** A worker's half of a run, ready to compute. */
export interface Preparation {
  readonly engine: LeafComputer;
  readonly feeder: Feeder;
  readonly modelFingerprint: string;
  readonly parameterCount: number;
  /** Parameters at the beginning that never change. */
  readonly frozen: number;
  /** What gradients and the parameters of training are rounded to. */
  readonly exchange: RunConfig['exchange'];
  /** Whether evaluations are of the moving average of the weights. */
  readonly testsAverage: boolean;
  /** What its user asked for and does not get. */
  readonly notes?: readonly string[];
  /** What the data set on this machine holds, where samples are read in place. */
  readonly localData?: FoundSource;
}

/** What computes leaves: a thread of its own in the product. */
export type LeafComputer = Pick<
  ComputeThread,
  'id' | 'processor' | 'description' | 'slots' | 'devices' | 'setParameters' | 'leaf' | 'close'
> &
  Partial<Pick<ComputeThread, 'recycle'>>;

/** Where what a worker does not have comes from. */
export interface Readers {
  readonly samples: SampleReader;
  readonly features: FeatureReader;
  /** Of compiled programs; without it each process compiles for itself. */
  readonly executables?: ExecutableStore;
}

/** Starts what computes; `ComputeThread.start` unless a replay stands in for it. */
export type EngineStart = (
  start: ThreadStart,
  executables?: ExecutableStore,
) => Promise<LeafComputer>;

/** How a worker gets ready for the run of a welcome. */
export type Prepare = (
  welcome: WelcomeInfo,
  choice: WorkerChoice,
  readers: Readers,
) => Promise<Preparation>;

/**
 * Builds what a run needs: the same program from the same config as every other worker.
 *
 * Throws  PROTOCOL_MISMATCH when the coordinator's config is none that this version knows;
 *         ENGINE_UNAVAILABLE; DATA_INVALID when local data differ from the coordinator's.
 */
export async function prepare(
  welcome: WelcomeInfo,
  choice: WorkerChoice,
  readers: Readers,
  startEngine: EngineStart = ComputeThread.start,
): Promise<Preparation> {
  const { config, model, spec } = programOf(welcome);
  const sizes = {
    train: welcome.trainSamples,
    validation: welcome.validationSamples,
    test: welcome.testSamples,
  };
  const local =
    config.data.access === 'local'
      ? await localReader(config, { choice, welcome, samples: readers.samples })
      : undefined;
  const read = local?.read ?? readers.samples;
  const request = {
    engine: choice.engine ?? config.compute.engine,
    provider: choice.provider ?? config.compute.provider,
    threads: choice.threads ?? config.compute.threads,
    devices: choice.devices ?? config.compute.devices,
  };
  const start = { spec, request, numThreads: availableThreads() };
  const engine = await startEngine(start, readers.executables);
  const cores = request.threads === 'auto' ? start.numThreads : request.threads;
  const wanted = choice.decoders ?? config.worker.decoders;
  const pipeline = createPooledPipeline(
    config.data,
    { imageSize: model.imageSize, seed: config.seed, storage: storageOf(config.data) },
    { threads: decodersOf({ wanted, cores, isOnCpu: isOnCpu(engine.id) }) },
  );
  return {
    engine,
    feeder: new Feeder({
      config,
      sizes,
      pipeline,
      read,
      readFeatures: readers.features,
      width: model.width,
      keepsFeatures: forEachSplit((split) => keepsFeatures(config, spec, split)),
    }),
    modelFingerprint: modelFingerprint(spec),
    parameterCount: parameterTable(model).size,
    frozen: spec.frozen ?? 0,
    exchange: config.exchange,
    testsAverage: config.training.averageDecay > 0,
    notes: [
      ...(config.data.access === 'local' ? [] : unusedPathNote(choice)),
      ...unusedDevicesNote(request.devices, engine),
    ],
    ...(local && { localData: local.data }),
  };
}

/** A folder of one's own that is not read. */
function unusedPathNote({ dataPath }: WorkerChoice): string[] {
  if (dataPath === undefined) return [];
  return [
    `--data-path ${dataPath} is not read: this run has data.access: coordinator, which sends the samples`,
  ];
}

/** Devices that were asked for, of an engine that has one. */
function unusedDevicesNote(
  devices: 'all' | readonly number[],
  { slots, description }: LeafComputer,
): string[] {
  if (devices === 'all' || devices.length === slots) return [];
  return [
    `devices ${devices.join(', ')} were asked for, and ${description} uses ${slots} of its choice: several are for engines of xla, and of onnxruntime on CPU and CUDA`,
  ];
}

/** What is computed in the run of a welcome. Throws  PROTOCOL_MISMATCH when this version does not know how. */
export function programOf({ configJson, classes }: WelcomeInfo) {
  try {
    const config = configSchema.parse(JSON.parse(configJson));
    const model = resolveModel(config, classes.length);
    return { config, model, spec: programSpec(config, model) };
  } catch (cause) {
    throw new TesseraError(
      'PROTOCOL_MISMATCH',
      "this worker does not understand the run's config",
      { hint: 'install the same version of tessera on both machines', cause },
    );
  }
}

/** Reads samples in place; the set must be the run's. */
async function localReader(
  config: RunConfig,
  from: {
    readonly choice: WorkerChoice;
    readonly welcome: WelcomeInfo;
    readonly samples: SampleReader;
  },
): Promise<{ readonly read: SampleReader; readonly data: FoundSource }> {
  const path = from.choice.dataPath ?? config.data.path;
  const data = path === undefined ? config.data : { ...config.data, path };
  const source = await openDataSource(data, { seed: config.seed, baseFolder: process.cwd() });
  await refuseOtherData(source, {
    seed: config.seed,
    dataJson: from.welcome.dataJson,
    samples: from.samples,
    place: path ?? config.data.source,
  });
  const { classes, size, found } = source;
  return {
    read: (split, indices) =>
      mapAhead(IMAGES_AT_ONCE, indices, (index) => source.read(split, index)),
    data: { classes, size, found },
  };
}
