/** @file The measurements that an estimate begins with, on this machine: the step beside compute, and a leaf. */
import { availableThreads, findDevices } from '../../shared/machine/devices.ts';
import { parameterTable } from '../../shared/model/parameters.ts';
import { parseVariant } from '../../shared/model/variants.ts';
import {
  type FitModels,
  type FitRuns,
  fitMemory,
  fitStep,
  type MeasuredRun,
  type MemoryCost,
} from '../../tools/estimate/fit.ts';
import { leavesOfOne, type StepCost } from '../../tools/estimate/step.ts';
import { countWorkers, threadsEach } from '../local-run.ts';
import { type Replayed, type ReplayPlan, replay } from './run.ts';

/** A cell of a bench of growth. */
export interface Cell {
  /** `S/16`, or a small model that moves next to nothing. */
  readonly size: string;
  readonly workers: number;
  readonly leafMs?: number;
  readonly steps?: number;
  /** The exchange goes over sockets, as it does between machines. */
  readonly isApart?: boolean;
  readonly linkTo?: (address: string) => Promise<string>;
}

/** Digits, at a size that costs next to nothing to prepare; the model is as large as asked for. */
const DATA = ['data.augment.shift=0', 'data.testFraction=0.5', 'data.validation=none'];
const QUIET = ['evaluation.everyEpochs=0', 'checkpoint.everyEpochs=0', 'training.epochs=1000'];
const STEADY = [
  ...['training.schedule.warmupSteps=0', 'training.optimizer.learningRate=0.00001'],
  'training.classWeights=none',
];
const IMAGE_SIZE = 32;
const CLASSES = 10;
/** A GPU's, in small: a wait that takes no core. */
const LEAF_MS = 50;
const STEPS = 6;
const MEASURE_MS = 1000;
/** A size whose vectors fit no cache and any machine. */
const FIT_SIZE = 'S/16';
const FIT_WORKERS = { one: 1, many: 4 } as const;

/** Settings on top of quickstart for a model of a size; each worker has one leaf of one image. */
function cellSettings(size: string, workers: number): string[] {
  const ownSize = ['patchSize', 'width', 'depth', 'heads', 'mlpWidth'];
  const model =
    size === 'tiny'
      ? []
      : [`variant=${size}`, `imageSize=${IMAGE_SIZE}`, ...ownSize.map((name) => `${name}=null`)];
  return [
    ...[...DATA, ...QUIET, ...STEADY, ...model.map((setting) => `model.${setting}`)],
    ...[`training.batchSize=${workers}`, 'training.microBatch=1'],
    `cluster.minWorkers=${workers}`,
  ];
}

/** Values of the model of a size. */
export function parametersOf(size: string): number {
  const known =
    size === 'tiny'
      ? { width: 64, depth: 4, heads: 4, mlpWidth: 256, patchSize: 7, imageSize: 28 }
      : { ...parseVariant(size), imageSize: IMAGE_SIZE };
  return parameterTable({ ...known, channels: 1, numClasses: CLASSES }).size;
}

/** Runs a cell. Throws  as `replay`. */
export async function measureCell(cell: Cell): Promise<MeasuredRun> {
  const { size, workers, leafMs = LEAF_MS, steps = STEPS, linkTo } = cell;
  // Lanes gain nothing where both ends share the cores, and would lead around a relay.
  const apart = cell.isApart ? ['cluster.sharedMemory=off', 'cluster.lanes=0'] : [];
  const set = [...cellSettings(size, workers), ...apart];
  const plan = { config: 'quickstart', set, workers, leafMs, steps, ...(linkTo && { linkTo }) };
  const { workers: workersUsed, ...run } = await replay({ ...plan, measureMs: MEASURE_MS });
  return { ...run, parameters: parametersOf(size), workers, leafMs, workersUsed };
}

/** The constants of this machine. */
export interface MeasuredStep extends Pick<Replayed, 'others'> {
  readonly step: StepCost;
  readonly memory: MemoryCost;
}

/** Measures what a step costs beside compute, and what memory its processes take. Throws  as `replay`. */
export async function measureStep(isApart: boolean): Promise<MeasuredStep> {
  let others = 0;
  const measured = async (size: string, workers: number) => {
    const run = await measureCell({ isApart, size, workers });
    others = Math.max(others, run.others);
    return run;
  };
  const runs = async (size: string): Promise<FitRuns> => ({
    one: await measured(size, FIT_WORKERS.one),
    many: await measured(size, FIT_WORKERS.many),
  });
  const models: FitModels = { tiny: await runs('tiny'), large: await runs(FIT_SIZE) };
  return { step: fitStep(models, availableThreads()), memory: fitMemory(models), others };
}

/** What a leaf takes on this machine. Units  seconds; bytes of a worker's host, and of each device. */
export interface MeasuredLeaf extends Pick<Replayed, 'others'> {
  readonly seconds: number;
  readonly slots: number;
  readonly engine: string;
  readonly hostBytes: number;
  readonly deviceBytes: number | undefined;
}

/** Leaves of each device in a step at most: as many as show how the next is prepared while one is computed. */
const LEAVES_MAX = 4;
const LEAF_STEPS = 3;
const LEAF_MS_MIN = 2000;

/** Leaves of a run, as workers of this machine compute them. */
export interface LeafPlan extends Pick<ReplayPlan, 'config' | 'set'> {
  readonly batchSize: number;
  readonly microBatch: number;
  readonly workers: number;
}

/** What a leaf is measured with on top of a config: it leaves nothing open, since nothing is looked for in the data. */
export function leafSettings({ set, batchSize, microBatch, workers }: LeafPlan): string[] {
  const sizes = [`training.batchSize=${batchSize}`, `training.microBatch=${microBatch}`];
  return [...set, ...QUIET, ...STEADY, ...sizes, `cluster.minWorkers=${workers}`];
}

/** Measures a leaf of a config as so many workers of this machine compute it. Throws  as `replay`. */
export async function measureLeaf(plan: LeafPlan): Promise<MeasuredLeaf> {
  const { config, microBatch, workers } = plan;
  const devices = await findDevices();
  const slotsEach = Math.max(1, Math.floor(devices.gpus.length / workers));
  const ofOne = leavesOfOne(Math.ceil(plan.batchSize / microBatch), workers);
  const leaves = Math.min(ofOne, LEAVES_MAX * slotsEach);
  const batchSize = leaves * workers * microBatch;
  const { timings, engine, others, ...used } = await replay({
    ...{ config, workers, steps: LEAF_STEPS, measureMs: LEAF_MS_MIN },
    leafMs: { real: threadsEach(devices, workers) },
    set: leafSettings({ ...plan, batchSize }),
  });
  const { computeMs, fetchMs } = timings;
  const { engine: name = '', deviceCount = 0, deviceBytesPeak = 0 } = engine ?? {};
  const slots = Math.max(1, deviceCount);
  return {
    seconds: (computeMs + fetchMs) / 1000 / Math.ceil(leaves / slots),
    ...{ slots, engine: name, hostBytes: used.workers.peakBytes, others },
    deviceBytes: deviceBytesPeak === 0 ? undefined : deviceBytesPeak / slots,
  };
}

/** What all workers of this machine do together. */
export interface MeasuredSpeed {
  readonly imagesPerSecond: number;
  readonly leaf: MeasuredLeaf;
}

/** Leaves of a worker in a step whose speed is measured. */
const SPEED_LEAVES = 2;

/** Measures the training steps of a config, with as many workers as a run starts here. Throws  as `replay`. */
export async function measureSpeed({
  config,
  set = [],
  microBatch,
}: Pick<LeafPlan, 'config' | 'microBatch'> &
  Partial<Pick<LeafPlan, 'set'>>): Promise<MeasuredSpeed> {
  const devices = await findDevices();
  const workers = countWorkers('auto', devices, devices.gpus.length > 0);
  const leaf = await measureLeaf({
    ...{ config, set: [...set, 'training.cacheFeatures=off'] },
    ...{ microBatch, workers, batchSize: SPEED_LEAVES * workers * microBatch },
  });
  return { imagesPerSecond: (microBatch * leaf.slots * workers) / leaf.seconds, leaf };
}
