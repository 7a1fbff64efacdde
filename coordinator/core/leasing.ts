/** @file Assigns the leaves of the open round to workers; re-leases and speculates near the end. */
import { leavesOf, type WorkKind } from '../../shared/core/work.ts';
import { divide, type Hand, speculate } from './assignment.ts';
import type { Member, Membership } from './membership.ts';
import type { Round } from './round.ts';

/** The moment at which leases are given. */
export interface LeasingOptions {
  readonly round: Round;
  readonly members: Membership;
  readonly leaseMs: number;
  readonly nowMs: number;
}

/** Gives leases; what a worker computes already is never taken from it. */
export class Leasing {
  readonly #options: LeasingOptions;
  readonly #kind: WorkKind;

  constructor(options: LeasingOptions) {
    this.#options = options;
    this.#kind = options.round.place.kind;
  }

  /** Hands out a new round. */
  open(): void {
    const { members } = this.#options;
    this.#share(this.#notHeldBy([]), members.all, 'new round');
    const mean = members.meanSpeed(this.#kind);
    if (mean === undefined) return;
    for (const idle of this.#idle) idle.recover(this.#kind, mean);
  }

  /** Leases the free leaves, then finds useful work for idle workers. */
  handOut(): void {
    const { members, leaseMs, nowMs } = this.#options;
    const prompt = members.all.filter((member) => !member.hasExpired(leaseMs, nowMs));
    const able = prompt.length > 0 ? prompt : members.all;
    this.#share(this.#notHeldBy(members.all), able, 'no worker held these leaves');
    if (this.#idle.length === 0) return;
    this.#share(this.#notHeldBy(prompt), this.#idle, 'a lease has lapsed');
    for (const idle of this.#idle) this.#speculate(idle);
  }

  get #idle(): Member[] {
    return this.#options.members.all.filter((member) => member.leaves.size === 0);
  }

  /** Open leaves that none of the members holds. */
  #notHeldBy(members: readonly Member[]): number[] {
    const isHeld = (leaf: number) => members.some((member) => member.leaves.has(leaf));
    return this.#options.round.openLeaves.filter((leaf) => !isHeld(leaf));
  }

  #share(leaves: readonly number[], among: readonly Member[], reason: string): void {
    if (leaves.length === 0 || among.length === 0) return;
    const hands = among.map((member): Hand => {
      const speed = this.#options.members.speedOf(member, this.#kind) ?? member.slots;
      return { speed, numHeld: member.leaves.size };
    });
    const parts = divide(leaves, hands);
    for (const [index, member] of among.entries()) {
      member.grant(parts[index] ?? [], reason, this.#options.nowMs);
    }
  }

  #speculate(idle: Member): void {
    const { round, members, nowMs } = this.#options;
    const speed = members.speedOf(idle, this.#kind);
    if (speed === undefined) return;
    const busy = members.all.filter((member) => member.leaves.size > 0);
    const stragglers = busy.map((member) => {
      const leaves = [...member.leaves].sort((a, b) => a - b);
      const isAlone = (leaf: number) => !busy.some((b) => b !== member && b.leaves.has(leaf));
      return {
        worker: member.worker,
        leavesPerMs: members.speedOf(member, this.#kind) ?? speed,
        leaves,
        alone: new Set(leaves.filter(isAlone)),
        quietMs: nowMs - member.progressMs,
      };
    });
    const { value, reason } = speculate(speed, stragglers, round.place.numLeaves);
    idle.grant(value.flatMap(leavesOf), reason, nowMs);
  }
}
