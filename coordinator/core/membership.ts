/**
 * @file The workers that can take work: what each holds, what it has seen of that, and how fast it is.
 *
 * Bound: one Member for each worker that is ready now, and in it the leaves of one round.
 */
import { type LeafRange, leavesOf, type WorkKind } from '../../shared/core/work.ts';

/** Weight of a new measurement in the moving average of a speed. */
const SPEED_WEIGHT = 0.3;
/** How fast a worker that got no work is thought to recover, a round. */
const RECOVERY = 1.125;

/** One worker that has built the model. */
export class Member {
  readonly worker: string;
  /** Leaves that it computes at the same time. */
  readonly slots: number;
  /** Open leaves that it is to compute. */
  readonly leaves = new Set<number>();
  lastMessageMs: number;
  /** Its last sign of progress: a node of its own, or new work after none. */
  progressMs: number;
  /** Its newest assignment, and when that was last sent. */
  sequence = 0;
  sentMs = 0;
  /** Why the assignment must be sent; undefined when the worker has been sent what it holds. */
  unsent: string | undefined;
  readonly #leavesPerMs = new Map<WorkKind, number>();

  constructor(worker: string, nowMs: number, slots = 1) {
    this.worker = worker;
    this.slots = slots;
    this.lastMessageMs = nowMs;
    this.progressMs = nowMs;
  }

  /** Its leaves in order. */
  get sorted(): number[] {
    return [...this.leaves].sort((a, b) => a - b);
  }

  /** Gives it more leaves. */
  grant(leaves: readonly number[], reason: string, nowMs: number): void {
    if (leaves.length === 0) return;
    if (this.leaves.size === 0) this.progressMs = nowMs;
    for (const leaf of leaves) this.leaves.add(leaf);
    this.unsent = reason;
  }

  /** It brought a node that was accepted: it knows that itself, so nothing need be sent. */
  delivered(node: LeafRange, kind: WorkKind, nowMs: number): void {
    this.#measure(kind, node.count / Math.max(1, nowMs - this.progressMs));
    this.progressMs = nowMs;
    for (const leaf of leavesOf(node)) this.leaves.delete(leaf);
  }

  /** Another worker pushed a node; the leaves of it that this worker held are no longer needed. */
  relieve(node: LeafRange, kind: WorkKind, nowMs: number): void {
    const numHeld = this.leaves.size;
    for (const leaf of leavesOf(node)) this.leaves.delete(leaf);
    if (this.leaves.size === numHeld) return;
    this.unsent = 'another worker was first';
    // It is slower than this at least; without it a straggler would never be measured.
    const fastest = numHeld / Math.max(1, nowMs - this.progressMs);
    if (fastest < (this.speed(kind) ?? Number.POSITIVE_INFINITY)) this.#measure(kind, fastest);
  }

  /** Leaves per millisecond as measured, undefined before the first measurement. */
  speed(kind: WorkKind): number | undefined {
    return this.#leavesPerMs.get(kind);
  }

  /** A round left it without work: lets a slow one come back, up to the mean of all. Units  leaves per ms and slot. */
  recover(kind: WorkKind, slotSpeed: number): void {
    const speed = this.speed(kind);
    const mean = slotSpeed * this.slots;
    if (speed === undefined || speed >= mean) return;
    this.#leavesPerMs.set(kind, Math.min(mean, speed * RECOVERY));
  }

  /** Whether others may compute its leaves too. */
  hasExpired(leaseMs: number, nowMs: number): boolean {
    return this.leaves.size > 0 && nowMs - this.progressMs > leaseMs;
  }

  #measure(kind: WorkKind, leavesPerMs: number): void {
    const before = this.speed(kind) ?? leavesPerMs;
    this.#leavesPerMs.set(kind, before + SPEED_WEIGHT * (leavesPerMs - before));
  }
}

/** All members, in the order of their ids, so that every decision is reproducible. */
export class Membership {
  #members: readonly Member[] = [];

  get size(): number {
    return this.#members.length;
  }

  get all(): readonly Member[] {
    return this.#members;
  }

  find(worker: string): Member | undefined {
    return this.#members.find((member) => member.worker === worker);
  }

  add(member: Member): void {
    this.#members = [...this.#members, member].sort((a, b) => (a.worker < b.worker ? -1 : 1));
  }

  remove(worker: string): void {
    this.#members = this.#members.filter((member) => member.worker !== worker);
  }

  /** Speed to reckon with: as measured, else by the mean of the measured slots; undefined when none is. */
  speedOf(member: Member, kind: WorkKind): number | undefined {
    const measured = member.speed(kind);
    if (measured !== undefined) return measured;
    const mean = this.meanSpeed(kind);
    return mean && mean * member.slots;
  }

  /** Mean of the measured speeds. Units  leaves per millisecond and slot. */
  meanSpeed(kind: WorkKind): number | undefined {
    let sum = 0;
    let slots = 0;
    for (const member of this.#members) {
      const speed = member.speed(kind);
      if (speed === undefined) continue;
      sum += speed;
      slots += member.slots;
    }
    return slots === 0 ? undefined : sum / slots;
  }
}
