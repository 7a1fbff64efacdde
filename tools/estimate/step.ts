/**
 * @file A model of one step of a run: its parts, by the sizes of the model, the cluster and the link. Pure.
 *
 * The exchange takes as long as its slowest resource: a worker's own way there and back; the cores, where all share those
 * of one machine; the coordinator's thread, where they do not; its link. `npm run bench -- --only growth` holds it against
 * real runs.
 */
import { alignedNodes } from '../../shared/training/reduction.ts';

/** What a step is made of. */
export interface Work {
  readonly parameters: number;
  /** Values that have a gradient. */
  readonly trainable: number;
  readonly batchSize: number;
  readonly microBatch: number;
  /** Bytes of a value on its way: 4, or 2 in bfloat16. */
  readonly parameterBytes: number;
  readonly gradientBytes: number;
}

/** Who works, and what lies between. Units  bytes and seconds. */
export interface Cluster {
  readonly workers: number;
  /** Devices of each worker that compute leaves at the same time. */
  readonly devices: number;
  /** Cores of the coordinator's machine. */
  readonly cores: number;
  /** Whether the workers are on it too, and share them. */
  readonly isOneMachine: boolean;
  /** Bytes a second of each machine's link; undefined where it does not matter. */
  readonly bandwidth: number | undefined;
  /** Of a round trip. */
  readonly latency: number;
}

/** What a leaf takes: so much itself, and so much an image. Units  seconds. */
export interface LeafCost {
  readonly fixed: number;
  readonly image: number;
}

/** Seconds of something: so many whatever the model, and so many a value (or a byte, of a transfer). */
export interface Line {
  readonly fixed: number;
  readonly each: number;
}

/** What everything beside compute takes. Units  seconds. */
export interface StepCost {
  /** Of a vector's way to a worker that is alone, and back. */
  readonly pull: Line;
  readonly push: Line;
  /** Of a core of the coordinator, and of a worker, a vector either way. */
  readonly coordinator: Line;
  readonly worker: Line;
  /** Where cores are shared: the time of bytes on their way over what both ends need of the cores, as they wait for each other. */
  readonly waiting: number;
  /** Of a value, one addition of two gradients. */
  readonly sum: number;
  /** Of the values that train. */
  readonly optimizer: Line;
  /** What is in no other part, of all values. */
  readonly other: Line;
}

/** One step. Units  seconds. */
export interface StepEstimate {
  readonly compute: number;
  readonly pull: number;
  readonly push: number;
  readonly sum: number;
  readonly optimizer: number;
  readonly other: number;
  readonly total: number;
  /** Gradients that reach the coordinator. */
  readonly pushes: number;
  /** What bounds the exchange. */
  readonly bound: Bound;
}

/** What is the slowest on the way. */
type Bound = 'worker' | 'coordinator' | 'link' | 'cores';

/** Round trips of a step: of the two transfers, and the assignment goes one way. */
export const ROUND_TRIPS = 2.5;

/** Seconds by a line. */
export function along(line: Line, size: number): number {
  return line.fixed + line.each * size;
}

/** Leaves that the worker with the most of them has. */
export function leavesOfOne(numLeaves: number, workers: number): number {
  return Math.max(...sharesOf(numLeaves, workers).map(({ count }) => count));
}

/** Estimates a step. */
export function estimateStep(
  work: Work,
  cluster: Cluster,
  { leaf, step }: { readonly leaf: LeafCost; readonly step: StepCost },
): StepEstimate {
  const { parameters, trainable, batchSize, microBatch } = work;
  const numLeaves = Math.ceil(batchSize / microBatch);
  const shares = sharesOf(numLeaves, cluster.workers);
  const images = Math.min(microBatch, batchSize);
  const turns = Math.ceil(leavesOfOne(numLeaves, cluster.workers) / cluster.devices);
  const compute = turns * (leaf.fixed + leaf.image * images);
  const pushes = shares.reduce((sum, share) => sum + alignedNodes(share, numLeaves).length, 0);
  const { pull, push, bound } = exchange(
    {
      ...{ workers: shares.length, pushes },
      pullBytes: trainable * work.parameterBytes,
      pushBytes: trainable * work.gradientBytes,
    },
    { cluster, step },
  );
  const sum = (pushes - 1) * trainable * step.sum;
  const optimizer = along(step.optimizer, trainable);
  const other = along(step.other, parameters) + cluster.latency * ROUND_TRIPS;
  return {
    ...{ compute, pull, push, sum, optimizer, other, pushes, bound },
    total: compute + pull + push + sum + optimizer + other,
  };
}

/** Equal runs of leaves for the workers that get any. */
function sharesOf(numLeaves: number, workers: number) {
  const busy = Math.min(numLeaves, workers);
  const firstOf = (worker: number) => Math.floor((worker * numLeaves) / busy);
  return Array.from({ length: busy }, (_, worker) => ({
    first: firstOf(worker),
    count: firstOf(worker + 1) - firstOf(worker),
  }));
}

/** Vectors to all workers and back. */
function exchange(
  moved: {
    readonly workers: number;
    readonly pushes: number;
    readonly pullBytes: number;
    readonly pushBytes: number;
  },
  { cluster, step }: { readonly cluster: Cluster; readonly step: StepCost },
): Pick<StepEstimate, 'pull' | 'push' | 'bound'> {
  const { workers, pushes, pullBytes, pushBytes } = moved;
  const { cores, isOneMachine, bandwidth } = cluster;
  const bytes = workers * pullBytes + pushes * pushBytes;
  const all = ({ fixed, each }: Line, times = 1) =>
    (workers + pushes) * fixed + times * bytes * each;
  // A lone worker's second gradient of a step is behind its first.
  const pull = along(step.pull, pullBytes);
  const push = along(step.push, pushBytes) * (workers === 1 ? pushes : 1);
  const ofCores = all(step.coordinator, step.waiting) + all(step.worker, step.waiting);
  const bounds: readonly (readonly [Bound, number])[] = [
    ['worker', pull + push],
    ['coordinator', isOneMachine ? 0 : all(step.coordinator)],
    ['link', bandwidth === undefined ? 0 : bytes / bandwidth],
    ['cores', isOneMachine && workers > 1 ? ofCores / cores : 0],
  ];
  const [bound, seconds] = bounds.reduce((most, one) => (one[1] > most[1] ? one : most));
  const slower = seconds / (pull + push);
  return { pull: pull * slower, push: push * slower, bound };
}
