/**
 * @file A model of one step of a run: its parts, by the sizes of the model, the cluster and the link. Pure.
 *
 * A phase of the exchange takes as long as its slowest resource: one worker's own end, the coordinator's threads, its link,
 * or, where all are on one machine, that machine's cores. `npm run bench -- --only growth` holds it against real runs.
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
  /** Whether the workers are on the coordinator's machine. */
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

/** What everything beside compute takes. Units  seconds, of a byte on its way or a value; of a core where it says so. */
export interface StepCost {
  /** Of a step, whatever the model. */
  readonly fixed: number;
  /** Of a byte, for one worker alone. */
  readonly pull: number;
  readonly push: number;
  /** Of a core of the coordinator, and of a worker, a byte. */
  readonly coordinatorCore: number;
  readonly workerCore: number;
  /** Threads of the coordinator that move bytes. */
  readonly threads: number;
  /** Of a value, one addition of two gradients. */
  readonly sum: number;
  /** Of a value that trains. */
  readonly optimizer: number;
  /** Of a value, what is in no other part. */
  readonly other: number;
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

/** Round trips of a step besides the two transfers' own: the assignment goes one way. */
const ROUND_TRIPS = 0.5;

/** Estimates a step. */
export function estimateStep(
  work: Work,
  cluster: Cluster,
  { leaf, step }: { readonly leaf: LeafCost; readonly step: StepCost },
): StepEstimate {
  const { parameters, trainable, batchSize, microBatch } = work;
  const numLeaves = Math.ceil(batchSize / microBatch);
  const shares = sharesOf(numLeaves, cluster.workers);
  const most = Math.max(...shares.map(({ count }) => count));
  const images = Math.min(microBatch, batchSize);
  const compute = Math.ceil(most / cluster.devices) * (leaf.fixed + leaf.image * images);
  const pushes = shares.reduce((sum, share) => sum + alignedNodes(share, numLeaves).length, 0);
  const busy = shares.length;
  const pull = transfer(trainable * work.parameterBytes, busy, step.pull, { cluster, step });
  const push = transfer(trainable * work.gradientBytes, pushes, step.push, { cluster, step });
  const sum = (pushes - 1) * trainable * step.sum;
  const optimizer = trainable * step.optimizer;
  const other =
    step.fixed + parameters * step.other + cluster.latency * (ROUND_TRIPS + 1) + cluster.latency;
  return {
    ...{ compute, pull: pull.seconds, push: push.seconds, sum, optimizer, other, pushes },
    total: compute + pull.seconds + push.seconds + sum + optimizer + other,
    bound: push.bound,
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

/** A vector of `bytes`, so many times to or from the coordinator. */
function transfer(
  bytes: number,
  times: number,
  alone: number,
  { cluster, step }: { readonly cluster: Cluster; readonly step: StepCost },
): { readonly seconds: number; readonly bound: Bound } {
  const { cores, isOneMachine, bandwidth } = cluster;
  const threads = Math.min(step.threads, cores);
  const all = times * bytes;
  const bounds: readonly (readonly [Bound, number])[] = [
    ['worker', bytes * alone],
    ['coordinator', (all * step.coordinatorCore) / threads],
    ['link', bandwidth === undefined || isOneMachine ? 0 : all / bandwidth],
    ['cores', isOneMachine ? (all * (step.coordinatorCore + step.workerCore)) / cores : 0],
  ];
  const [bound, seconds] = bounds.reduce((most, one) => (one[1] > most[1] ? one : most));
  return { seconds, bound };
}
