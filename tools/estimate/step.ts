/**
 * @file A model of one step of a run: its parts, by the sizes of the model, the cluster and the link. Pure.
 *
 * A transfer takes as long as its slowest resource: a worker's own way there or back; the cores, where all share those of
 * one machine; the coordinator's thread and its link, where they do not. `npm run bench -- --only growth` holds it against
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
  /** Whether the workers are on the coordinator's machine, whose cores they share. */
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

/** A vector's way to a worker or from it. */
export interface TransferCost {
  /** With one worker that is alone. */
  readonly alone: Line;
  /** With workers that share the cores of one machine: so much once, and so much a vector. */
  readonly once: Line;
  readonly shared: Line;
}

/** What everything beside compute takes. Units  seconds. */
export interface StepCost {
  readonly pull: TransferCost;
  readonly push: TransferCost;
  /** Of the coordinator's thread, a vector on its way. */
  readonly coordinator: Line;
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
const ROUND_TRIPS = 2.5;

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
  const moved = (cost: TransferCost, valueBytes: number, times: number) =>
    transfer({ bytes: trainable * valueBytes, times, isMany: shares.length > 1 }, cost, {
      ...{ cluster, coordinator: step.coordinator },
    });
  const pull = moved(step.pull, work.parameterBytes, shares.length);
  const push = moved(step.push, work.gradientBytes, pushes);
  const sum = (pushes - 1) * trainable * step.sum;
  const optimizer = along(step.optimizer, trainable);
  const other = along(step.other, parameters) + cluster.latency * ROUND_TRIPS;
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
  {
    bytes,
    times,
    isMany,
  }: { readonly bytes: number; readonly times: number; readonly isMany: boolean },
  cost: TransferCost,
  { cluster, coordinator }: { readonly cluster: Cluster; readonly coordinator: Line },
): { readonly seconds: number; readonly bound: Bound } {
  const { isOneMachine, bandwidth } = cluster;
  // A worker's second gradient of a step is behind its first.
  const alone = along(cost.alone, bytes) * (isMany ? 1 : times);
  const shared = along(cost.once, bytes) + times * along(cost.shared, bytes);
  const bounds: readonly (readonly [Bound, number])[] = [
    ['worker', alone],
    ['coordinator', isOneMachine ? 0 : times * along(coordinator, bytes)],
    ['link', bandwidth === undefined ? 0 : (times * bytes) / bandwidth],
    ['cores', isOneMachine && isMany ? shared : 0],
  ];
  const [bound, seconds] = bounds.reduce((most, one) => (one[1] > most[1] ? one : most));
  return { seconds, bound };
}
