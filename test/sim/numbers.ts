/**
 * @file Stand-ins for tensors: 32-bit hashes that change with every sample, every association and every step.
 *
 * `reference` is the world without any worker, network or fault: what every world must arrive at.
 */
import type { LeafRange, NodeTotals, RunPlan, WorkKind } from '../../coordinator/core/messages.ts';
import { randomBits } from '../../shared/core/random.ts';
import { batchIndices, leafIndices, sequentialIndices } from '../../shared/data/sampler.ts';

/** A node's sum: its hash instead of a gradient, the samples in it, and their totals. */
export interface NodeSum {
  readonly value: number;
  readonly samples: readonly number[];
  readonly totals: NodeTotals;
}

/** Which leaves are meant. */
export interface RoundKey {
  readonly kind: WorkKind;
  readonly epoch: number;
  readonly batch: number;
}

const DATA_SEED = 5;
/** State of the parameters before the first step. */
export const INITIAL_STATE = 1;

/** Samples of a round in the order of its leaves. */
function samplesOf(plan: RunPlan, { kind, epoch, batch }: RoundKey): Uint32Array {
  if (kind === 'evaluate') return sequentialIndices(plan.testSamples);
  const { trainSamples: numSamples, batchSize } = plan;
  return batchIndices({ seed: DATA_SEED, epoch, batch, numSamples, batchSize });
}

/** Number of leaves of a round with so many samples. */
export function numLeavesOf(plan: RunPlan, key: RoundKey): number {
  return Math.ceil(samplesOf(plan, key).length / plan.microBatch);
}

/** Parent of two nodes; neither commutative nor associative, so that only the one tree gives its value. */
export function merge(left: NodeSum, right: NodeSum): NodeSum {
  return {
    value: randomBits(2, 'init', left.value, right.value),
    samples: [...left.samples, ...right.samples],
    totals: {
      lossSum: left.totals.lossSum + right.totals.lossSum,
      correct: left.totals.correct + right.totals.correct,
      samples: left.totals.samples + right.totals.samples,
    },
  };
}

/** Computes a node the way a worker does: each leaf, then up the tree. */
export function computeNode(
  plan: RunPlan,
  state: number,
  key: RoundKey,
  range: LeafRange,
): NodeSum {
  const indices = samplesOf(plan, key);
  return assemble(range.first, range.count, (first, count) =>
    count === 1 ? computeLeaf(state, leafIndices(indices, first, plan.microBatch)) : undefined,
  );
}

function computeLeaf(state: number, indices: Uint32Array): NodeSum {
  const samples = [...indices];
  const draws = samples.map((sample) => randomBits(state, 'shuffle', sample));
  const lossSum = draws.reduce((sum, draw) => sum + draw / 1e9, 0);
  const correct = draws.filter((draw) => draw % 2 === 0).length;
  return {
    value: randomBits(state, 'augment', ...samples),
    samples,
    totals: { lossSum, correct, samples: samples.length },
  };
}

/** Puts a subtree together from the parts that `find` knows; throws where one is missing. */
export function assemble(
  first: number,
  count: number,
  find: (first: number, count: number) => NodeSum | undefined,
): NodeSum {
  const known = find(first, count);
  if (known !== undefined) return known;
  if (count <= 1) throw new Error(`leaf ${first} is missing from the sum`);
  let leftCount = 1;
  while (leftCount * 2 < count) leftCount *= 2;
  const left = assemble(first, leftCount, find);
  return merge(left, assemble(first + leftCount, count - leftCount, find));
}

/** Parameters after one more step. */
export function nextState(state: number, root: NodeSum): number {
  return randomBits(3, 'init', state, root.value, root.totals.samples);
}

/** What a run without faults comes to. */
export interface Reference {
  /** State of each version. */
  readonly states: readonly number[];
  /** Root of each step. */
  readonly roots: readonly NodeSum[];
  readonly batchesPerEpoch: number;
}

/** Computes the whole run in one place, one step after the other. */
export function reference(plan: RunPlan): Reference {
  const batchesPerEpoch = Math.ceil(plan.trainSamples / plan.batchSize);
  const states = [INITIAL_STATE];
  const roots: NodeSum[] = [];
  for (let step = 0; step < plan.epochs * batchesPerEpoch; step += 1) {
    const epoch = Math.floor(step / batchesPerEpoch);
    const key: RoundKey = { kind: 'train', epoch, batch: step % batchesPerEpoch };
    const range = { first: 0, count: numLeavesOf(plan, key) };
    const state = states[step]!;
    const root = computeNode(plan, state, key, range);
    roots.push(root);
    states.push(nextState(state, root));
  }
  return { states, roots, batchesPerEpoch };
}
