/**
 * @file The constants of the model of a step and of memory, from a few runs that were measured. Pure.
 *
 * Each constant is a line through a model that is next to nothing and one that is not: with one worker alone, and with a
 * few and more of them that share the machine. Figures of the last two include how these cores are shared.
 */
import type { StepTimings } from '../../shared/runs/events.ts';
import type { Line, StepCost, TransferCost } from './step.ts';

/** What a run with a fixed compute time took. Units  milliseconds; seconds of a core a step; bytes. */
export interface MeasuredRun {
  readonly parameters: number;
  readonly workers: number;
  readonly leafMs: number;
  readonly timings: StepTimings;
  readonly coordinator: { readonly cpuSeconds: number; readonly peakBytes: number };
  readonly workersUsed: { readonly cpuSeconds: number; readonly peakBytes: number };
}

/** What a process takes of memory: itself, and so many vectors of the model. */
export interface MemoryCost {
  readonly coordinatorBase: number;
  /** Besides two versions and the optimizer's moments. */
  readonly coordinatorVectors: number;
  /** Bytes and vectors that each worker adds. */
  readonly aWorker: number;
  readonly vectorsAWorker: number;
  readonly workerBase: number;
  readonly workerVectors: number;
}

/** Runs of a model: one worker, a few, and more. */
export interface FitRuns {
  readonly one: MeasuredRun;
  readonly few: MeasuredRun;
  readonly many: MeasuredRun;
}

/** The runs that the constants come from: of a model of next to nothing, and of one. */
export interface FitModels {
  readonly tiny: FitRuns;
  readonly large: FitRuns;
}

const FLOAT_BYTES = 4;
/** Vectors that AdamW's coordinator has in any case: two versions and two moments. */
const KNOWN_VECTORS = 4;

/** The constants of the steps of these runs, which were float32 on one machine. */
export function fitStep({ tiny, large }: FitModels): StepCost {
  const line = (of: (runs: FitRuns) => number, isOfBytes = false): Line => {
    const sizes = [tiny, large].map(
      ({ one }) => (isOfBytes ? FLOAT_BYTES : 1) * one.parameters,
    ) as [number, number];
    return lineThrough(sizes, [of(tiny), of(large)]);
  };
  const transferLine = (part: 'pullMs' | 'pushMs'): TransferCost => ({
    alone: line(({ one }) => one.timings[part] / 1000, true),
    once: line((runs) => crowd(runs, part).once, true),
    shared: line((runs) => crowd(runs, part).each, true),
  });
  return {
    ...{ pull: transferLine('pullMs'), push: transferLine('pushMs') },
    // Bytes go either way, once each.
    coordinator: line((runs) => aWorker(runs) / 2, true),
    sum: sumSeconds(large) / large.one.parameters,
    optimizer: line(({ one }) => one.timings.optimizerMs / 1000),
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
    workerBase: tiny.one.workersUsed.peakBytes,
    workerVectors: Math.max(
      0,
      (large.one.workersUsed.peakBytes - tiny.one.workersUsed.peakBytes) / vector,
    ),
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

/** Seconds of a core of the coordinator that each worker adds, without its additions. */
function aWorker({ few, many }: FitRuns): number {
  const added = many.coordinator.cpuSeconds - few.coordinator.cpuSeconds;
  const sums = (many.timings.sumMs - few.timings.sumMs) / 1000;
  return Math.max(0, added - sums) / (many.workers - few.workers);
}

/**
 * What a transfer takes where workers share the machine: what of a step is in no other part, divided between pull and push
 * as workers see them. The last ones wait for those before, so their mean is less than what the step waits.
 */
function crowd(
  runs: FitRuns,
  part: 'pullMs' | 'pushMs',
): { readonly once: number; readonly each: number } {
  const { few, many } = runs;
  const apart = otherSeconds(runs) + runs.one.timings.optimizerMs / 1000;
  const secondsOf = ({ timings, leafMs }: MeasuredRun) => {
    const moved = (timings.wallMs - leafMs - timings.sumMs) / 1000 - apart;
    const share = timings[part] / Math.max(Number.MIN_VALUE, timings.pullMs + timings.pushMs);
    return Math.max(0, moved * share);
  };
  const { each, fixed: once } = lineThrough(
    [few.workers, many.workers],
    [secondsOf(few), secondsOf(many)],
  );
  return { each, once };
}
