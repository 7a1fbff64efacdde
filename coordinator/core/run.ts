/**
 * @file The decisions of a run. Events and the time go in, effects come out; nothing else happens here.
 *
 * Each event changes what is known; then `#settle` brings the world in line with it: open the next
 * round, hand out leaves that no worker holds, find help for stragglers, send what changed. So no event has
 * to know what it leads to, and a lost or repeated one is made good by any later one.
 */
import type { ArrivedNode, PushOutcome } from '../../shared/contract/messages.ts';
import type { ErrorReport } from '../../shared/core/error-report.ts';
import type { RunPhase, WorkKind } from '../../shared/core/work.ts';
import { Best } from './best.ts';
import { Failures } from './failures.ts';
import type { CoreEffect, CoreEvent, CoreEventOf, HeldWork, RunPlan } from './messages.ts';
import { OpenRound } from './open-round.ts';
import * as timetable from './plan.ts';
import type { Round } from './round.ts';
import type { OpenWork } from './stall.ts';
import { missingWorkers, standingOf } from './standing.ts';

/** The state machine of one run. */
export class Run {
  readonly #plan: RunPlan;
  readonly #round: OpenRound;
  #version: number;
  /** What is to be done with the version, first things first. */
  #agenda: timetable.Task[];
  /** The driver was asked for a new version or a checkpoint, and has not reported it yet. */
  #isAwaited = false;
  readonly #best: Best;
  readonly #failures = new Failures();
  #hasFailed = false;
  /** The run ends before its last step: evaluations have stopped getting better. */
  #isEarly = false;
  #phase: RunPhase = 'waiting';
  #reason = '';
  #effects: CoreEffect[] = [];

  /**
   * A run that continues with version `resumeAt.version`, which is durable if it is not the first. What is known of it
   * is not asked for again: a run whose last evaluations are known ends without a worker.
   */
  constructor(plan: RunPlan, resumeAt: timetable.ResumePoint) {
    const { version, best } = resumeAt;
    this.#plan = plan;
    this.#version = version;
    this.#round = new OpenRound(plan, (effect) => this.#effects.push(effect));
    this.#best = new Best(plan, best);
    const { agenda, isEarly } = timetable.agendaOfResumed(plan, resumeAt);
    this.#agenda = agenda;
    this.#isEarly = isEarly;
    this.#notePhase();
    this.#effects = [];
  }

  /** Takes in what happened; returns what is to be done, in this order. */
  handle(event: CoreEvent, nowMs: number): CoreEffect[] {
    this.#effects = [];
    if (this.#phase === 'done' || this.#hasFailed) return [];
    this.#note(event, nowMs);
    if (this.#hasFailed) return this.#effects;
    // Workers come in bursts, at a start or after a cut: the next tick plans for all of them at once.
    if (event.type !== 'workerReady') this.#settle(nowMs);
    return this.#effects;
  }

  /** The outcome of a node if it came now; changes nothing. */
  judge(node: ArrivedNode): PushOutcome {
    return this.#round.judge(node);
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
  get numLeaves(): number {
    return this.#round.numLeaves;
  }

  /** The open leaves of a worker, and since when it has shown no progress with them; undefined when it holds none. */
  heldBy(worker: string): HeldWork | undefined {
    return this.#round.heldBy(worker);
  }

  /** What there is to do, as far as it shows whether anything moves. */
  get work(): OpenWork {
    const round = this.#round.current;
    return {
      task: this.#agenda[0],
      tasksLeft: this.#agenda.length,
      version: this.#version,
      totalSteps: this.totalSteps,
      isAwaited: this.#isAwaited,
      leaves: round && { all: round.place.numLeaves, open: round.numOpen },
      missing: missingWorkers(this.#plan, this.#round.numWorkers, round !== undefined),
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
        if (this.#round.noteReady(event, nowMs)) this.#failures.triedAgain();
        break;
      case 'heartbeat':
        this.#round.noteHeartbeat(event, nowMs);
        break;
      case 'workerGone':
        this.#noteGone(event);
        break;
      case 'nodeArrived':
        this.#round.noteNode(event, nowMs);
        break;
      case 'stepApplied':
        this.#noteVersion(event.stepIndex + 1);
        break;
      case 'checkpointWritten':
        this.#noteCheckpoint(event.version);
        break;
      case 'versionRestored':
        this.#noteRestored(event);
        break;
      case 'tick':
        this.#round.dropSilent(nowMs);
        this.#failBy(this.#failures.waited(event.numConnected ?? this.#round.numWorkers, nowMs));
        break;
      default:
        event satisfies never;
    }
  }

  #noteGone({ worker, failure }: CoreEventOf<'workerGone'>): void {
    const wasReady = this.#round.remove(worker);
    // A round that others have completed shows that it can be computed.
    const isIncomplete = this.#round.current?.isComplete === false;
    if (failure === undefined || !wasReady || !isIncomplete) return;
    this.#failBy(this.#failures.note(worker, failure, this.#round.workers));
  }

  #failBy(error: ErrorReport | undefined): void {
    if (error === undefined) return;
    this.#hasFailed = true;
    this.#effects.push({ type: 'fail', error });
  }

  #noteVersion(version: number): void {
    if (!this.#isAwaited || version !== this.#version + 1) return;
    this.#version = version;
    this.#agenda = timetable.agendaOf(this.#plan, version);
    this.#round.close();
    this.#isAwaited = false;
  }

  #noteCheckpoint(version: number): void {
    if (!this.#isAwaited || this.#agenda[0] !== 'save' || version !== this.#version) return;
    this.#agenda.shift();
    this.#isAwaited = false;
  }

  #noteRestored({ version, isThere }: CoreEventOf<'versionRestored'>): void {
    if (!this.#isAwaited || this.#agenda[0] !== 'test' || version !== this.#best.version) return;
    this.#best.restored(version, isThere, this.#version);
    this.#isAwaited = false;
  }

  // ---- what follows ----

  #settle(nowMs: number): void {
    while (this.#doNext(nowMs)) {}
    this.#notePhase();
    this.#round.handOut(nowMs);
  }

  /** Does what can be done of the first task; returns whether that task is over. */
  #doNext(nowMs: number): boolean {
    const task = this.#agenda[0];
    if (this.#isAwaited || task === undefined) return false;
    switch (task) {
      case 'save':
        return this.#askFor({ type: 'saveCheckpoint', version: this.#version });
      case 'finish':
        return this.#finish();
      case 'test': {
        const { version = this.#version } = this.#best;
        if (this.#best.isAway(this.#version))
          return this.#askFor({ type: 'restoreVersion', version });
        return this.#doRound(task, nowMs);
      }
      case 'train':
      case 'validate':
        return this.#doRound(task, nowMs);
      default:
        task satisfies never;
        return false;
    }
  }

  #doRound(task: WorkKind, nowMs: number): boolean {
    if (this.#round.current === undefined) this.#openRound(task, nowMs);
    const round = this.#round.current;
    return round?.isComplete === true && this.#closeRound(task, round);
  }

  /** Asks the driver for work on the version; the task is not over before its event comes. */
  #askFor(effect: CoreEffect): false {
    this.#isAwaited = true;
    this.#notePhase();
    this.#effects.push(effect);
    return false;
  }

  #finish(): boolean {
    this.#agenda.shift();
    this.#notePhase();
    this.#effects.push({ type: 'finish' });
    return false;
  }

  #openRound(kind: WorkKind, nowMs: number): void {
    if (this.#round.numWorkers < this.#plan.minWorkers) return;
    const newest = this.#version;
    const version = (kind === 'test' ? this.#best.tested : undefined) ?? newest;
    const place =
      kind === 'train'
        ? timetable.trainingRound(this.#plan, newest)
        : timetable.evaluationRound(this.#plan, kind, { newest, version });
    this.#failures.clear();
    this.#round.open(place, nowMs);
  }

  #closeRound(kind: WorkKind, { totals, place }: Round): boolean {
    const { stepIndex, version } = place;
    if (kind === 'train') {
      const epoch = this.epochOf(version + 1);
      this.#isAwaited = true;
      this.#effects.push({ type: 'applyStep', stepIndex, epoch, totals });
      return false;
    }
    const isBest = this.#best.judged(kind, version, totals);
    this.#round.close();
    this.#agenda.shift();
    if (kind === timetable.judgingKind(this.#plan)) this.#endEarly(version);
    // The end tests the best version, so it must outlive the steps that follow.
    if (isBest && kind === 'validate' && !this.#agenda.includes('save'))
      this.#agenda.unshift('save');
    const [epoch, newest] = [this.epochOf(version), this.#version];
    this.#effects.push({ type: 'reportEvaluation', kind, version, newest, epoch, totals, isBest });
    return true;
  }

  /** Ends the run with a version that was just judged, if nothing better is to be expected. */
  #endEarly(version: number): void {
    if (!timetable.endsEarly(this.#plan, version, this.#best.version)) return;
    this.#isEarly = true;
    const judged = timetable.judgingKind(this.#plan);
    this.#agenda = timetable.agendaOf(this.#plan, version, true).filter((task) => task !== judged);
  }

  /** Notes where the run stands, and says so if that is new. */
  #notePhase(): void {
    const { phase, reason } = standingOf({
      plan: this.#plan,
      task: this.#agenda[0],
      version: this.#version,
      tested: this.#best.tested ?? this.#best.version ?? this.#version,
      numWorkers: this.#round.numWorkers,
      isRoundOpen: this.#round.current !== undefined,
      isAwaited: this.#isAwaited,
      isEarly: this.#isEarly,
    });
    if (phase === this.#phase && reason === this.#reason) return;
    this.#phase = phase;
    this.#reason = reason;
    this.#effects.push({ type: 'phaseChanged', phase, reason });
  }
}
