/** @file The workers of a run as they come and go: who is let in, who is gone, and what is said of that. */
import type {
  Heartbeat,
  JoinRequest,
  Leave,
  Ready,
  WelcomeInfo,
} from '../../shared/contract/messages.ts';
import type { Clock } from '../../shared/core/clock.ts';
import { isAboutRun, TesseraError } from '../../shared/core/errors.ts';
import type { DataSource } from '../../shared/data/source.ts';
import type { Logger } from '../../shared/machine/log.ts';
import type { RunEvent } from '../../shared/runs/events.ts';
import type { RunIdentity } from '../../shared/runs/identity.ts';
import type { Failure } from '../core/failures.ts';
import type { CoreEvent } from '../core/messages.ts';
import type { Run } from '../core/run.ts';
import { refuseJoin, refuseModel, welcomeOf } from './join-rules.ts';
import {
  type ConnectedWorker,
  type SessionHandle,
  Sessions,
  type TransferKind,
} from './sessions.ts';
import { WorkerLogs } from './worker-logs.ts';

/** What a roster works with. */
export interface RosterParts {
  readonly identity: RunIdentity;
  readonly source: DataSource;
  /** What a worker that is lost held is counted. */
  readonly run: Pick<Run, 'heldBy'>;
  /** Remembers the engines that took part. */
  readonly notes: { engine(id: string, processor: string): void };
  readonly clock: Clock;
  readonly log: Logger;
  readonly onEvent: (event: RunEvent) => void;
  /** Dispatches to the core; does nothing once the run has ended. */
  readonly dispatch: (event: CoreEvent) => void;
}

/** A worker that is not there, and why. */
export interface Departure {
  readonly who: string;
  readonly reason: string;
  readonly atMs: number;
}

/** Keeps the sessions, and reports them to the core and the operator. */
export class Roster {
  readonly sessions: Sessions;
  readonly #parts: RosterParts;
  readonly #logs: WorkerLogs;
  /** The last worker that went, and the last one that was not let in. */
  gone: Departure | undefined;
  refused: Departure | undefined;
  /** The run is over: closed sessions no longer count as lost. */
  #isClosed = false;

  constructor(parts: RosterParts) {
    this.#parts = parts;
    this.#logs = new WorkerLogs(parts);
    this.sessions = new Sessions(parts.identity.config.limits.workersMax, parts.clock);
  }

  /** Takes a worker in. Throws  what refuses it. */
  join(request: JoinRequest, handle: SessionHandle): WelcomeInfo {
    const { identity, source, dispatch } = this.#parts;
    const { added, replaced } = this.#letIn(request, handle);
    if (replaced !== undefined) {
      replaced.handle.close();
      dispatch({ type: 'workerGone', worker: replaced.worker });
    }
    this.#report(added, 'joined', `${added.engine} on ${added.host}`);
    return welcomeOf(added, identity, source);
  }

  #letIn(request: JoinRequest, handle: SessionHandle): ReturnType<Sessions['add']> {
    const { identity, clock } = this.#parts;
    try {
      refuseJoin(request, identity);
      return this.sessions.add(request, handle, clock.nowMs());
    } catch (error) {
      const { code, sentence } = TesseraError.from(error);
      const who = `${request.name || 'a worker'} on ${request.host}`;
      this.refused = { who, reason: `${code}: ${sentence}`, atMs: clock.nowMs() };
      throw error;
    }
  }

  /** A worker has compiled the model. Throws  what refuses it. */
  ready(worker: string, ready: Ready): void {
    const { identity, clock, notes, dispatch } = this.#parts;
    const { engine, engineId, processor, slots, devices } = ready;
    refuseModel(ready.modelFingerprint, identity);
    const known = this.sessions.byWorker(worker);
    if (known === undefined) return;
    known.ready = true;
    known.engine = engine;
    known.devices = devices;
    known.lastMessageMs = clock.nowMs();
    this.sessions.peak = Math.max(this.sessions.peak, this.sessions.numReady);
    notes.engine(engineId, processor);
    this.#report(known, 'ready', engine, { engine: engineId, processor });
    dispatch({ type: 'workerReady', worker, slots });
  }

  heartbeat(worker: string, heartbeat: Heartbeat): void {
    const { assignment, leavesOpen, error, devices, memoryBytes, log } = heartbeat;
    const { clock, dispatch } = this.#parts;
    const known = this.sessions.byWorker(worker);
    if (known === undefined) return;
    known.lastMessageMs = clock.nowMs();
    known.lastError = error;
    known.devices = devices ?? known.devices;
    known.memoryBytes = memoryBytes ?? 0;
    known.handle.send({ type: 'alive', log: this.#logs.take(known, log) });
    if (known.ready) dispatch({ type: 'heartbeat', worker, assignment, leavesOpen });
  }

  transferring(worker: string, kind: TransferKind, isUnderWay: boolean): void {
    const known = this.sessions.byWorker(worker);
    if (known === undefined) return;
    if (isUnderWay) known.transfers.set(kind, this.#parts.clock.nowMs());
    else known.transfers.delete(kind);
  }

  leave(worker: string, { log, ...error }: Leave): void {
    const known = this.#end(worker);
    if (known === undefined) return;
    this.#logs.take(known, log);
    // Those of a run that is over are its own end, as it was sent to them.
    if (error.code !== '' && !this.#isClosed) this.#logs.lastWords(known, error);
    const failure = isAboutRun(error.code) ? { by: known.role, error } : undefined;
    this.#gone(known, 'left', error.code === '' ? '' : error.reason, failure);
  }

  sessionClosed(session: string, reason: string): void {
    const known = this.sessions.remove(session);
    if (known !== undefined) this.#gone(known, 'lost', reason);
  }

  /** Ends the session of a worker that is lost. */
  remove(worker: string, reason: string): void {
    const known = this.#end(worker);
    if (known !== undefined) this.#gone(known, 'lost', reason);
  }

  /** The core knows only ready workers; others must send messages too, or they would hold a slot for nothing. */
  dropSilentNewcomers(): void {
    const { clock, identity } = this.#parts;
    for (const known of this.sessions.all()) {
      const silentMs = clock.nowMs() - known.lastMessageMs;
      if (known.ready || silentMs <= identity.config.cluster.silenceMs) continue;
      this.remove(known.worker, `no message for ${Math.round(silentMs)} ms, and never ready`);
    }
  }

  /** The run is over: who goes from now on goes because of that. */
  close(): void {
    this.#isClosed = true;
  }

  /** Ends the session of a worker; undefined where it has none. */
  #end(worker: string): ConnectedWorker | undefined {
    const known = this.sessions.byWorker(worker);
    if (known === undefined) return undefined;
    known.handle.close();
    return this.sessions.remove(known.session);
  }

  /** `failure` is the error that it left with, where that is about the run. */
  #gone(known: ConnectedWorker, what: 'left' | 'lost', reason: string, failure?: Failure): void {
    this.#logs.gone(known);
    if (this.#isClosed) return;
    const { worker, instance } = known;
    const words =
      what === 'lost' ? reason : ['left', reason].filter((word) => word !== '').join(': ');
    this.gone = { who: worker, reason: words, atMs: this.#parts.clock.nowMs() };
    if (what === 'lost') this.sessions.absent.lost(instance);
    const held = what === 'lost' ? this.#parts.run.heldBy(worker)?.leaves : undefined;
    const leaves = held?.reduce((sum, range) => sum + range.count, 0);
    this.#report(known, what, reason, { ...(leaves !== undefined && { leaves }) });
    this.#parts.dispatch({ type: 'workerGone', worker, ...(failure && { failure }) });
  }

  #report(
    known: ConnectedWorker,
    what: 'joined' | 'ready' | 'lost' | 'left',
    reason: string,
    {
      engine = '',
      processor = '',
      ...others
    }: { readonly engine?: string; readonly processor?: string; readonly leaves?: number } = {},
  ): void {
    const { log, onEvent } = this.#parts;
    const workers = this.sessions.all().length;
    log.info({ worker: known.worker, reason, workers }, `worker ${what}`);
    const { worker, host } = known;
    const computing = { ...(engine && { engine }), ...(processor && { processor }) };
    onEvent({ type: 'worker', worker, what, reason, workers, host, ...computing, ...others });
  }
}
