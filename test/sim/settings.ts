/** @file What a world is like: its run, its workers and its faults, all drawn from the seed. */
import { configSchema, type RunConfig } from '../../shared/config/schema.ts';
import type { Split } from '../../shared/data/source.ts';
import { type Ailment, drawAilment } from './ailment.ts';
import type { Dice } from './dice.ts';
import { type Compiling, drawCompiling } from './executables.ts';

/** How much goes wrong; chances are per message, per call, per computation or per second as their names say. */
export interface Faults {
  readonly lossPerMessage: number;
  readonly repeatPerMessage: number;
  /** Some messages are late by up to `lateMs`, and overtaken. */
  readonly latePerMessage: number;
  readonly lateMs: number;
  readonly wrongBytesPerCall: number;
  readonly breakPerSecond: number;
  /** One way or both, for longer or shorter than `silenceMs`. */
  readonly partitionPerSecond: number;
  /** The connections of a worker swallow everything from then on, and nobody is told; new ones work. */
  readonly deadLinePerSecond: number;
  readonly workerCrashPerSecond: number;
  readonly workerStopPerSecond: number;
  readonly coordinatorCrashPerSecond: number;
  readonly coordinatorStopPerSecond: number;
  /** SIGSTOP, then SIGCONT; of workers and of the coordinator. */
  readonly freezePerSecond: number;
  readonly hangPerLeaf: number;
  /** From then on the engine of this process refuses everything. */
  readonly refusePerLeaf: number;
  readonly errorPerDiskCall: number;
  readonly diskFullPerSecond: number;
  /** A byte of the newest checkpoint changes while no coordinator runs. */
  readonly rotPerCrash: number;
}

/** One worker of a world. */
export interface WorkerSettings {
  readonly name: string;
  readonly startMs: number;
  readonly leafMs: number;
  /** Of its clock: its milliseconds in one of the world's. */
  readonly rate: number;
  /** Devices that its engine shows. */
  readonly slots: number;
}

/** Everything that defines a world beside its dice. */
export interface Settings {
  readonly config: RunConfig;
  readonly size: Readonly<Record<Split, number>>;
  /** Names of the samples that cannot be read. */
  readonly unreadable: ReadonlySet<string>;
  readonly workers: readonly WorkerSettings[];
  readonly faults: Faults;
  /** What is wrong with the run itself, for good. */
  readonly ailment: Ailment | undefined;
  /** From then on nothing goes wrong any more. */
  readonly healMs: number;
  /** Undefined where no stranger meddles with the run. */
  readonly strangers: Meddling | undefined;
  /** Undefined where workers have nothing to compile. */
  readonly compiling: Compiling | undefined;
}

/** What people do to a run, chances per second. */
interface Meddling {
  /** They start a coordinator on it. */
  readonly startPerSecond: number;
  /** They copy its folder, and go on with the copy. */
  readonly copyPerSecond: number;
  readonly removePerSecond: number;
}

/** A world without faults. */
export const NO_FAULTS: Faults = {
  lossPerMessage: 0,
  repeatPerMessage: 0,
  latePerMessage: 0,
  lateMs: 0,
  wrongBytesPerCall: 0,
  breakPerSecond: 0,
  partitionPerSecond: 0,
  deadLinePerSecond: 0,
  workerCrashPerSecond: 0,
  workerStopPerSecond: 0,
  coordinatorCrashPerSecond: 0,
  coordinatorStopPerSecond: 0,
  freezePerSecond: 0,
  hangPerLeaf: 0,
  refusePerLeaf: 0,
  errorPerDiskCall: 0,
  diskFullPerSecond: 0,
  rotPerCrash: 0,
};

/** Draws a world. Each kind of fault is absent from half of the worlds, so that no two always come together. */
export function drawSettings(dice: Dice): Settings {
  const trainSamples = dice.integer(3, 40);
  const config = drawConfig(dice, trainSamples);
  const some = (most: number) => (dice.chance(0.5) ? dice.between(0, most) : 0);
  const { engine, line } = dice;
  const numWorkers = dice.integer(config.cluster.minWorkers, 4);
  const test = dice.integer(1, 10);
  const { data } = dice;
  const size = {
    train: trainSamples,
    validation: data.chance(0.5) ? data.integer(1, 10) : 0,
    test,
  };
  const settings: Settings = {
    config,
    size,
    ailment: undefined,
    unreadable: drawUnreadable(dice.data, size),
    workers: Array.from({ length: numWorkers }, (_, index) => ({
      name: `w${index}`,
      startMs: dice.chance(0.3) ? dice.between(0, 2_000) : 0,
      leafMs: dice.between(2, 40) * (dice.chance(0.2) ? 10 : 1),
      rate: dice.chance(0.5) ? dice.between(0.8, 1.25) : 1,
      slots: dice.slots.chance(0.5) ? dice.slots.integer(2, 4) : 1,
    })),
    faults: {
      lossPerMessage: some(0.2),
      repeatPerMessage: some(0.3),
      latePerMessage: some(0.2),
      lateMs: dice.between(50, 1_500),
      wrongBytesPerCall: some(0.3),
      breakPerSecond: some(1),
      partitionPerSecond: some(0.5),
      deadLinePerSecond: line.chance(0.5) ? line.between(0, 0.5) : 0,
      workerCrashPerSecond: some(1),
      workerStopPerSecond: some(0.3),
      coordinatorCrashPerSecond: some(1),
      coordinatorStopPerSecond: some(0.3),
      freezePerSecond: some(0.5),
      hangPerLeaf: some(0.02),
      refusePerLeaf: engine.chance(0.5) ? engine.between(0, 0.02) : 0,
      errorPerDiskCall: some(0.02),
      diskFullPerSecond: some(0.5),
      rotPerCrash: some(1),
    },
    healMs: dice.between(1_000, 8_000),
    strangers: drawStrangers(dice.lock),
    compiling: drawCompiling(dice.executables),
  };
  return ill(settings, drawAilment(dice.ailment, config, trainSamples));
}

function drawStrangers(dice: Dice): Meddling | undefined {
  if (dice.chance(0.6)) return undefined;
  return {
    startPerSecond: dice.between(0, 1.5),
    copyPerSecond: dice.between(0, 1),
    removePerSecond: dice.chance(0.4) ? dice.between(0, 0.5) : 0,
  };
}

function ill(settings: Settings, ailment: Ailment | undefined): Settings {
  if (ailment === undefined) return settings;
  const { config, faults } = settings;
  const { training } = config;
  const optimizer = { ...training.optimizer, learningRate: 1e39 };
  // A step whose images cannot be read makes nothing, so the rate must be as high at the next.
  const schedule = {
    name: 'constant',
    warmupSteps: 0,
    finalRate: 0,
    patience: 3,
    factor: 0.1,
  } as const;
  const overflowing = { ...config, training: { ...training, optimizer, schedule } };
  return {
    ...settings,
    ailment,
    // How soon an ill run must end is known only where no stranger keeps it waiting.
    strangers: undefined,
    compiling: undefined,
    config: ailment.kind === 'overflows' ? overflowing : config,
    faults: ailment.isQuiet ? NO_FAULTS : faults,
  };
}

/** A share of each split, so large in some worlds that whole batches have nothing; one sample of each is good. */
function drawUnreadable(dice: Dice, size: Readonly<Record<Split, number>>): Set<string> {
  const share = dice.chance(0.5) ? dice.between(0, 1) : 0;
  const names = Object.entries(size).flatMap(([split, count]) =>
    Array.from({ length: count }, (_, index) => `${split}#${index}`),
  );
  return new Set(names.filter((name) => !name.endsWith('#0') && dice.chance(share)));
}

function drawConfig(dice: Dice, trainSamples: number): RunConfig {
  return configSchema.parse({
    name: 'sim',
    seed: dice.integer(0, 1e6),
    data: { source: 'mnist', channels: 1 },
    model: { imageSize: 1, patchSize: 1, width: 2, depth: 1, heads: 1, mlpWidth: 2 },
    training: {
      epochs: dice.integer(1, 3),
      batchSize: dice.integer(Math.ceil(trainSamples / 6), trainSamples),
      microBatch: dice.integer(1, 4),
      optimizer: { learningRate: 0.01 },
    },
    evaluation: { everyEpochs: dice.integer(0, 2) },
    checkpoint: {
      everySteps: dice.integer(0, 3),
      everyEpochs: dice.integer(0, 2),
      keep: dice.integer(1, 3),
    },
    cluster: {
      minWorkers: dice.integer(1, 2),
      heartbeatMs: 150,
      silenceMs: 800,
      leaseMs: dice.integer(300, 2_000),
      stallMs: 1_500,
    },
    exchange: {
      gradients: dice.exchange.chance(0.3) ? 'bf16' : 'f32',
      parameters: dice.exchange.chance(0.3) ? 'bf16' : 'f32',
    },
    limits: { chunkBytes: 64, rpcMs: 1_500, sampleBytes: 2, joinsPerMinute: 10_000 },
  });
}
