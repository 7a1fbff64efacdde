/**
 * @file Carries the core's decisions out: events in, core, effects out.
 *
 * The loop owns what the core must not: tensors, sessions, the clock, the disk. It decides nothing
 * about the run. Contract with the core: effects are performed in order, one event at a time; work
 * that takes long (sum, optimizer, checkpoint) is started and comes back as an event.
 */
import type { CoordinatorMessage } from '../shared/contract/messages.ts';
import { type Clock, wasSuspended } from '../shared/core/clock.ts';
import { DIVERGED_HINT } from '../shared/core/divergence.ts';
import { type ErrorReport, NO_ERROR, reportOf } from '../shared/core/error-report.ts';
import { isErrorCode, TesseraError } from '../shared/core/errors.ts';
import type { DataSource } from '../shared/data/source.ts';
import type { Disk } from '../shared/files/disk.ts';
import type { Logger } from '../shared/machine/log.ts';
import type { Activity } from '../shared/runs/activity.ts';
import type { Checkpointer } from '../shared/runs/checkpoint/checkpointer.ts';
import type { RunEvent } from '../shared/runs/events.ts';
import type { RunIdentity } from '../shared/runs/identity.ts';
import type { HeldLock } from '../shared/runs/lock/lock.ts';
import type { SpotReport } from '../shared/runs/spot.ts';
import type { CoreEffect, CoreEvent } from './core/messages.ts';
import type { Run } from './core/run.ts';
import type { Delays } from './report/delays.ts';
import { RunWarnings } from './report/run-warnings.ts';
import { Stalls } from './report/stalls.ts';
import { WorkerWatch } from './report/worker-watch.ts';
import { Evaluations } from './step/evaluations.ts';
import type { ParameterStore } from './step/parameters.ts';
import type { RunProgress } from './step/progress.ts';
import { StepArithmetic } from './step/step.ts';
import { VersionWaits } from './step/version-waits.ts';
import { Roster } from './workers/roster.ts';

/** What a coordinator works with. */
export interface DriverParts {
  readonly identity: RunIdentity;
  readonly run: Run;
  readonly store: ParameterStore;
  readonly source: DataSource;
  readonly checkpointer: Checkpointer;
  /** Where the run's executables are kept, and what is asked before that; the machine's disk unless given. */
  readonly disk?: Disk | undefined;
  readonly lock?: Pick<HeldLock, 'confirm'> | undefined;
  readonly progress: RunProgress;
  readonly clock: Clock;
  readonly log: Logger;
  /** Of the main thread, where something looks at them. */
  readonly delays?: () => Delays;
  /** What has happened to the run beside training, over all its lives. */
  readonly spot?: () => SpotReport;
  /** Those that have begun and are not over, where something looks for them. */
  readonly alarms?: () => readonly string[];
  readonly onEvent: (event: RunEvent) => void;
  /** Gets what workers do, where something looks at it. */
  readonly onActivity?: ((activity: Activity) => void) | undefined;
  /** Called once, when the run has ended: with the error, if it failed. */
  readonly onEnd: (error: TesseraError | undefined) => void;
}

/** The loop of one run, and what its effects change. */
export class RunLoop {
  readonly notes: RunWarnings;
  readonly roster: Roster;
  readonly stalls: Stalls;
  readonly watch: WorkerWatch;
  readonly arithmetic: StepArithmetic;
  readonly evaluations: Evaluations;
  /** Pulls that have come before their version. */
  readonly waits: VersionWaits;
  readonly #parts: DriverParts;
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
    this.notes = new RunWarnings(parts.log, parts.onEvent);
    this.evaluations = new Evaluations(parts);
    this.waits = new VersionWaits(parts.clock);
    const { config } = parts.identity;
    this.arithmetic = new StepArithmetic(parts.store, config, parts.run.totalSteps);
    this.roster = new Roster({ ...parts, notes: this.notes, dispatch: this.dispatch });
    this.stalls = new Stalls({ ...parts, roster: this.roster });
    this.watch = new WorkerWatch({ ...parts, roster: this.roster });
  }

  /** Whether the run takes events: it has not ended, and is not about to. */
  get isOpen(): boolean {
    return !this.#ended && !this.#stopping;
  }

  get hasEnded(): boolean {
    return this.#ended;
  }

  /** Why the run ended early. */
  get failure(): TesseraError | undefined {
    return this.#failure;
  }

  /** Lets time pass: silent workers and lapsed leases are noticed. */
  tick(): void {
    const { clock, identity } = this.#parts;
    const sinceMs = clock.nowMs() - this.#tickedMs;
    this.#tickedMs += sinceMs;
    if (wasSuspended(sinceMs, identity.config.cluster.silenceMs)) return;
    this.roster.dropSilentNewcomers();
    this.dispatch({ type: 'tick', numConnected: this.roster.sessions.all().length });
    if (this.isOpen) this.stalls.tick();
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
    this.end(reason);
  }

  /** Hands an event to the core; events that effects cause wait for their turn. */
  readonly dispatch = (event: CoreEvent): void => {
    if (!this.isOpen) return;
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
      this.end(TesseraError.from(error));
    } finally {
      this.#handling = false;
    }
  };

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
        this.evaluations.report(effect);
        break;
      case 'dropWorker':
        this.roster.remove(effect.worker, effect.reason);
        break;
      case 'phaseChanged':
        this.#parts.progress.stepStarted(this.#parts.clock.nowMs());
        this.#parts.onEvent({ ...effect, type: 'phase' });
        break;
      case 'fail':
        this.end(this.#failureBy(effect.error));
        break;
      case 'finish':
        this.end(undefined);
        break;
      default:
        effect satisfies never;
    }
  }

  #assign(effect: Extract<CoreEffect, { type: 'assign' }>): void {
    const { worker, assignment, reason } = effect;
    const { sequence, kind, step, ranges } = assignment;
    this.#parts.log.debug({ worker, sequence, kind, step, ranges, reason }, 'assignment');
    this.roster.sessions.byWorker(worker)?.handle.send({ type: 'assignment', assignment });
    this.watch.assigned(effect);
  }

  /** The error of a run whose workers have left with one. */
  #failureBy({ code, reason, hint }: ErrorReport): TesseraError {
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
      this.end(error.code === 'NON_FINITE' ? this.#failureBy(reportOf(error)) : error);
    });
  }

  async #applyStep(effect: Extract<CoreEffect, { type: 'applyStep' }>): Promise<void> {
    const { progress, clock, onEvent } = this.#parts;
    const { stepIndex, totals } = effect;
    this.watch.roundEnded();
    const { timings, parameterSums, ...step } = await this.arithmetic.apply(
      stepIndex,
      totals,
      progress.plateau.cuts,
    );
    this.waits.reached(stepIndex + 1);
    const report = progress.stepDone(
      { step: stepIndex + 1, epoch: effect.epoch, ...step },
      totals,
      clock.nowMs(),
    );
    if (totals.samples === 0) this.notes.emptyStep(report.step);
    onEvent({ type: 'step', ...report, timings, parameterSums });
    this.watch.stepDone(report.step);
    this.dispatch({ type: 'stepApplied', stepIndex });
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
    this.dispatch({ type: 'checkpointWritten', version });
  }

  async #restoreVersion(version: number): Promise<void> {
    const isThere = await this.evaluations.restore(version);
    this.dispatch({ type: 'versionRestored', version, isThere });
  }

  /** Ends the run, once: every worker is sent the end and its reason. */
  end(error: TesseraError | undefined): void {
    if (this.#ended) return;
    this.#ended = true;
    this.waits.close();
    this.roster.close();
    this.#failure = error;
    // The caller that waits for the end reports it; the log records the time.
    if (error !== undefined) this.#parts.log.info({ code: error.code }, 'run ends early');
    for (const known of this.roster.sessions.all()) known.handle.send(this.farewell);
    this.#parts.onEnd(error);
  }

  /** What a worker is sent when the run is over. */
  get farewell(): CoordinatorMessage {
    return {
      type: 'finish',
      ...(this.#failure === undefined ? NO_ERROR : reportOf(this.#failure)),
    };
  }
}
