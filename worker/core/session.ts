/**
 * @file The decisions of a worker: find the coordinator, prepare, then pull, compute and push as assigned.
 *
 * Two layers. The *line* to the coordinator is a literal table of phases. On top of it, while the line
 * stands, `#proceed` compares what is assigned with what is there, and does the next thing. Results of
 * work that was started before a reconnect are taken in any phase: bits do not depend on the session.
 */
import type { Assignment, ParametersId } from '../../shared/contract/messages.ts';
import { wasSuspended } from '../../shared/core/clock.ts';
import { type ErrorReport, NO_ERROR } from '../../shared/core/error-report.ts';
import { Backlog } from './backlog.ts';
import type { LostLine, SessionEffect, SessionEvent, SessionPhase } from './messages.ts';
import { ANOTHER_MODEL, ANOTHER_RUN } from './other-run.ts';
import { Patience } from './patience.ts';
import { Reconnect, withReturn } from './reconnect.ts';
import { isInPlace, type ParametersChoice, parametersFor } from './wanted-parameters.ts';

/** Fixed properties of a session. */
export interface SessionOptions {
  /** How long to look for a coordinator that is gone, and to try again what fails though it is there. */
  readonly reconnectMs: number;
  /** Makes the pauses between attempts differ between workers. */
  readonly seed: number;
}

/** How long computed nodes may take to arrive once the worker is to go. */
const DRAIN_MS = 10_000;

/** What shows that the coordinator is there. */
const SIGNS_OF_LIFE: ReadonlySet<SessionEvent['type']> = new Set(['welcomed', 'assigned', 'alive']);

/** Phases of the line; `ready` shows as idle, pulling or computing. */
type Line = 'offline' | 'joining' | 'preparing' | 'ready' | 'stopped';

/** Events that end any attempt and any session. */
const ENDS = { connectionLost: 'joining', refused: 'stopped', finished: 'stopped' } as const;

/**
 * Where events take the line; those that are not listed leave it as it is.
 *
 * A welcome begins a session whatever went before, and one with the model at hand is ready at once.
 */
const LINE = {
  offline: { started: 'joining' },
  joining: { ...ENDS, welcomed: 'preparing' },
  preparing: { ...ENDS, welcomed: 'preparing', prepared: 'ready' },
  ready: { ...ENDS, welcomed: 'preparing' },
  stopped: {},
} as const satisfies Record<Line, Partial<Record<SessionEvent['type'], Line>>>;

/** The state machine of one worker. */
export class Session {
  readonly #options: SessionOptions;
  readonly #backlog = new Backlog();
  readonly #attempts: Reconnect;
  readonly #pulls: Patience;
  /** Fetching samples is a part of them. */
  readonly #pushes: Patience;
  #line: Line = 'offline';
  #run: string | undefined;
  #model: 'none' | 'underWay' | 'ready' = 'none';
  #modelFingerprint = '';
  #heartbeatMs = 0;
  #nextHeartbeatMs = 0;
  #silenceMs = 0;
  #lastMessageMs = 0;
  #tickedMs = 0;
  #choice: ParametersChoice = {};
  /** The parameters that are in place. */
  #inPlace: ParametersId | undefined;
  #isPulling = false;
  #prefetched = 0;
  /** After a failure nothing new is begun until then. */
  #pausedUntilMs = 0;
  /** The worker is to go, by then at the latest. */
  #drainedByMs: number | undefined;
  #effects: SessionEffect[] = [];

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#attempts = new Reconnect(options.reconnectMs, options.seed);
    this.#pulls = new Patience(options.reconnectMs);
    this.#pushes = new Patience(options.reconnectMs);
  }

  /** Applies an event; returns the effects, in their order. */
  handle(event: SessionEvent, nowMs: number): SessionEffect[] {
    this.#effects = [];
    if (this.#line === 'stopped') return [];
    if (SIGNS_OF_LIFE.has(event.type)) this.#lastMessageMs = nowMs;
    this.#noteWork(event, nowMs);
    this.#noteLine(withReturn(event), nowMs);
    if (this.#drainedByMs !== undefined) this.#goOnceDrained(this.#drainedByMs, nowMs);
    else if (this.#line === 'ready') this.#proceed(nowMs);
    return this.#effects;
  }

  get phase(): SessionPhase {
    if (this.#line !== 'ready') return this.#line;
    if (this.#isPulling) return 'pulling';
    return this.#backlog.isComputing ? 'computing' : 'idle';
  }

  // ---- work ----

  #noteWork(event: SessionEvent, nowMs: number): void {
    switch (event.type) {
      case 'prepared':
        this.#model = 'ready';
        this.#modelFingerprint = event.modelFingerprint;
        this.#choice = event;
        break;
      case 'assigned':
        if (this.#line === 'ready') this.#noteAssignment(event.assignment, event.numLeaves);
        break;
      case 'pulled':
        this.#inPlace = event;
        this.#isPulling = false;
        this.#pulls.succeeded();
        break;
      case 'pullRefused':
        this.#isPulling = false;
        this.#failed(this.#pulls, event.error, nowMs);
        break;
      case 'nodeComputed':
        this.#backlog.computed(event.task);
        break;
      case 'nodePushed':
        this.#backlog.pushed(event.task);
        this.#pushes.succeeded();
        break;
      case 'pushFailed':
        this.#backlog.failed(event.task);
        this.#failed(this.#pushes, event.error, nowMs);
        break;
      case 'drain':
        this.#drainedByMs ??= nowMs + DRAIN_MS;
        if (this.#backlog.handBack()) this.#effects.push({ type: 'cancelCompute' });
        break;
      default:
    }
  }

  #noteAssignment(assignment: Assignment, numLeaves: number): void {
    if (assignment.sequence <= this.#backlog.sequence || this.#drainedByMs !== undefined) return;
    if (this.#backlog.replace(assignment, numLeaves)) this.#effects.push({ type: 'cancelCompute' });
    this.#pausedUntilMs = 0;
  }

  /** Does the next thing that the assignment asks for; one pull and one node at a time. */
  #proceed(nowMs: number): void {
    this.#prefetch();
    const next = this.#backlog.next;
    if (next === undefined || this.#isPulling || nowMs < this.#pausedUntilMs) return;
    const wanted = parametersFor(next, this.#choice);
    if (!isInPlace(wanted, this.#inPlace)) {
      this.#isPulling = true;
      this.#pulls.began(nowMs);
      this.#effects.push({ type: 'pull', ...wanted });
      return;
    }
    const task = this.#backlog.startNext();
    if (task === undefined) return;
    this.#pushes.began(nowMs);
    this.#effects.push({ type: 'compute', task });
  }

  /** Once a version: asks for the next one while it is being made. */
  #prefetch(): void {
    const version = 1 + (this.#backlog.trained ?? Number.NaN);
    if (Number.isNaN(version) || version === this.#prefetched) return;
    this.#prefetched = version;
    const wanted = parametersFor({ kind: 'train', version }, this.#choice);
    this.#effects.push({ type: 'prefetch', ...wanted });
  }

  /** Retries after a heartbeat, unless the retries have failed for too long. */
  #failed(patience: Patience, error: ErrorReport | undefined, nowMs: number): void {
    this.#pausedUntilMs = nowMs + this.#heartbeatMs;
    if (error === undefined || !patience.failed(error, nowMs)) return;
    this.#line = 'stopped';
    const reason = `tried again for ${this.#options.reconnectMs / 1000} s: ${error.reason}`;
    this.#effects.push({ type: 'abandon', ...error, reason });
  }

  /** The last error after which this worker tries again, while it does. */
  get #lastError(): ErrorReport | undefined {
    const isTrying = this.#isPulling || this.#backlog.isPushing || this.#backlog.leavesOpen > 0;
    return isTrying ? (this.#pulls.error ?? this.#pushes.error) : undefined;
  }

  // ---- the line ----

  #noteLine(event: SessionEvent, nowMs: number): void {
    if (event.type === 'tick') {
      if (this.#isJoined) this.#listen(nowMs);
      if (this.#isJoined) this.#beat(nowMs);
      return;
    }
    const moves: Partial<Record<SessionEvent['type'], Line>> = LINE[this.#line];
    const next = moves[event.type];
    if (next === undefined) return;
    this.#line = next;
    switch (event.type) {
      case 'started':
        this.#attempts.started(nowMs);
        this.#effects.push({ type: 'connect', afterMs: 0 });
        break;
      case 'connectionLost':
        this.#reconnect(event, nowMs);
        break;
      case 'welcomed':
        this.#welcome(event, nowMs);
        break;
      case 'prepared':
        this.#becomeReady(nowMs);
        break;
      case 'refused':
      case 'finished':
        this.#stop(event);
        break;
      default:
    }
  }

  #welcome(event: Extract<SessionEvent, { type: 'welcomed' }>, nowMs: number): void {
    this.#run ??= event.run;
    const isSameRun = this.#run === event.run;
    this.#backlog.forget();
    this.#attempts.welcomed();
    this.#heartbeatMs = event.heartbeatMs;
    this.#nextHeartbeatMs = nowMs + event.heartbeatMs;
    this.#silenceMs = event.silenceMs;
    if (!isSameRun) this.#stop(ANOTHER_RUN);
    else if (this.#model === 'none') {
      this.#model = 'underWay';
      this.#effects.push({ type: 'prepare' });
    } else if (this.#model === 'ready' && this.#modelFingerprint !== event.modelFingerprint) {
      this.#stop(ANOTHER_MODEL);
    } else if (this.#model === 'ready') {
      this.#line = 'ready';
      this.#becomeReady(nowMs);
    }
  }

  /** Leaves when the coordinator has the computed nodes, or is not connected. */
  #goOnceDrained(byMs: number, nowMs: number): void {
    const isOwed = this.#line === 'ready' && this.#backlog.isPushing && nowMs < byMs;
    if (!isOwed && this.#line !== 'stopped') this.#stop({ ...NO_ERROR, reason: 'drained' });
  }

  #becomeReady(nowMs: number): void {
    this.#attempts.ready(nowMs);
    this.#effects.push({ type: 'sendReady' });
  }

  get #isJoined(): boolean {
    return this.#line === 'preparing' || this.#line === 'ready';
  }

  /** A connection may die without an error on either side. */
  #listen(nowMs: number): void {
    const wasStopped = wasSuspended(nowMs - this.#tickedMs, this.#silenceMs);
    this.#tickedMs = nowMs;
    const silentMs = nowMs - this.#lastMessageMs;
    if (wasStopped || silentMs <= this.#silenceMs) return;
    this.#line = 'joining';
    const reason = `no message from the coordinator for ${Math.round(silentMs)} ms`;
    this.#reconnect({ reason }, nowMs);
  }

  #beat(nowMs: number): void {
    if (nowMs < this.#nextHeartbeatMs) return;
    this.#nextHeartbeatMs = nowMs + this.#heartbeatMs;
    const { sequence: assignment, leavesOpen } = this.#backlog;
    const error = this.#lastError;
    this.#effects.push({ type: 'sendHeartbeat', assignment, leavesOpen, ...(error && { error }) });
  }

  /** Connects again, within the budget of `reconnectMs` since the line was lost. */
  #reconnect({ reason, code, hint }: LostLine, nowMs: number): void {
    const afterMs = this.#attempts.lost(nowMs);
    if (afterMs === undefined) {
      const what = code === undefined ? 'no coordinator' : 'no free worker slot';
      this.#stop({
        code: code ?? 'COORDINATOR_UNREACHABLE',
        reason: `${what} for ${this.#options.reconnectMs / 1000} s: ${reason}`,
        hint: hint ?? '',
      });
      return;
    }
    const lost = { reason, ...(code && { code }), ...(hint && { hint }) };
    this.#effects.push({ type: 'connect', afterMs, lost });
  }

  #stop({ code, reason, hint }: ErrorReport): void {
    this.#line = 'stopped';
    this.#effects.push({ type: 'stop', code, reason, hint });
  }
}
