/**
 * @file The constants of the model of a step and of memory, from a few runs that were measured. Pure.
 *
 * Each constant is a line through a model that is next to nothing and one that is not. Where workers share the cores of a
 * machine, seconds of a core count, which other programs change little.
 */
import type { StepTimings } from '../../shared/runs/events.ts';
import type { Line, StepCost } from './step.ts';

/** What a run with a fixed compute time took. Units  milliseconds; seconds of a core a step; bytes. */
export interface MeasuredRun {
  readonly parameters: number;
  readonly workers: number;
  readonly leafMs: number;
  readonly timings: StepTimings;
  readonly coordinator: { readonly cpuSeconds: number; readonly peakBytes: number };
  readonly workersUsed: { readonly cpuSeconds: number; readonly peakBytes: number };
  /** Of the cores' time, what other programs took. */
  readonly others: number;
}

/** What a process takes of memory: itself, and so many vectors of the model. */
export interface MemoryCost {
  readonly coordinatorBase: number;
  /** Besides two versions and the optimizer's moments. */
  readonly coordinatorVectors: number;
  /** Bytes and vectors that each worker adds. */
  readonly aWorker: number;
  readonly vectorsAWorker: number;
  /** Of a worker besides its vectors, and what it takes at least: small vectors go another way. */
  readonly workerBase: number;
  readonly workerLeast: number;
}

/** Runs of a model: one worker, and several. */
export interface FitRuns {
  readonly one: MeasuredRun;
  readonly many: MeasuredRun;
}

/** The runs that the constants come from: of a model of next to nothing, and of one. */
export interface FitModels {
  readonly tiny: FitRuns;
  readonly large: FitRuns;
}

const FLOAT_BYTES = 4;
/** A vector comes and a vector goes. */
const WAYS = 2;
/** Vectors that AdamW's coordinator has in any case: two versions and two moments. */
const KNOWN_VECTORS = 4;
/** Vectors of a worker whose engine has its own: parameters, those that come next, and a gradient. */
export const WORKER_VECTORS = 3;

/** More than this is the work of other programs. */
const WAITING_MAX = 1.5;

/** The constants of the steps of these runs, which were float32 on one machine of so many cores. */
export function fitStep({ tiny, large }: FitModels, cores: number): StepCost {
  const line = (of: (runs: FitRuns) => number, unit = 1): Line => {
    const [small, size] = [tiny, large].map(({ one }) => unit * one.parameters);
    return lineThrough([small as number, size as number], [of(tiny), of(large)]);
  };
  const coordinator = line(coordinatorSeconds, FLOAT_BYTES);
  const worker = line(workerSeconds, FLOAT_BYTES);
  return {
    pull: line(({ one }) => one.timings.pullMs / 1000, FLOAT_BYTES),
    push: line(({ one }) => one.timings.pushMs / 1000, FLOAT_BYTES),
    ...{ coordinator, worker, waiting: waitingOf(large, [coordinator, worker], cores) },
    sum: sumSeconds(large) / large.one.parameters,
    optimizer: line(optimizerSeconds),
    other: line(otherSeconds),
  };
}

/** The constants of the memory of these runs. */
export function fitMemory({ tiny, large }: FitModels): MemoryCost {
  const vector = FLOAT_BYTES * large.one.parameters;
  const base = tiny.one.coordinator.peakBytes;
  const added = ({ one, many }: FitRuns) =>
    Math.max(0, many.coordinator.peakBytes - one.coordinator.peakBytes) /
    (many.workers - one.workers);
  const bytesAWorker = added(tiny);
  const vectorsAWorker = Math.max(0, added(large) - bytesAWorker) / vector;
  return {
    coordinatorBase: base - bytesAWorker,
    coordinatorVectors:
      (large.one.coordinator.peakBytes - base) / vector - KNOWN_VECTORS - vectorsAWorker,
    ...{ aWorker: bytesAWorker, vectorsAWorker },
    workerBase: large.one.workersUsed.peakBytes - WORKER_VECTORS * vector,
    workerLeast: tiny.one.workersUsed.peakBytes,
  };
}

/** The line through two points, that goes down nowhere and begins at nothing or more. */
function lineThrough(sizes: readonly [number, number], values: readonly [number, number]): Line {
  const each = Math.max(0, (values[1] - values[0]) / (sizes[1] - sizes[0]));
  return { each, fixed: Math.max(0, values[0] - each * sizes[0]) };
}

/** Seconds of a step of one worker that are in no part. */
function otherSeconds({ one: { timings, leafMs } }: FitRuns): number {
  const { wallMs, pullMs, pushMs, optimizerMs } = timings;
  return Math.max(0, wallMs - leafMs - pullMs - pushMs - optimizerMs) / 1000;
}

/** Seconds of one addition. */
function sumSeconds({ many }: FitRuns): number {
  return many.timings.sumMs / 1000 / (many.workers - 1);
}

/** Of a core of the coordinator, what each worker's vector adds, either way and without its addition. */
function coordinatorSeconds({ one, many }: FitRuns): number {
  const added = many.coordinator.cpuSeconds - one.coordinator.cpuSeconds;
  return Math.max(0, added / (many.workers - one.workers) - sumSeconds({ one, many })) / WAYS;
}

/** It works the same for any number of workers: what is more is the work of other programs. */
function optimizerSeconds({ one, many }: FitRuns): number {
  return Math.min(one.timings.optimizerMs, many.timings.optimizerMs) / 1000;
}

function waitingOf(runs: FitRuns, ends: readonly Line[], cores: number): number {
  const { workers, timings, leafMs, parameters, others } = runs.many;
  const moved = (timings.wallMs - leafMs - timings.sumMs) / 1000;
  const exchange = moved - optimizerSeconds(runs) - otherSeconds(runs);
  const sumOf = (of: (line: Line) => number) =>
    (ends.reduce((sum, line) => sum + of(line), 0) * WAYS * workers) / cores;
  const bytes = sumOf(({ each }) => each * FLOAT_BYTES * parameters);
  // What it would have taken with the cores to itself.
  const waiting = ((1 - others) * exchange - sumOf(({ fixed }) => fixed)) / bytes;
  return Math.min(WAITING_MAX, Math.max(1, waiting));
}

/** Of a core of each worker, a vector. */
function workerSeconds({ many }: FitRuns): number {
  return many.workersUsed.cpuSeconds / many.workers / WAYS;
}
