/**
 * @file What a step costs against the number of workers and the size of the model: real runs whose workers wait in place
 * of computing, beside what the model of `tessera estimate` says of them.
 *
 * Its constants come from other runs (next to nothing and S/16, with 1 and 4 workers). Cells that need more memory than
 * the machine has free, or more time than there is, are left out and named.
 */
import { freemem } from 'node:os';
import {
  type MeasuredStep,
  measureCell,
  measureStep,
  parametersOf,
} from '../../launch/replay/measure.ts';
import { availableThreads } from '../../shared/machine/devices.ts';
import { coordinatorBytes, hostBytes, sharedBytes } from '../../tools/estimate/memory.ts';
import { estimateStep } from '../../tools/estimate/step.ts';

interface Row {
  readonly size: string;
  readonly workers: readonly number[];
}

/** Workers that exchange through memory, and by sockets as between machines. */
const MEMORY: readonly Row[] = [
  { size: 'Ti/16', workers: [1, 4, 16, 64] },
  { size: 'S/16', workers: [1, 4, 16] },
  { size: 'B/16', workers: [1, 2, 8] },
  { size: 'L/16', workers: [1, 2] },
];
const SOCKETS: readonly Row[] = [
  { size: 'Ti/16', workers: [1, 4, 16] },
  { size: 'S/16', workers: [1, 4, 8] },
  { size: 'B/16', workers: [1, 2] },
];
const LEAF_MS = 50;
/** Of the free memory, what a run may take by its estimate. */
const SHARE = 0.7;
const STEPS = 4;
/** No cell begins later. */
const LAST_MS = 7 * 60_000;

/** A run beside its estimate. Units  milliseconds; megabytes (10^6) of the coordinator's and of a worker's peak. */
interface GrowthCell {
  readonly parameters: number;
  readonly workers: number;
  readonly stepMs: number;
  readonly estimatedMs: number;
  /** Estimated over measured. */
  readonly ratio: number;
  readonly coordinatorMB: number;
  readonly coordinatorRatio: number;
  readonly workerMB: number;
  readonly workerRatio: number;
  /** Of the cores' time, what other programs took. */
  readonly others: number;
}

/** Measures all cells that fit. */
export async function benchGrowth(): Promise<Record<string, GrowthCell | string>> {
  const startedMs = performance.now();
  const cells: Record<string, GrowthCell | string> = {};
  for (const isApart of [false, true]) {
    const known = await measureStep(isApart);
    console.error(JSON.stringify({ isApart, ...known }));
    for (const { size, workers: counts } of isApart ? SOCKETS : MEMORY) {
      for (const workers of counts) {
        const name = `${size} x ${workers}${isApart ? ' sockets' : ''}`;
        cells[name] =
          performance.now() - startedMs > LAST_MS
            ? 'left out: there is no time'
            : await grow({ size, workers, isApart }, known);
        console.error(name, JSON.stringify(cells[name]));
      }
    }
  }
  return cells;
}

async function grow(
  cell: { readonly size: string; readonly workers: number; readonly isApart: boolean },
  { step, memory }: MeasuredStep,
): Promise<GrowthCell | string> {
  const { size, workers, isApart } = cell;
  const parameters = parametersOf(size);
  const sizes = { parameters, trainable: parameters };
  const coordinator = coordinatorBytes(
    { ...sizes, workers, moments: 2, hasAverage: false },
    memory,
  );
  const worker = hostBytes(parameters, memory);
  const shared = isApart ? 0 : sharedBytes({ ...sizes, workers }, 4);
  if (coordinator + workers * worker + shared > SHARE * freemem()) {
    return 'left out: there is not so much memory';
  }
  const estimated = estimateStep(
    { ...sizes, batchSize: workers, microBatch: 1, parameterBytes: 4, gradientBytes: 4 },
    {
      ...{ workers, devices: 1, isOneMachine: true, bandwidth: undefined, latency: 0 },
      cores: availableThreads(),
    },
    { leaf: { fixed: LEAF_MS / 1000, image: 0 }, step },
  );
  const run = await measureCell({ ...cell, leafMs: LEAF_MS, steps: STEPS });
  const stepMs = run.timings.wallMs;
  const estimatedMs = 1000 * estimated.total;
  return {
    ...{ parameters, workers, stepMs, estimatedMs, ratio: estimatedMs / stepMs },
    coordinatorMB: run.coordinator.peakBytes / 1e6,
    coordinatorRatio: coordinator / run.coordinator.peakBytes,
    workerMB: run.workersUsed.peakBytes / 1e6,
    workerRatio: worker / run.workersUsed.peakBytes,
    others: run.others,
  };
}
