/** @file The line of a worker to its coordinator: joins over it, and turns what comes over it into events. */
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import {
  type Assignment,
  type LogLine,
  PROTOCOL_VERSION,
  type WelcomeInfo,
} from '../shared/contract/messages.ts';
import type { Clock } from '../shared/core/clock.ts';
import { type ErrorReport, reportOf } from '../shared/core/error-report.ts';
import { assert, isPermanent, type TesseraError } from '../shared/core/errors.ts';
import type { WorkerSession } from '../shared/exchange/control-line.ts';
import type { Logger } from '../shared/machine/log.ts';
import type { LogRing } from './core/log-ring.ts';
import type { LostLine, SessionEffect, SessionEvent } from './core/messages.ts';
import type { WorkerLink } from './exchange/link.ts';
import { lostBy } from './exchange/refusals.ts';

/** What a line is made of. */
export interface LineOptions {
  readonly link: WorkerLink;
  readonly clock: Clock;
  readonly log: Logger;
  /** The newest lines of the log, for the coordinator. */
  readonly ring?: LogRing;
  /** A name for people; the coordinator makes it unique. */
  readonly name: string;
}

/** The worker at its end of the line. */
export interface LineUser {
  readonly isStopped: boolean;
  /** What the worker has built so far. */
  readonly built: { readonly engine: string; readonly modelFingerprint: string };
  /** Leaves of the whole round of an assignment. */
  numLeaves(assignment: Assignment): number;
  dispatch(event: SessionEvent): void;
}

/** One session stream after the other. */
export class Line {
  readonly #options: LineOptions;
  readonly #user: LineUser;
  readonly #instance = randomUUID();
  /** The session stream that is open, or was last. */
  stream: WorkerSession | undefined;
  #welcome: WelcomeInfo | undefined;
  /** Why there is no line to the coordinator, as far as that has been logged. */
  #loggedLoss: string | undefined;

  constructor(options: LineOptions, user: LineUser) {
    this.#options = options;
    this.#user = user;
  }

  /** The newest welcome. */
  get joined(): WelcomeInfo {
    assert(this.#welcome !== undefined, 'the coordinator has welcomed this worker');
    return this.#welcome;
  }

  /** Lines of the log for a message; a coordinator of an older version takes none. */
  logFor(which: 'oldest' | 'newest'): readonly LogLine[] | undefined {
    if (this.#welcome?.takesLog !== true) return undefined;
    return this.#options.ring?.[which](this.#options.clock.nowMs());
  }

  /** Says goodbye, because of an error or without one. */
  leave(error: ErrorReport): void {
    this.stream?.sendLeave({ ...error, log: this.logFor('newest') });
  }

  /** Closes the old stream, and after a pause joins over a new one. */
  async connect({ afterMs, lost }: Extract<SessionEffect, { type: 'connect' }>): Promise<void> {
    const { link, clock, name } = this.#options;
    const user = this.#user;
    this.stream?.close();
    if (lost !== undefined) this.#logLoss(lost);
    await clock.sleep(afterMs);
    if (user.isStopped) return;
    const stream = link.openSession(
      {
        protocolVersion: PROTOCOL_VERSION,
        name,
        instance: this.#instance,
        host: hostname(),
        pid: process.pid,
        ...user.built,
      },
      {
        onWelcome: (welcome) => {
          this.#welcome = welcome;
          const { runId: run, modelFingerprint, heartbeatMs, silenceMs } = welcome;
          if (this.#loggedLoss !== undefined) this.#options.log.info('joined');
          this.#loggedLoss = undefined;
          user.dispatch({ type: 'welcomed', run, modelFingerprint, heartbeatMs, silenceMs });
        },
        onAssignment: (assignment) => {
          const numLeaves = user.numLeaves(assignment);
          user.dispatch({ type: 'assigned', assignment, numLeaves });
        },
        onAlive: (log) => {
          this.#options.ring?.acknowledge(log);
          user.dispatch({ type: 'alive' });
        },
        onFinish: (end) => {
          const reason = end.code === '' ? '' : `the run has ended early: ${end.reason}`;
          user.dispatch({ type: 'finished', ...end, reason });
        },
        onClosed: (error) => {
          if (this.stream === stream) this.#closed(error);
        },
      },
    );
    this.stream = stream;
  }

  #closed(error: TesseraError | undefined): void {
    const isRefused = error !== undefined && isPermanent(error.code);
    if (isRefused) this.#user.dispatch({ type: 'refused', ...reportOf(error) });
    else this.#user.dispatch({ type: 'connectionLost', ...lostBy(error) });
  }

  /** As a warning once, not at each of the attempts that follow. */
  #logLoss(lost: LostLine): void {
    const kind = lost.code ?? 'unreachable';
    const level = kind === this.#loggedLoss ? 'debug' : 'warn';
    this.#loggedLoss = kind;
    this.#options.log[level](lost, 'no connection to the coordinator, trying again');
  }
}
