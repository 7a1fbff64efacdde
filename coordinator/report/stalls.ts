/** @file Reports a stalled run and the reason: in the terminal, in the log, and in the status. */
import type { Clock } from '../../shared/core/clock.ts';
import type { Logger } from '../../shared/machine/log.ts';
import { checkpointsFolder } from '../../shared/runs/checkpoint/layout.ts';
import type { RunEvent } from '../../shared/runs/events.ts';
import type { RunIdentity } from '../../shared/runs/identity.ts';
import type { Run } from '../core/run.ts';
import { StallWatch } from '../core/stall.ts';
import { type Absence, type StalledWorker, stallText } from '../core/stall-text.ts';
import type { Departure, Roster } from '../workers/roster.ts';
import type { ConnectedWorker } from '../workers/sessions.ts';
import { errorText } from './status.ts';

/** What stalls are seen by. */
export interface StallParts {
  readonly identity: RunIdentity;
  readonly run: Run;
  readonly roster: Roster;
  readonly clock: Clock;
  readonly log: Logger;
  readonly onEvent: (event: RunEvent) => void;
}

/** Watches a run. The text is made when it is said or asked for, not at each tick. */
export class Stalls {
  readonly #parts: StallParts;
  readonly #watch: StallWatch;

  constructor(parts: StallParts) {
    this.#parts = parts;
    this.#watch = new StallWatch(parts.identity.config.cluster, parts.clock.nowMs());
  }

  /** Why nothing moves; '' while the run moves. */
  get text(): string {
    return this.#watch.isStalled ? this.#describe(this.#parts.clock.nowMs()) : '';
  }

  /** Lets time pass. */
  tick(): void {
    const { run, clock, log, onEvent } = this.#parts;
    const nowMs = clock.nowMs();
    const news = this.#watch.tick(run.work, nowMs);
    if (news === undefined) return;
    const seconds = news.afterMs / 1000;
    if (news.say === 'over') {
      log.info({ seconds }, 'the run moves again');
      onEvent({ type: 'stallOver', seconds });
      return;
    }
    const sentence = this.#describe(nowMs);
    // The event reports it to users.
    log.info({ seconds, sentence }, 'the run is stalled');
    onEvent({ type: 'stall', seconds, sentence });
  }

  #describe(nowMs: number): string {
    const { run, roster, identity } = this.#parts;
    const { gone, refused } = roster;
    const absence = (event: Departure | undefined): Absence | undefined =>
      event && { who: event.who, reason: event.reason, agoMs: nowMs - event.atMs };
    return stallText({
      work: run.work,
      stalledMs: this.#watch.stalledMs(nowMs),
      workers: roster.sessions.all().map((known) => stalledWorker(known, run, nowMs)),
      gone: absence(gone),
      refused: absence(refused),
      place: checkpointsFolder(identity.runFolder),
    });
  }
}

function stalledWorker(known: ConnectedWorker, run: Run, nowMs: number): StalledWorker {
  const held = run.heldBy(known.worker);
  return {
    worker: known.worker,
    state: known.ready ? (held === undefined ? 'idle' : 'holding') : 'preparing',
    sinceMs: nowMs - (held?.sinceMs ?? known.joinedMs),
    silentMs: nowMs - known.lastMessageMs,
    leaves: held?.leaves ?? [],
    transfers: [...known.transfers].map(([kind, sinceMs]) => ({ kind, sinceMs: nowMs - sinceMs })),
    lastError: errorText(known),
  };
}
