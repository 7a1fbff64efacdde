/** @file The newest round and the workers that compute it: nodes and heartbeats in, assignments out. */
import type { ArrivedNode, PushOutcome } from '../../shared/contract/messages.ts';
import { assert } from '../../shared/core/errors.ts';
import { Leasing } from './leasing.ts';
import { Member, Membership } from './membership.ts';
import type { CoreEffect, CoreEventOf, HeldWork, RunPlan } from './messages.ts';
import type { RoundPlace } from './plan.ts';
import { Round, rangesOf } from './round.ts';

/** The workers that are ready, and the round that they compute, if one is open. */
export class OpenRound {
  readonly #plan: Pick<RunPlan, 'silenceMs' | 'leaseMs' | 'remindMs'>;
  readonly #emit: (effect: CoreEffect) => void;
  readonly #members = new Membership();
  /** The newest round; complete once its last node is in, until the next is opened. */
  #round: Round | undefined;
  #isOpen = false;
  #sequence = 0;

  constructor(plan: RunPlan, emit: (effect: CoreEffect) => void) {
    this.#plan = plan;
    this.#emit = emit;
  }

  /** The open round. */
  get current(): Round | undefined {
    return this.#isOpen ? this.#round : undefined;
  }

  /** Leaves of the newest round, open or not; 0 before the first. */
  get numLeaves(): number {
    return this.#round?.place.numLeaves ?? 0;
  }

  /** Workers that are ready. */
  get workers(): readonly string[] {
    return this.#members.all.map(({ worker }) => worker);
  }

  get numWorkers(): number {
    return this.#members.size;
  }

  /** The outcome of a node if it came now; changes nothing. */
  judge(node: ArrivedNode): PushOutcome {
    return this.#round?.judge(node) ?? 'stale';
  }

  /** The open leaves of a worker, and since when it has shown no progress with them; undefined when it holds none. */
  heldBy(worker: string): HeldWork | undefined {
    const member = this.#members.find(worker);
    if (member === undefined || member.leaves.size === 0) return undefined;
    return { leaves: rangesOf(member.sorted), sinceMs: member.progressMs };
  }

  /** A worker is ready; returns whether it is a new one. */
  noteReady({ worker, slots = 1 }: CoreEventOf<'workerReady'>, nowMs: number): boolean {
    const known = this.#members.find(worker);
    if (known === undefined) {
      this.#members.add(new Member(worker, nowMs, slots));
      return true;
    }
    known.lastMessageMs = nowMs;
    known.progressMs = nowMs;
    if (known.leaves.size > 0) known.unsent = 'joined again';
    return false;
  }

  noteHeartbeat(event: CoreEventOf<'heartbeat'>, nowMs: number): void {
    const member = this.#members.find(event.worker);
    if (member === undefined) return;
    member.lastMessageMs = nowMs;
    const isUpToDate = event.assignment === member.sequence;
    if (isUpToDate && event.leavesOpen === 0) {
      // All its pushes have a reply, so what it still holds was lost or refused: to the pool.
      member.leaves.clear();
    } else if (!isUpToDate && nowMs - member.sentMs >= this.#plan.remindMs) {
      this.#assign(member, 'reminder', nowMs);
    }
  }

  noteNode({ worker, node }: CoreEventOf<'nodeArrived'>, nowMs: number): void {
    const sender = this.#members.find(worker);
    if (sender !== undefined) sender.lastMessageMs = nowMs;
    const round = this.#round;
    if (round === undefined || round.judge(node) !== 'accepted') return;
    round.accept(node);
    for (const member of this.#members.all) {
      if (member === sender) member.delivered(node, node.kind, nowMs);
      else member.relieve(node, node.kind, nowMs);
    }
  }

  /** A worker is gone; returns whether it was ready. */
  remove(worker: string): boolean {
    const wasReady = this.#members.find(worker) !== undefined;
    this.#members.remove(worker);
    return wasReady;
  }

  dropSilent(nowMs: number): void {
    for (const { worker, lastMessageMs } of this.#members.all) {
      const silentMs = nowMs - lastMessageMs;
      if (silentMs <= this.#plan.silenceMs) continue;
      const reason = `no message for ${Math.round(silentMs)} ms`;
      this.#emit({ type: 'dropWorker', worker, reason });
      this.#members.remove(worker);
    }
  }

  open(place: RoundPlace, nowMs: number): void {
    this.#round = new Round(place);
    this.#isOpen = true;
    this.#leasing(nowMs).open();
  }

  close(): void {
    this.#isOpen = false;
  }

  /** Hands out leaves of the open round that no worker holds, and sends what has changed. */
  handOut(nowMs: number): void {
    if (this.#isOpen) this.#leasing(nowMs).handOut();
    for (const member of this.#members.all) {
      if (member.unsent === undefined) continue;
      this.#sequence += 1;
      member.sequence = this.#sequence;
      this.#assign(member, member.unsent, nowMs);
    }
  }

  #assign(member: Member, reason: string, nowMs: number): void {
    if (this.#round === undefined) return;
    const { kind, stepIndex: step, version, epochIndex: epoch, batch } = this.#round.place;
    const ranges = rangesOf(member.sorted);
    const { worker, sequence } = member;
    member.sentMs = nowMs;
    member.unsent = undefined;
    const assignment = { sequence, kind, step, version, epoch, batch, ranges };
    this.#emit({ type: 'assign', worker, assignment, reason });
  }

  #leasing(nowMs: number): Leasing {
    const { leaseMs } = this.#plan;
    assert(this.#round !== undefined, 'a round is open');
    return new Leasing({ round: this.#round, members: this.#members, leaseMs, nowMs });
  }
}
