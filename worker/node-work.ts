/** @file One node from its samples to its sum: leaf by leaf, the next one being prepared while one is computed. */

import type { FeatureRow } from '../shared/contract/feature-rows.ts';
import type { BadSample } from '../shared/contract/messages.ts';
import { assert } from '../shared/core/errors.ts';
import type { ComputedNode } from './compute/node-computer.ts';
import type { NodeTask } from './core/messages.ts';
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

/** Computes a node; undefined when it was called off or refused. Throws  what keeps its samples away. */
export async function computeNode(
  task: NodeTask,
  { feeder, engine, time, signal, onRefused }: NodeWork,
): Promise<FinishedNode | undefined> {
  const numLeaves = feeder.numLeaves(task);
  const badSamples: BadSample[] = [];
  const features: FeatureRow[] = [];
  await time.measure('fetch', () => feeder.fetch(task));
  let prepared = feeder.leaf(task, task.first);
  for (let leaf = task.first; leaf < task.first + task.count; leaf += 1) {
    const current = await time.measure('fetch', () => prepared);
    if (signal.aborted) return undefined;
    const computed = engine.leaf(task, { leaf, numLeaves }, current.inputs, current.features);
    badSamples.push(...current.badSamples);
    if (leaf + 1 < task.first + task.count) {
      prepared = feeder.leaf(task, leaf + 1);
      prepared.catch(() => {});
    } else {
      feeder.prefetchNext(task).catch(() => {});
    }
    const result = await time.measure('compute', () => computed).catch(onRefused);
    if (!result || signal.aborted) return undefined;
    features.push(...feeder.keep(task, current, result.features));
    if (result.node !== undefined) return { ...result.node, badSamples, features };
  }
  assert(false, `the last leaf of node ${task.first}+${task.count} closes it`);
}
