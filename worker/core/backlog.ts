/**
 * @file The newest assignment, and what is left of it: to compute, under way, on its way.
 *
 * Bound: the leaves of one round, one node under way, and PUSHES_MAX computed ones.
 */

import type { Assignment } from '../../shared/contract/messages.ts';
import { type LeafRange, leavesOf } from '../../shared/core/work.ts';
import { alignedNodes } from '../../shared/training/reduction.ts';
import type { NodeTask } from './messages.ts';

/** Computed nodes that may be unanswered at a time: one being pushed and one behind it. */
const PUSHES_MAX = 2;

/** What a worker has to do. */
export class Backlog {
  #assignment: Assignment | undefined;
  #numLeaves = 0;
  /** Leaves of the assignment whose push has no reply yet. */
  readonly #left = new Set<number>();
  #underWay: NodeTask | undefined;
  #pushes: NodeTask[] = [];

  /** Sequence of the newest assignment, 0 before the first. */
  get sequence(): number {
    return this.#assignment?.sequence ?? 0;
  }

  /** Leaves of the newest assignment that are not finished and pushed. */
  get leavesOpen(): number {
    return this.#left.size;
  }

  get isComputing(): boolean {
    return this.#underWay !== undefined;
  }

  /** Whether computed nodes are on their way. */
  get isPushing(): boolean {
    return this.#pushes.length > 0;
  }

  /** The assignment of the next node; undefined when nothing waits to be computed. */
  get next(): Pick<Assignment, 'kind' | 'version'> | undefined {
    return this.#waiting().length > 0 ? this.#assignment : undefined;
  }

  /** The training version whose leaves here are all computed, on their way: the next one is made of them. */
  get trained(): number | undefined {
    const { kind, version } = this.#assignment ?? {};
    const isDone = this.isPushing && !this.isComputing && this.next === undefined;
    return isDone && kind === 'train' ? version : undefined;
  }

  /** Applies a newer assignment; returns whether the node in progress has become useless. */
  replace(assignment: Assignment, numLeaves: number): boolean {
    this.#assignment = assignment;
    this.#numLeaves = numLeaves;
    this.#left.clear();
    for (const range of assignment.ranges) for (const leaf of leavesOf(range)) this.#left.add(leaf);
    // A leaf that is no longer ours has another worker's result: a node that contains it would be refused.
    if (this.#underWay === undefined || this.#isOurs(this.#underWay)) return false;
    this.#underWay = undefined;
    return true;
  }

  /** Drops everything that is not computed yet; returns whether a node was in progress. */
  handBack(): boolean {
    const wasComputing = this.isComputing;
    this.#underWay = undefined;
    this.forget();
    return wasComputing;
  }

  /** Forgets the assignment of an earlier session; what is computed already stays good. */
  forget(): void {
    this.#assignment = undefined;
    this.#left.clear();
  }

  /** The node to compute now, which then is under way; undefined when there is none or no room for it. */
  startNext(): NodeTask | undefined {
    const assignment = this.#assignment;
    const [first] = this.#waiting();
    if (assignment === undefined || first === undefined) return undefined;
    if (this.#underWay !== undefined || this.#pushes.length >= PUSHES_MAX) return undefined;
    const { kind, step, version, epoch, batch } = assignment;
    const range = firstRange(first, this.#waiting());
    const [node = range] = alignedNodes(range, this.#numLeaves);
    this.#underWay = { kind, step, version, epoch, batch, ...node };
    return this.#underWay;
  }

  computed(task: NodeTask): void {
    // A cancelled node may be computed all the same; its push does not matter here.
    if (this.#underWay === undefined || !isSame(task, this.#underWay)) return;
    this.#underWay = undefined;
    this.#pushes.push(task);
  }

  pushed(task: NodeTask): void {
    this.#settle(task);
    if (this.#isOfRound(task)) for (const leaf of leavesOf(task)) this.#left.delete(leaf);
  }

  /** The node is lost; what is still ours of it waits to be computed again. */
  failed(task: NodeTask): void {
    this.#settle(task);
    if (this.#underWay !== undefined && isSame(task, this.#underWay)) this.#underWay = undefined;
  }

  #settle(task: NodeTask): void {
    const index = this.#pushes.findIndex((push) => isSame(push, task));
    if (index >= 0) this.#pushes.splice(index, 1);
  }

  /** Leaves that are neither under way nor on their way, in order. */
  #waiting(): number[] {
    const busy = new Set<number>();
    for (const task of [...this.#pushes, this.#underWay]) {
      if (task === undefined || !this.#isOfRound(task)) continue;
      for (const leaf of leavesOf(task)) busy.add(leaf);
    }
    return [...this.#left].filter((leaf) => !busy.has(leaf)).sort((a, b) => a - b);
  }

  #isOfRound(task: NodeTask): boolean {
    return task.kind === this.#assignment?.kind && task.step === this.#assignment.step;
  }

  #isOurs(task: NodeTask): boolean {
    return this.#isOfRound(task) && leavesOf(task).every((leaf) => this.#left.has(leaf));
  }
}

/** Whether two tasks are the same node. */
function isSame(a: NodeTask, b: NodeTask): boolean {
  return a.kind === b.kind && a.step === b.step && a.first === b.first && a.count === b.count;
}

/** The contiguous run at the start of `leaves`. */
function firstRange(first: number, leaves: readonly number[]): LeafRange {
  const gap = leaves.findIndex((leaf, index) => leaf !== first + index);
  return { first, count: gap < 0 ? leaves.length : gap };
}
