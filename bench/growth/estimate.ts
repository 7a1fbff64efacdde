/**
 * @file `tessera estimate` against real runs on this machine: step time and memory, by turns.
 *
 * Coordinator and workers of a run are processes of their own, as in a cluster; what the kernel says was their peak is
 * their memory. Settings that share what an estimate begins with, the exchange of this machine, share its measurement.
 */
import { availableParallelism } from 'node:os';
import { estimateOf } from '../../cli/estimate/estimate.ts';
import { type MeasuredStep, measureStep } from '../../launch/replay/measure.ts';
import { replay } from '../../launch/replay/run.ts';
import { startLink } from '../exchange/link.ts';

interface Setting {
  readonly workers: number;
  readonly set: readonly string[];
  /** Bytes a second of the link to the coordinator, which a relay emulates. */
  readonly bandwidth?: number;
}

/** A real run beside its estimate; a ratio is the estimate over what was measured. Bars: 0.85 to 1.15, 0.9 to 1.1. */
interface Compared {
  readonly stepMs: number;
  readonly estimatedMs: number;
  readonly stepRatio: number;
  readonly coordinatorMB: number;
  readonly coordinatorRatio: number;
  readonly workerMB: number;
  readonly workerRatio: number;
  /** Of the cores' time, what other programs took, at most. */
  readonly others: number;
}

const QUIET = [
  ...['evaluation.everyEpochs=0', 'checkpoint.everyEpochs=0', 'training.epochs=1000'],
  ...['data.validation=none', 'training.schedule.warmupSteps=0'],
];
const STEPS = 4;
const MEASURE_MS = 2000;

/** Settings of a model of a size at a resolution, in leaves. */
function sized(variant: string, side: number, batch: number, leaf: number): string[] {
  const own = ['patchSize', 'width', 'depth', 'heads', 'mlpWidth'].map((it) => `model.${it}=null`);
  return [
    ...[`model.variant=${variant}`, `model.imageSize=${side}`, ...own, 'data.augment.shift=0'],
    ...[`training.batchSize=${batch}`, `training.microBatch=${leaf}`],
    'training.optimizer.learningRate=0.00001',
  ];
}

const ROUNDED = ['exchange.gradients=bf16', 'exchange.parameters=bf16'];
const GIGABIT = 125e6;

const SETTINGS: Readonly<Record<string, Setting>> = {
  'quickstart x 1': { workers: 1, set: [] },
  'quickstart x 2': { workers: 2, set: [] },
  'Ti/16 224 px, batch 64, x 1': { workers: 1, set: sized('Ti/16', 224, 64, 8) },
  'Ti/16 224 px, batch 64, x 2': { workers: 2, set: sized('Ti/16', 224, 64, 8) },
  'S/16 64 px x 1': { workers: 1, set: sized('S/16', 64, 32, 16) },
  'S/16 64 px x 2, bf16': { workers: 2, set: [...sized('S/16', 64, 32, 16), ...ROUNDED] },
  'S/16 32 px x 2, 16 leaves': { workers: 2, set: sized('S/16', 32, 128, 8) },
  'B/16 32 px x 2': { workers: 2, set: sized('B/16', 32, 16, 8) },
  'Ti/16 64 px x 1, 1 Gb/s': { workers: 1, set: sized('Ti/16', 64, 32, 16), bandwidth: GIGABIT },
};

/** Estimates and runs each setting; `known` is what the exchange takes, between machines or not. */
export async function benchEstimate(
  names: readonly string[] = Object.keys(SETTINGS),
  known = new Map<boolean, MeasuredStep>(),
): Promise<Record<string, Compared>> {
  const found: Record<string, Compared> = {};
  for (const name of names) {
    const setting = SETTINGS[name] as Setting;
    const isApart = setting.bandwidth !== undefined;
    const step = known.get(isApart) ?? (await measureStep(isApart));
    known.set(isApart, step);
    found[name] = await compare(setting, step);
    console.error(name, JSON.stringify(found[name]));
  }
  return found;
}

async function compare(
  { workers, set, bandwidth }: Setting,
  known: MeasuredStep,
): Promise<Compared> {
  const all = [...set, ...QUIET];
  const link = bandwidth === undefined ? {} : { bandwidth };
  const estimate = await estimateOf({ config: 'quickstart', set: all, workers, ...link }, known);
  const threads = Math.max(1, Math.floor(availableParallelism() / workers));
  const run = await replay({
    ...{ config: 'quickstart', workers, leafMs: { real: threads } },
    ...{ steps: STEPS, measureMs: MEASURE_MS },
    ...(bandwidth && { linkTo: (address) => startLink(address, 0, bandwidth) }),
    set: [
      ...[...all, `cluster.minWorkers=${workers}`],
      // Between machines there is no memory that both share.
      // A relay carries one port: lanes would lead around it.
      ...(bandwidth ? ['cluster.sharedMemory=off', 'cluster.lanes=0'] : []),
    ],
  });
  const { wallMs: stepMs } = run.timings;
  const estimatedMs = 1000 * estimate.step.total;
  return {
    ...{ stepMs, estimatedMs, stepRatio: estimatedMs / stepMs },
    coordinatorMB: run.coordinator.peakBytes / 1e6,
    coordinatorRatio: estimate.memory.coordinator / run.coordinator.peakBytes,
    workerMB: run.workers.peakBytes / 1e6,
    workerRatio: estimate.memory.workerHost / run.workers.peakBytes,
    others: Math.max(run.others, estimate.others),
  };
}
