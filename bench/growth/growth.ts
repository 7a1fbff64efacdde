/**
 * @file What a step costs against the number of workers and the size of the model: real runs whose workers wait in place
 * of computing, beside what the model of `tessera estimate` says of them.
 *
 * Its constants come from three of the runs (next to nothing; S/16 with 1 and 3 workers). Runs that need more memory than
 * the machine has free are left out.
 */
import { availableParallelism, freemem } from 'node:os';
import { measureCell, measureStep, parametersOf } from '../../launch/replay/measure.ts';
import { coordinatorBytes, hostBytes } from '../../tools/estimate/memory.ts';
import { estimateStep } from '../../tools/estimate/step.ts';

const SIZES = ['Ti/16', 'S/16', 'B/16', 'L/16'];
const WORKERS = [1, 2, 4, 8, 16, 32, 64];
const LEAF_MS = 50;
/** Of the free memory, what a run may take by its estimate. */
const SHARE = 0.7;
const STEPS = 4;

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
}

/** Measures all cells that fit, workers on this machine, over its memory and over sockets. */
export async function benchGrowth(): Promise<Record<string, GrowthCell>> {
  const cells: Record<string, GrowthCell> = {};
  for (const isApart of [false, true]) {
    const { step, memory } = await measureStep(isApart);
    console.error(JSON.stringify({ isApart, step, memory }));
    for (const size of SIZES) {
      const parameters = parametersOf(size);
      for (const workers of WORKERS) {
        const sizes = { parameters, trainable: parameters };
        const coordinator = coordinatorBytes(
          { ...sizes, workers, moments: 2, hasAverage: false },
          memory,
        );
        const worker = hostBytes(parameters, memory);
        // Vectors in the memory that both share belong to neither.
        const shared = isApart ? 0 : 4 * parameters * (workers + 2);
        if (coordinator + workers * worker + shared > SHARE * freemem()) break;
        const estimated = estimateStep(
          { ...sizes, batchSize: workers, microBatch: 1, parameterBytes: 4, gradientBytes: 4 },
          {
            ...{ workers, devices: 1, isOneMachine: true, bandwidth: undefined, latency: 0 },
            cores: availableParallelism(),
          },
          { leaf: { fixed: LEAF_MS / 1000, image: 0 }, step },
        );
        const run = await measureCell({ size, workers, isApart, leafMs: LEAF_MS, steps: STEPS });
        const name = `${size} x ${workers}${isApart ? ' sockets' : ''}`;
        const stepMs = run.timings.wallMs;
        cells[name] = {
          ...{ parameters, workers, stepMs, estimatedMs: 1000 * estimated.total },
          ratio: (1000 * estimated.total) / stepMs,
          coordinatorMB: run.coordinator.peakBytes / 1e6,
          coordinatorRatio: coordinator / run.coordinator.peakBytes,
          workerMB: run.workersUsed.peakBytes / 1e6,
          workerRatio: worker / run.workersUsed.peakBytes,
        };
        console.error(name, JSON.stringify(cells[name]));
      }
    }
  }
  return cells;
}
