/**
 * @file `tessera estimate` against real runs on this machine: step time and memory, by turns.
 *
 * Coordinator and workers of a run are processes of their own, as in a cluster; what the kernel says was their peak is
 * their memory.
 */
import { availableParallelism } from 'node:os';
import { estimateOf } from '../../cli/estimate/estimate.ts';
import { measureStep } from '../../launch/replay/measure.ts';
import { replay } from '../../launch/replay/run.ts';

interface Setting {
  readonly name: string;
  readonly workers: number;
  readonly set: readonly string[];
}

/** A real run beside its estimate; a ratio is the estimate over what was measured. Bars: 0.85 to 1.15, 0.9 to 1.1. */
interface Compared {
  readonly stepMs: number;
  readonly stepRatio: number;
  readonly coordinatorMB: number;
  readonly coordinatorRatio: number;
  readonly workerMB: number;
  readonly workerRatio: number;
}

const QUIET = [
  ...['evaluation.everyEpochs=0', 'checkpoint.everyEpochs=0', 'training.epochs=1000'],
  ...['data.validation=none', 'training.schedule.warmupSteps=0'],
];
const STEPS = 5;

/** Settings of a model of a size at a resolution, in leaves. */
function sized(variant: string, side: number, batch: number, leaf: number): string[] {
  const own = ['patchSize', 'width', 'depth', 'heads', 'mlpWidth'].map((it) => `model.${it}=null`);
  return [
    ...[`model.variant=${variant}`, `model.imageSize=${side}`, ...own, 'data.augment.shift=0'],
    ...[`training.batchSize=${batch}`, `training.microBatch=${leaf}`],
    'training.optimizer.learningRate=0.00001',
  ];
}

const SETTINGS: readonly Setting[] = [
  { name: 'quickstart x 1', workers: 1, set: [] },
  { name: 'quickstart x 2', workers: 2, set: [] },
  { name: 'Ti/16 224 px x 1', workers: 1, set: sized('Ti/16', 224, 16, 8) },
  { name: 'Ti/16 224 px x 2', workers: 2, set: sized('Ti/16', 224, 16, 4) },
  { name: 'S/16 64 px x 1', workers: 1, set: sized('S/16', 64, 32, 16) },
  { name: 'B/16 32 px x 2', workers: 2, set: sized('B/16', 32, 16, 8) },
];

/** Estimates and runs each setting. */
export async function benchEstimate(): Promise<Record<string, Compared>> {
  const known = await measureStep(false);
  const found: Record<string, Compared> = {};
  for (const { name, workers, set } of SETTINGS) {
    const all = [...set, ...QUIET];
    const estimate = await estimateOf({ config: 'quickstart', set: all, workers }, known);
    const threads = Math.max(1, Math.floor(availableParallelism() / workers));
    const run = await replay({
      ...{ config: 'quickstart', workers, leafMs: { real: threads }, steps: STEPS },
      set: [...all, `cluster.minWorkers=${workers}`],
    });
    found[name] = {
      stepMs: run.timings.wallMs,
      stepRatio: (1000 * estimate.step.total) / run.timings.wallMs,
      coordinatorMB: run.coordinator.peakBytes / 1e6,
      coordinatorRatio: estimate.memory.coordinator / run.coordinator.peakBytes,
      workerMB: run.workers.peakBytes / 1e6,
      workerRatio: estimate.memory.workerHost / run.workers.peakBytes,
    };
    console.error(name, JSON.stringify(found[name]));
  }
  return found;
}
