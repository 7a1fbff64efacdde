/**
 * @file The decisions of a run. Events and the time go in, effects come out; nothing else happens here.
 *
 * Each event changes what is known; then `#settle` brings the world in line with it: open the next
 * round, hand out leaves that nobody holds, find help for stragglers, send what changed. So no event has
 * to know what it leads to, and a lost or repeated one is made good by any later one.
 */

import type { ArrivedNode, PushOutcome } from '../../shared/contract/messages.ts';
import { assert } from '../../shared/core/errors.ts';
import type { ToldError } from '../../shared/core/verdict.ts';
import type { RunPhase, WorkKind } from '../../shared/core/work.ts';
import { Best, type BestVersion } from './best.ts';
import { Failures } from './failures.ts';
import { Leasing } from './leasing.ts';
import { Member, Membership } from './membership.ts';
import type { CoreEffect, CoreEvent, HeldWork, RunPlan } from './messages.ts';
import * as timetable from './plan.ts';
import { Round, rangesOf } from './round.ts';
import type { OpenWork } from './stall.ts';
import { missingWorkers, standingOf } from './standing.ts';

/** Where a run begins or goes on. */
export interface ResumePoint {
  readonly version: number;
  /** Evaluations of that version whose results are known. */
  readonly known: readonly WorkKind[];
  readonly best?: BestVersion | undefined;
}

type EventOf<T extends CoreEvent['type']> = Extract<CoreEvent, { type: T }>;

/** The state machine of one run. */
export class Run {
  readonly #plan: RunPlan;
  readonly #members = new Membership();
  #version: number;
  /** What is to be done with the version, first things first. */
  #agenda: timetable.Task[];
  /** The newest round; complete once its last node is in, until the next is opened. */
  #round: Round | undefined;
  #isRoundOpen = false;
  /** The driver has been asked for a new version or a checkpoint, and has not answered yet. */
  #isAwaited = false;
  #sequence = 0;
  readonly #best: Best;
  readonly #failures = new Failures();
  #hasFailed = false;
  #phase: RunPhase = 'waiting';
  #reason = '';
  #effects: CoreEffect[] = [];

  /**
   * A run that goes on with version `resumeAt.version`, which is durable if it is not the first. What is known of it
   * is not asked for again: a run whose last evaluations are known ends without a worker.
   */
  constructor(plan: RunPlan, resumeAt: ResumePoint) {
    const { version, known, best } = resumeAt;
    this.#plan = plan;
    this.#version = version;
    this.#best = new Best(plan, best);
    this.#agenda = timetable
      .agendaOf(plan, version)
      .filter((task) => task !== 'save' && !known.some((kind) => kind === task));
    this.#notePhase();
    this.#effects = [];
  }

  /** Takes in what happened; answers what is to be done, in this order. */
  handle(event: CoreEvent, nowMs: number): CoreEffect[] {
    this.#effects = [];
    if (this.#phase === 'done' || this.#hasFailed) return [];
    this.#note(event, nowMs);
    if (this.#hasFailed) return this.#effects;
    // Workers come in bursts, at a start or after a cut: the next tick plans for all of them at once.
    if (event.type !== 'workerReady') this.#settle(nowMs);
    return this.#effects;
  }

  /** How a node would be taken now; changes nothing. */
  judge(node: ArrivedNode): PushOutcome {
    return this.#round?.judge(node) ?? 'stale';
  }

  get phase(): RunPhase {
    return this.#phase;
  }

  /** The sentence behind the phase. */
  get reason(): string {
    return this.#reason;
  }

  /** The newest version of the parameters. */
  get version(): number {
    return this.#version;
  }

  get totalSteps(): number {
    return timetable.totalSteps(this.#plan);
  }

  /** Leaves of the newest round, done or not; 0 before the first. */
  get openLeaves(): number {
    return this.#round?.place.numLeaves ?? 0;
  }

  /** The open leaves of a worker, and since when it has shown no progress with them; undefined when it holds none. */
  heldBy(worker: string): HeldWork | undefined {
    const member = this.#members.find(worker);
    if (member === undefined || member.leaves.size === 0) return undefined;
    return { leaves: rangesOf(member.sorted), sinceMs: member.progressMs };
  }

  /** What there is to do, as far as it shows whether anything moves. */
  get work(): OpenWork {
    const round = this.#isRoundOpen ? this.#round : undefined;
    return {
      task: this.#agenda[0],
      tasksLeft: this.#agenda.length,
      version: this.#version,
      totalSteps: this.totalSteps,
      isAwaited: this.#isAwaited,
      leaves: round && { all: round.place.numLeaves, open: round.numOpen },
      missing: missingWorkers(this.#plan, this.#members.size, round !== undefined),
    };
  }

  /** The epoch that made a version, counted from 1. */
  epochOf(version: number): number {
    return timetable.epochOf(this.#plan, version);
  }

  // ---- what happened ----

  #note(event: CoreEvent, nowMs: number): void {
    switch (event.type) {
      case 'workerReady':
        this.#noteReady(event.worker, nowMs);
        break;
      case 'heartbeat':
        this.#noteHeartbeat(event, nowMs);
        break;
      case 'workerGone':
        this.#noteGone(event);
        break;
      case 'nodeArrived':
        this.#noteNode(event, nowMs);
        break;
      case 'stepApplied':
        this.#noteVersion(event.step + 1);
        break;
      case 'checkpointWritten':
        this.#noteCheckpoint(event.version);
        break;
      case 'versionRestored':
        this.#noteRestored(event);
        break;
      case 'tick':
        this.#dropSilent(nowMs);
        this.#failBy(this.#failures.waited(event.numConnected ?? this.#members.size, nowMs));
        break;
      default:
        event satisfies never;
    }
  }

  #noteReady(worker: string, nowMs: number): void {
    const known = this.#members.find(worker);
    if (known === undefined) {
      this.#members.add(new Member(worker, nowMs));
      this.#failures.triedAgain();
      return;
    }
    known.heardMs = nowMs;
    known.progressMs = nowMs;
    if (known.leaves.size > 0) known.unsent = 'joined again';
  }

  #noteHeartbeat(event: EventOf<'heartbeat'>, nowMs: number): void {
    const member = this.#members.find(event.worker);
    if (member === undefined) return;
    member.heardMs = nowMs;
    const isUpToDate = event.assignment === member.sequence;
    if (isUpToDate && event.leavesOpen === 0) {
      // All its pushes are answered, so what it still holds was lost or refused: to the pool.
      member.leaves.clear();
    } else if (!isUpToDate && nowMs - member.sentMs >= this.#plan.remindMs) {
      this.#assign(member, 'reminder', nowMs);
    }
  }

  #noteGone({ worker, failure }: EventOf<'workerGone'>): void {
    const wasAtWork = this.#members.find(worker) !== undefined;
    this.#members.remove(worker);
    // A round that others have completed shows that it can be computed.
    const isOpen = this.#isRoundOpen && this.#round?.isComplete === false;
    if (failure === undefined || !wasAtWork || !isOpen) return;
    const others = this.#members.all.map((member) => member.worker);
    this.#failBy(this.#failures.note(worker, failure, others));
  }

  #failBy(error: ToldError | undefined): void {
    if (error === undefined) return;
    this.#hasFailed = true;
    this.#effects.push({ type: 'fail', error });
  }

  #noteNode({ worker, node }: EventOf<'nodeArrived'>, nowMs: number): void {
    const sender = this.#members.find(worker);
    if (sender !== undefined) sender.heardMs = nowMs;
    const round = this.#round;
    if (round === undefined || round.judge(node) !== 'accepted') return;
    round.accept(node);
    if (node.kind === 'train') this.#effects.push({ type: 'addNode', node });
    for (const member of this.#members.all) {
      if (member === sender) member.delivered(node, node.kind, nowMs);
      else member.relieve(node, node.kind, nowMs);
    }
  }

  #noteVersion(version: number): void {
    if (!this.#isAwaited || version !== this.#version + 1) return;
    this.#version = version;
    this.#agenda = timetable.agendaOf(this.#plan, version);
    this.#isRoundOpen = false;
    this.#isAwaited = false;
  }

  #noteCheckpoint(version: number): void {
    if (!this.#isAwaited || this.#agenda[0] !== 'save' || version !== this.#version) return;
    this.#agenda.shift();
    this.#isAwaited = false;
  }

  #noteRestored({ version, isThere }: EventOf<'versionRestored'>): void {
    if (!this.#isAwaited || this.#agenda[0] !== 'test' || version !== this.#best.version) return;
    this.#best.restored(version, isThere, this.#version);
    this.#isAwaited = false;
  }

  #dropSilent(nowMs: number): void {
    for (const { worker, heardMs } of this.#members.all) {
      const silentMs = nowMs - heardMs;
      if (silentMs <= this.#plan.silenceMs) continue;
      const reason = `not heard of for ${Math.round(silentMs)} ms`;
      this.#effects.push({ type: 'dropWorker', worker, reason });
      this.#members.remove(worker);
    }
  }

  // ---- what follows ----

  #settle(nowMs: number): void {
    while (this.#doNext(nowMs)) {}
    this.#notePhase();
    if (this.#isRoundOpen) this.#leasing(nowMs).handOut();
    for (const member of this.#members.all) {
      if (member.unsent === undefined) continue;
      this.#sequence += 1;
      member.sequence = this.#sequence;
      this.#assign(member, member.unsent, nowMs);
    }
  }

  /** Does what can be done of the first task; answers whether that task is over. */
  #doNext(nowMs: number): boolean {
    const task = this.#agenda[0];
    if (this.#isAwaited || task === undefined) return false;
    switch (task) {
      case 'save':
        return this.#startSaving();
      case 'finish':
        return this.#finish();
      case 'test':
        if (this.#best.isAway(this.#version)) return this.#startRestoring();
        return this.#doRound(task, nowMs);
      case 'train':
      case 'validate':
        return this.#doRound(task, nowMs);
      default:
        task satisfies never;
        return false;
    }
  }

  #doRound(task: WorkKind, nowMs: number): boolean {
    if (!this.#isRoundOpen) this.#openRound(task, nowMs);
    return this.#round?.isComplete === true && this.#isRoundOpen && this.#closeRound(task);
  }

  #startRestoring(): boolean {
    const version = this.#best.version ?? this.#version;
    this.#isAwaited = true;
    this.#notePhase();
    this.#effects.push({ type: 'restoreVersion', version });
    return false;
  }

  #startSaving(): boolean {
    const version = this.#version;
    this.#isAwaited = true;
    this.#notePhase();
    this.#effects.push({ type: 'saveCheckpoint', version, epoch: this.epochOf(version) });
    return false;
  }

  #finish(): boolean {
    this.#agenda.shift();
    this.#notePhase();
    this.#effects.push({ type: 'finish' });
    return false;
  }

  #openRound(kind: WorkKind, nowMs: number): void {
    if (this.#members.size < this.#plan.minWorkers) return;
    const step = this.#version;
    const version = (kind === 'test' ? this.#best.tested : undefined) ?? step;
    const place =
      kind === 'train'
        ? timetable.trainingRound(this.#plan, step)
        : timetable.evaluationRound(this.#plan, kind, { step, version });
    this.#round = new Round(place);
    this.#isRoundOpen = true;
    this.#failures.clear();
    this.#leasing(nowMs).open();
  }

  #closeRound(kind: WorkKind): boolean {
    const { totals, place } = this.#existingRound;
    const { step, version } = place;
    if (kind === 'train') {
      const epoch = this.epochOf(version + 1);
      this.#isAwaited = true;
      this.#effects.push({ type: 'applyStep', step, epoch, totals });
      return false;
    }
    const isBest = this.#best.judged(kind, version, totals);
    this.#isRoundOpen = false;
    this.#agenda.shift();
    // The end tests the best version, so it must outlive the steps that follow.
    if (isBest && kind === 'validate' && !this.#agenda.includes('save'))
      this.#agenda.unshift('save');
    const epoch = this.epochOf(version);
    this.#effects.push({ type: 'reportEvaluation', kind, version, step, epoch, totals, isBest });
    return true;
  }

  #assign(member: Member, reason: string, nowMs: number): void {
    if (this.#round === undefined) return;
    const { kind, step, version, epoch, batch } = this.#round.place;
    const ranges = rangesOf(member.sorted);
    const { worker, sequence } = member;
    member.sentMs = nowMs;
    member.unsent = undefined;
    this.#effects.push({
      type: 'assign',
      worker,
      assignment: { sequence, kind, step, version, epoch, batch, ranges },
      reason,
    });
  }

  /** Notes where the run stands, and says so if that is new. */
  #notePhase(): void {
    const { phase, reason } = standingOf({
      plan: this.#plan,
      task: this.#agenda[0],
      version: this.#version,
      tested: this.#best.tested ?? this.#best.version ?? this.#version,
      numWorkers: this.#members.size,
      isRoundOpen: this.#isRoundOpen,
      isAwaited: this.#isAwaited,
    });
    if (phase === this.#phase && reason === this.#reason) return;
    this.#phase = phase;
    this.#reason = reason;
    this.#effects.push({ type: 'phaseChanged', phase, reason });
  }

  #leasing(nowMs: number): Leasing {
    const { leaseMs } = this.#plan;
    return new Leasing({ round: this.#existingRound, members: this.#members, leaseMs, nowMs });
  }

  get #existingRound(): Round {
    assert(this.#round !== undefined, 'a round is open');
    return this.#round;
  }
}
