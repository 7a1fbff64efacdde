/** @file The measurements that an estimate begins with, on this machine: the step beside compute, and a leaf. */
import { availableParallelism } from 'node:os';
import { findDevices } from '../../shared/machine/devices.ts';
import { parameterTable } from '../../shared/model/parameters.ts';
import { parseVariant } from '../../shared/model/variants.ts';
import { fitMemory, fitStep, type MeasuredRun, type MemoryCost } from '../../tools/estimate/fit.ts';
import type { StepCost } from '../../tools/estimate/step.ts';
import { replay } from './run.ts';

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
const STEADY = ['training.schedule.warmupSteps=0', 'training.optimizer.learningRate=0.00001'];
const IMAGE_SIZE = 32;
const CLASSES = 10;
/** A GPU's, in small: a wait that takes no core. */
const LEAF_MS = 50;
const STEPS = 6;
/** A size whose vectors fit no cache and any machine. */
const FIT_SIZE = 'S/16';
const FIT_WORKERS = 3;

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
  const apart = cell.isApart ? ['cluster.sharedMemory=off'] : [];
  const set = [...cellSettings(size, workers), ...apart];
  const plan = { config: 'quickstart', set, workers, leafMs, steps, ...(linkTo && { linkTo }) };
  const { timings, coordinator, workers: workersUsed } = await replay(plan);
  return { parameters: parametersOf(size), workers, leafMs, timings, coordinator, workersUsed };
}

/** The constants of this machine. */
export interface MeasuredStep {
  readonly step: StepCost;
  readonly memory: MemoryCost;
}

/** Measures what a step costs beside compute, and what memory its processes take. Throws  as `replay`. */
export async function measureStep(isApart: boolean): Promise<MeasuredStep> {
  const runs = {
    tiny: await measureCell({ isApart, size: 'tiny', workers: 1 }),
    one: await measureCell({ isApart, size: FIT_SIZE, workers: 1 }),
    many: await measureCell({ isApart, size: FIT_SIZE, workers: FIT_WORKERS }),
  };
  return { step: fitStep(runs, THREADS), memory: fitMemory(runs) };
}

/** Threads of a coordinator that move bytes. */
const THREADS = 1;

/** What a leaf takes on this machine. Units  seconds; bytes of a worker's host, and of each device. */
export interface MeasuredLeaf {
  readonly seconds: number;
  readonly slots: number;
  readonly engine: string;
  readonly hostBytes: number;
  readonly deviceBytes: number | undefined;
}

/** Leaves of each device in a step, so that some are prepared while another is computed. */
const LEAVES = 4;
const LEAF_STEPS = 5;

/** Measures a leaf of a config as so many workers of this machine compute it. Throws  as `replay`. */
export async function measureLeaf(
  { config, set }: { readonly config: string; readonly set: readonly string[] },
  { microBatch, workers }: { readonly microBatch: number; readonly workers: number },
): Promise<MeasuredLeaf> {
  const { gpus } = await findDevices();
  const slotsEach = Math.max(1, Math.floor(gpus.length / workers));
  const batchSize = LEAVES * slotsEach * workers * microBatch;
  const sizes = [`training.batchSize=${batchSize}`, `training.microBatch=${microBatch}`];
  const run = await replay({
    ...{ config, workers, steps: LEAF_STEPS },
    leafMs: { real: Math.max(1, Math.floor(availableParallelism() / workers)) },
    set: [...set, ...QUIET, ...STEADY, ...sizes, `cluster.minWorkers=${workers}`],
  });
  const { computeMs, fetchMs } = run.timings;
  const { engine = '', deviceCount = 0, deviceBytesPeak = 0 } = run.engine ?? {};
  const slots = Math.max(1, deviceCount);
  return {
    seconds: (computeMs + fetchMs) / 1000 / Math.ceil((LEAVES * slotsEach) / slots),
    ...{ slots, engine, hostBytes: run.workers.peakBytes },
    deviceBytes: deviceBytesPeak === 0 ? undefined : deviceBytesPeak / slots,
  };
}
