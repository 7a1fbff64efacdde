/** @file The constants of the model of a step and of memory, from a few runs that were measured. Pure. */
import type { StepTimings } from '../../shared/runs/events.ts';
import type { StepCost } from './step.ts';

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
  readonly vectorsAWorker: number;
  readonly workerBase: number;
  readonly workerVectors: number;
}

/** The three runs that the constants come from: next to nothing to move; a model; the same with more workers. */
export interface FitRuns {
  readonly tiny: MeasuredRun;
  readonly one: MeasuredRun;
  readonly many: MeasuredRun;
}

const FLOAT_BYTES = 4;
/** Vectors that AdamW's coordinator has in any case: two versions and two moments. */
const KNOWN_VECTORS = 4;

/** The constants of the steps of these runs, which were float32 on one machine. */
export function fitStep({ tiny, one, many }: FitRuns, threads: number): StepCost {
  const { parameters } = one;
  const bytes = FLOAT_BYTES * parameters;
  const { timings } = one;
  const fixed = Math.max(0, tiny.timings.wallMs - tiny.leafMs) / 1000;
  const sum = many.timings.sumMs / 1000 / ((many.workers - 1) * parameters);
  const added = many.coordinator.cpuSeconds - one.coordinator.cpuSeconds;
  const aWorker = added / (many.workers - one.workers) - sum * parameters;
  const pull = timings.pullMs / 1000 / bytes;
  const push = timings.pushMs / 1000 / bytes;
  const optimizer = timings.optimizerMs / 1000 / parameters;
  const known = fixed + (one.leafMs + timings.pullMs + timings.pushMs + timings.optimizerMs) / 1000;
  const other = Math.max(0, timings.wallMs / 1000 - known) / parameters;
  return {
    ...{ fixed, pull, push, sum, optimizer, other, threads },
    coordinatorCore: Math.max(0, aWorker) / (2 * bytes),
    workerCore: Math.max(0, one.workersUsed.cpuSeconds - tiny.workersUsed.cpuSeconds) / (2 * bytes),
  };
}

/** The constants of the memory of these runs. */
export function fitMemory({ tiny, one, many }: FitRuns): MemoryCost {
  const vector = FLOAT_BYTES * one.parameters;
  const base = tiny.coordinator.peakBytes;
  const vectorsOf = (run: MeasuredRun) => (run.coordinator.peakBytes - base) / vector;
  const vectorsAWorker = Math.max(
    0,
    (vectorsOf(many) - vectorsOf(one)) / (many.workers - one.workers),
  );
  return {
    coordinatorBase: base,
    coordinatorVectors: vectorsOf(one) - KNOWN_VECTORS - vectorsAWorker,
    vectorsAWorker,
    workerBase: tiny.workersUsed.peakBytes,
    workerVectors: Math.max(0, (one.workersUsed.peakBytes - tiny.workersUsed.peakBytes) / vector),
  };
}
