/** @file Who is connected: sessions, the workers behind them, and their names. */

import { randomUUID } from 'node:crypto';
import type {
  CoordinatorMessage,
  JoinRequest,
  NodeHeader,
  WorkerDevices,
} from '../../shared/contract/messages.ts';
import type { Clock } from '../../shared/core/clock.ts';
import { type ErrorReport, NO_ERROR } from '../../shared/core/error-report.ts';
import { TesseraError } from '../../shared/core/errors.ts';
import { Absent } from './recently-lost.ts';

/** The coordinator's end of one worker's session. */
export interface SessionHandle {
  /** Sends without waiting; a session that does not read is closed. */
  send(message: CoordinatorMessage): void;
  /** Ends the session, with the reason if it is a refusal; what was sent before still arrives. */
  close(error?: TesseraError): void;
}

/** What travels in bulk. */
export type TransferKind = 'pushes' | 'pulls';

/** One worker of the run and its open session. */
export interface ConnectedWorker {
  readonly worker: string;
  readonly session: string;
  readonly instance: string;
  /** The same for a process that is started in its place: the name that it was given, else its machine. */
  readonly role: string;
  readonly host: string;
  readonly pid: number;
  readonly joinedMs: number;
  readonly handle: SessionHandle;
  engine: string;
  ready: boolean;
  /** As its last message had them. */
  devices: WorkerDevices | undefined;
  /** Resident memory of its process, by its last heartbeat; 0 if unknown. */
  memoryBytes: number;
  lastMessageMs: number;
  leavesDone: number;
  /** Pulls and pushes under way, and since when. */
  readonly transfers: Map<TransferKind, number>;
  /** The last error after which it tries again, by its last heartbeat. */
  lastError: Omit<ErrorReport, 'hint'>;
}

/** The open sessions of a run, by session secret and by worker. */
export class Sessions {
  /** Those whose line broke. */
  readonly absent: Absent;
  /** Callers that poll the status, and should receive the end of the run. */
  readonly watchers: Absent;
  readonly #bySession = new Map<string, ConnectedWorker>();
  readonly #byWorker = new Map<string, ConnectedWorker>();
  readonly #limit: number;
  #joins = 0;
  /** Most workers that were ready at one time. */
  peak = 0;

  constructor(limit: number, clock: Clock) {
    this.#limit = limit;
    this.absent = new Absent(clock);
    this.watchers = new Absent(clock);
  }

  /**
   * Takes a worker in. A process that comes back (same `instance`) keeps its name and replaces its old session.
   *
   * Throws  RUN_FULL when there are as many workers as the run may have.
   */
  add(
    request: JoinRequest,
    handle: SessionHandle,
    nowMs: number,
  ): { added: ConnectedWorker; replaced: ConnectedWorker | undefined } {
    const replaced = [...this.#byWorker.values()].find(
      (known) => known.instance === request.instance,
    );
    if (replaced === undefined && this.#byWorker.size >= this.#limit) {
      throw new TesseraError('RUN_FULL', `the run has ${this.#limit} workers already`, {
        hint: 'raise limits.workersMax, or wait until one leaves',
      });
    }
    if (replaced !== undefined) this.remove(replaced.session);
    this.#joins += 1;
    const added: ConnectedWorker = {
      worker: replaced?.worker ?? this.#freeName(request.name),
      session: randomUUID(),
      instance: request.instance,
      role: request.name === '' ? `a worker on ${request.host}` : request.name,
      host: request.host,
      pid: request.pid,
      joinedMs: nowMs,
      handle,
      engine: request.engine,
      ready: false,
      devices: undefined,
      memoryBytes: 0,
      lastMessageMs: nowMs,
      leavesDone: 0,
      transfers: new Map(),
      lastError: NO_ERROR,
    };
    this.#bySession.set(added.session, added);
    this.#byWorker.set(added.worker, added);
    return { added, replaced };
  }

  /** Removes a session; returns its worker, if it was open. */
  remove(session: string): ConnectedWorker | undefined {
    const known = this.#bySession.get(session);
    if (known === undefined) return undefined;
    this.#bySession.delete(session);
    this.#byWorker.delete(known.worker);
    return known;
  }

  /**
   * The worker of a session.
   *
   * Throws  SESSION_UNKNOWN when the session is not open: the worker must join again.
   */
  bySession(session: string): ConnectedWorker {
    const known = this.#bySession.get(session);
    if (known !== undefined) return known;
    throw new TesseraError('SESSION_UNKNOWN', 'this session is not open (any more)', {
      hint: 'the worker joins again by itself',
    });
  }

  byWorker(worker: string): ConnectedWorker | undefined {
    return this.#byWorker.get(worker);
  }

  /** Notes that a worker has brought a node. */
  credit(worker: string, node: NodeHeader, nowMs: number): void {
    const known = this.#byWorker.get(worker);
    if (known === undefined) return;
    known.leavesDone += node.count;
    known.lastMessageMs = nowMs;
  }

  /** Workers that have compiled the model. */
  get numReady(): number {
    return this.all().filter((known) => known.ready).length;
  }

  /** All connected workers, by name. */
  all(): ConnectedWorker[] {
    return [...this.#byWorker.values()].sort((a, b) => (a.worker < b.worker ? -1 : 1));
  }

  #freeName(wanted: string): string {
    if (wanted !== '' && !this.#byWorker.has(wanted)) return wanted;
    for (let number = this.#joins; ; number += 1) {
      const name = wanted === '' ? `w${number}` : `${wanted}-${number}`;
      if (!this.#byWorker.has(name)) return name;
    }
  }
}
