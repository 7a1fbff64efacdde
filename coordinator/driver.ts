/**
 * @file Carries the core's decisions out: events in, core, effects out.
 *
 * The driver owns what the core must not: tensors, sessions, the clock, the disk. It decides nothing
 * about the run. Contract with the core: effects are performed in order, one event at a time; work
 * that takes long (sum, optimizer, checkpoint) is started and comes back as an event.
 */

import type {
  ArrivedNode,
  CoordinatorMessage,
  Heartbeat,
  JoinRequest,
  NodeHeader,
  PushOutcome,
  Ready,
  RunStatus,
  StoppingRun,
  WelcomeInfo,
} from '../shared/contract/messages.ts';
import { type Clock, stoodStill } from '../shared/core/clock.ts';
import { isErrorCode, TesseraError } from '../shared/core/errors.ts';
import { DIVERGED_HINT, NO_ERROR, type ToldError, toldOf } from '../shared/core/verdict.ts';
import type { DataSource } from '../shared/data/source.ts';
import type { Logger } from '../shared/machine/log.ts';
import type { Checkpointer } from '../shared/runs/checkpoint/checkpointer.ts';
import type { RunEvent } from '../shared/runs/events.ts';
import type { RunIdentity } from '../shared/runs/identity.ts';
import type { CoreEffect, CoreEvent } from './core/messages.ts';
import type { Run } from './core/run.ts';
import { RunNotes } from './report/run-warnings.ts';
import { Stalls } from './report/stalls.ts';
import { describeStatus } from './report/status.ts';
import type { CoordinatorPort, RunData } from './service/run-port.ts';

import { Evaluations } from './step/evaluations.ts';
import { FeatureStore } from './step/features.ts';
import type { ParameterStore } from './step/parameters.ts';
import type { RunProgress } from './step/progress.ts';
import { StepArithmetic } from './step/step.ts';
import { Roster } from './workers/roster.ts';
import type { SessionHandle, Sessions, TransferKind } from './workers/sessions.ts';

/** What a driver works with. */
export interface DriverParts {
  readonly identity: RunIdentity;
  readonly run: Run;
  readonly store: ParameterStore;
  readonly source: DataSource;
  readonly checkpointer: Checkpointer;
  readonly progress: RunProgress;
  readonly clock: Clock;
  readonly log: Logger;
  readonly onEvent: (event: RunEvent) => void;
  /** Called once, when the run has ended: with the error, if it failed. */
  readonly onEnd: (error: TesseraError | undefined) => void;
}

/** The living coordinator of one run. */
export class CoordinatorDriver implements CoordinatorPort {
  readonly gradientLength: number;
  readonly data: RunData;
  readonly notes: RunNotes;
  readonly #parts: DriverParts;
  readonly #roster: Roster;
  readonly #stalls: Stalls;
  readonly #arithmetic: StepArithmetic;
  readonly #evaluations: Evaluations;
  readonly #inbox: CoreEvent[] = [];
  #handling = false;
  #tickedMs: number;
  #ended = false;
  /** The run takes no more events: what there is is being saved. */
  #stopping = false;
  #failure: TesseraError | undefined;
  /** Work on the parameters or the disk that must not be cut short by a stop. */
  #busy: Promise<void> = Promise.resolve();

  constructor(parts: DriverParts) {
    this.#parts = parts;
    this.#tickedMs = parts.clock.nowMs();
    this.gradientLength = parts.store.trainable;
    const { limits, training } = parts.identity.config;
    this.notes = new RunNotes(parts.log, parts.onEvent);
    this.#evaluations = new Evaluations(parts);
    const features = new FeatureStore(parts.identity.model.width, limits.featureBytes);
    this.data = { source: parts.source, features };
    const dispatch = (event: CoreEvent) => this.#dispatch(event);
    this.#roster = new Roster({ ...parts, notes: this.notes, dispatch });
    this.#stalls = new Stalls({ ...parts, roster: this.#roster });
    this.#arithmetic = new StepArithmetic(parts.store, training, parts.run.totalSteps);
  }

  /** Lets time pass: silent workers and lapsed leases are noticed. */
  tick(): void {
    const { clock, identity } = this.#parts;
    const sinceMs = clock.nowMs() - this.#tickedMs;
    this.#tickedMs += sinceMs;
    if (stoodStill(sinceMs, identity.config.cluster.silenceMs)) return;
    this.#roster.dropSilentNewcomers();
    this.#dispatch({ type: 'tick', numConnected: this.sessions.all().length });
    if (!this.#ended && !this.#stopping) this.#stalls.tick();
  }

  /** Ends the run early: what is trained so far is saved first, unless the folder is another coordinator's by now. */
  async stop(reason: TesseraError): Promise<void> {
    if (this.#stopping) return;
    this.#stopping = true;
    await this.#busy;
    if (this.#ended) return;
    const { checkpointer, store, onEvent, log } = this.#parts;
    try {
      const saved = await checkpointer.saveIfNewer(store);
      if (saved !== undefined) onEvent({ type: 'checkpoint', ...saved });
    } catch (error) {
      if (reason.code !== 'RUN_IN_USE') log.error({ err: error }, 'no checkpoint at the stop');
    }
    this.#end(reason);
  }

  // ---- what the service calls ----

  join(request: JoinRequest, handle: SessionHandle): WelcomeInfo {
    this.sessions.absent.returned(request.instance);
    if (this.#ended) {
      // Its connection broke before it received the end.
      handle.send(this.#farewell);
      throw new TesseraError('DRAINING', 'the run is over');
    }
    return this.#roster.join(request, handle);
  }

  ready(worker: string, ready: Ready): void {
    this.#roster.ready(worker, ready);
  }

  heartbeat(worker: string, heartbeat: Heartbeat): void {
    this.#roster.heartbeat(worker, heartbeat);
  }

  leave(worker: string, error: ToldError): void {
    this.#roster.leave(worker, error);
  }

  sessionClosed(session: string, reason: string): void {
    this.#roster.sessionClosed(session, reason);
  }

  workerOf(session: string): string {
    return this.sessions.bySession(session).worker;
  }

  judge(node: ArrivedNode): PushOutcome {
    return this.#ended || this.#stopping ? 'stale' : this.#parts.run.judge(node);
  }

  nodeArrived(worker: string, node: NodeHeader, gradient: Float32Array | undefined): PushOutcome {
    const outcome = this.judge(node);
    if (outcome !== 'accepted') return outcome;
    const fault = this.notes.faultIn(node, this.#parts);
    if (fault !== undefined) this.#end(fault);
    this.sessions.credit(worker, node, this.#parts.clock.nowMs());
    if (gradient !== undefined) {
      this.#arithmetic.add(worker, node, gradient, this.#parts.run.numLeaves);
    }
    this.#dispatch({ type: 'nodeArrived', worker, node });
    return outcome;
  }

  transferring(worker: string, kind: TransferKind, isUnderWay: boolean): void {
    this.#roster.transferring(worker, kind, isUnderWay);
  }

  parameters(version: number, average: boolean): Float32Array {
    const found = this.#evaluations.find(version);
    const parameters = average ? found?.average : found?.parameters;
    if (parameters !== undefined) return parameters;
    const { store } = this.#parts;
    throw new TesseraError(
      'STEP_STALE',
      `parameter version ${version} is gone, the run is at version ${store.version}`,
    );
  }

  status(watcher = ''): RunStatus {
    if (watcher !== '') this.sessions.watchers[this.#ended ? 'returned' : 'lost'](watcher);
    const { run, progress, clock, identity, checkpointer, store } = this.#parts;
    return describeStatus({
      run,
      progress,
      identity,
      sessions: this.sessions,
      nowMs: clock.nowMs(),
      saved: checkpointer.last,
      version: store.version,
      badSamples: this.notes.numUnreadable,
      stall: this.#stalls.text,
      failure: this.#failure,
    });
  }

  stopRun(reason: string, peer: string): StoppingRun {
    const { identity, store, log } = this.#parts;
    log.warn({ peer, reason }, 'an operator stops the run');
    const why = reason === '' ? 'stopped by an operator' : `stopped by an operator: ${reason}`;
    void this.stop(new TesseraError('CANCELLED', why));
    return { run: identity.config.name, runFolder: identity.runFolder, step: store.version };
  }

  get sessions(): Sessions {
    return this.#roster.sessions;
  }

  /** How the run is doing, in numbers. */
  get progress(): RunProgress {
    return this.#parts.progress;
  }

  // ---- events to the core, effects from it ----

  /** Hands an event to the core; events that effects cause wait for their turn. */
  #dispatch(event: CoreEvent): void {
    if (this.#ended || this.#stopping) return;
    this.#inbox.push(event);
    if (this.#handling) return;
    this.#handling = true;
    try {
      for (let next = this.#inbox.shift(); next !== undefined; next = this.#inbox.shift()) {
        for (const effect of this.#parts.run.handle(next, this.#parts.clock.nowMs())) {
          this.#perform(effect);
        }
      }
    } catch (error) {
      this.#end(TesseraError.from(error));
    } finally {
      this.#handling = false;
    }
  }

  #perform(effect: CoreEffect): void {
    switch (effect.type) {
      case 'assign':
        this.#assign(effect);
        break;
      case 'applyStep':
        this.#inBackground(() => this.#applyStep(effect));
        break;
      case 'saveCheckpoint':
        this.#inBackground(() => this.#saveCheckpoint(effect.version));
        break;
      case 'restoreVersion':
        this.#inBackground(() => this.#restoreVersion(effect.version));
        break;
      case 'reportEvaluation':
        this.#evaluations.report(effect);
        break;
      case 'dropWorker':
        this.#roster.remove(effect.worker, effect.reason);
        break;
      case 'phaseChanged':
        this.#parts.progress.stepStarted(this.#parts.clock.nowMs());
        this.#parts.onEvent({ ...effect, type: 'phase' });
        break;
      case 'fail':
        this.#end(this.#failureBy(effect.error));
        break;
      case 'finish':
        this.#end(undefined);
        break;
      default:
        effect satisfies never;
    }
  }

  #assign({ worker, assignment, reason }: Extract<CoreEffect, { type: 'assign' }>): void {
    const { sequence, kind, step, ranges } = assignment;
    this.#parts.log.debug({ worker, sequence, kind, step, ranges, reason }, 'assignment');
    this.sessions.byWorker(worker)?.handle.send({ type: 'assignment', assignment });
  }

  /** The error of a run whose workers have left with one. */
  #failureBy({ code, reason, hint }: ToldError): TesseraError {
    const { last } = this.#parts.checkpointer;
    const advice = hint === '' && code === 'NON_FINITE' ? DIVERGED_HINT : hint;
    const wayOn = last === undefined ? '' : `--resume would continue from step ${last.step}`;
    return new TesseraError(isErrorCode(code) ? code : 'INTERNAL', reason, {
      hint: [advice, wayOn].filter((part) => part !== '').join('; '),
    });
  }

  /** Starts work whose failure ends the run. */
  #inBackground(work: () => Promise<void>): void {
    this.#busy = work().catch((thrown: unknown) => {
      const error = TesseraError.from(thrown);
      this.#end(error.code === 'NON_FINITE' ? this.#failureBy(toldOf(error)) : error);
    });
  }

  async #applyStep(effect: Extract<CoreEffect, { type: 'applyStep' }>): Promise<void> {
    const { progress, clock, onEvent } = this.#parts;
    const { timings, ...step } = await this.#arithmetic.apply(effect.stepIndex, effect.totals);
    const report = progress.stepDone(
      { step: effect.stepIndex + 1, epoch: effect.epoch, ...step },
      effect.totals,
      clock.nowMs(),
    );
    if (effect.totals.samples === 0) this.notes.emptyStep(report.step);
    onEvent({ type: 'step', ...report, timings });
    this.#dispatch({ type: 'stepApplied', stepIndex: effect.stepIndex });
  }

  async #saveCheckpoint(version: number): Promise<void> {
    const { checkpointer, store, run, onEvent, log } = this.#parts;
    try {
      if (checkpointer.isLastGone)
        log.warn({ folder: checkpointer.last?.folder }, 'the newest checkpoint was removed');
      const saved = await checkpointer.save(store);
      onEvent({ type: 'checkpoint', ...saved });
    } catch (error) {
      // A full disk must not end a run that can still train; only the last save may not fail. A folder that is another's does.
      const isLost = TesseraError.from(error).code === 'RUN_IN_USE';
      if (isLost || version === run.totalSteps) throw error;
      const { sentence: reason } = TesseraError.from(error, 'CANNOT_WRITE');
      log.debug({ err: error, version }, 'checkpoint failed, the run continues');
      onEvent({ type: 'checkpointFailed', step: version, reason });
    }
    this.#dispatch({ type: 'checkpointWritten', version });
  }

  async #restoreVersion(version: number): Promise<void> {
    const isThere = await this.#evaluations.restore(version);
    this.#dispatch({ type: 'versionRestored', version, isThere });
  }

  /** Ends the run, once: every worker is sent the end and its reason. */
  #end(error: TesseraError | undefined): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#roster.close();
    this.#failure = error;
    // The caller that waits for the end reports it; the log records the time.
    if (error !== undefined) this.#parts.log.info({ code: error.code }, 'run ends early');
    for (const known of this.sessions.all()) known.handle.send(this.#farewell);
    this.#parts.onEnd(error);
  }

  get #farewell(): CoordinatorMessage {
    return { type: 'finish', ...(this.#failure === undefined ? NO_ERROR : toldOf(this.#failure)) };
  }
}
