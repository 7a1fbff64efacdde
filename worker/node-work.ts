/** @file One node from its samples to its sum: leaves are prepared while devices compute those before them. */

import type { FeatureRow } from '../shared/contract/feature-rows.ts';
import type { BadSample } from '../shared/contract/messages.ts';
import { mapAhead } from '../shared/core/concurrency.ts';
import { assert } from '../shared/core/errors.ts';
import { feedOrder } from '../shared/training/slots.ts';
import type { ComputedNode } from './compute/node-computer.ts';
import type { NodeTask } from './core/messages.ts';
import type { PreparedLeaf } from './leaves/feeder.ts';
import type { Preparation } from './prepare.ts';
import type { TimeLedger } from './time-ledger.ts';

/** A node on its way to the coordinator. */
export interface FinishedNode extends ComputedNode {
  readonly badSamples: readonly BadSample[];
  /** Computed for this node, for all workers. */
  readonly features: readonly FeatureRow[];
}

/** The parts that compute nodes, and the callbacks. */
export interface NodeWork extends Pick<Preparation, 'feeder' | 'engine'> {
  readonly time: TimeLedger;
  /** The node is no longer needed. */
  readonly signal: AbortSignal;
  /** The engine will not do it. */
  readonly onRefused: (error: unknown) => void;
}

/** A leaf that was computed, or with its node added up. */
interface ComputedLeaf {
  readonly prepared: PreparedLeaf;
  readonly result: Awaited<ReturnType<Preparation['engine']['leaf']>>;
}

/** Leaves that an engine has before it: the next one is there when it has room for it. */
const SENT_MAX = 2;

/** Computes a node; undefined when it was called off or refused. Throws  what keeps its samples away. */
export async function computeNode(
  task: NodeTask,
  work: NodeWork,
): Promise<FinishedNode | undefined> {
  const badSamples: BadSample[] = [];
  const features: FeatureRow[] = [];
  for await (const { prepared, result } of computedLeaves(task, work)) {
    badSamples.push(...prepared.badSamples);
    features.push(...work.feeder.keep(task, prepared, result.features));
    if (result.node !== undefined) return { ...result.node, badSamples, features };
  }
  return undefined;
}

/** The leaves of a node in the order in which they are sent; the last one has the node. Ends early as `computeNode` does. */
async function* computedLeaves(
  task: NodeTask,
  { feeder, engine, time, signal, onRefused }: NodeWork,
): AsyncGenerator<ComputedLeaf> {
  const numLeaves = feeder.numLeaves(task);
  await time.measure('fetch', () => feeder.fetch(task));
  const order = feedOrder(task, engine.slots);
  // One for each slot is prepared while those before it are computed.
  const ready = mapAhead(engine.slots, order, (leaf) => feeder.leaf(task, leaf));
  const sent: (() => Promise<ComputedLeaf | undefined>)[] = [];
  for (const [place, leaf] of order.entries()) {
    const next = ready.next();
    // While there is a leaf to compute, nothing waits for the next one.
    const newest = sent.at(-1);
    if (newest !== undefined) await time.measure('compute', () => Promise.race([next, newest()]));
    const prepared: PreparedLeaf = (await time.measure('fetch', () => next)).value;
    if (signal.aborted) return;
    const result = engine.leaf(task, { leaf, numLeaves }, prepared.inputs, prepared.features);
    const outcome = result.then(
      (result) => ({ prepared, result }),
      (error: unknown) => {
        onRefused(error);
        return undefined;
      },
    );
    sent.push(() => outcome);
    const isLast = place + 1 === order.length;
    if (isLast) feeder.prefetchNext(task, order.slice(0, engine.slots)).catch(() => {});
    const settled = sent.splice(0, isLast ? sent.length : sent.length + 1 - SENT_MAX);
    for (const outcome of settled) {
      const computed = await time.measure('compute', outcome);
      if (computed === undefined || signal.aborted) return;
      yield computed;
    }
  }
  assert(false, `node ${task.first}+${task.count} comes with the last of its leaves`);
}
