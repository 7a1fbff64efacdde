/** @file Watches the workers of a run: their pace, who is slow, who is waited for. It decides nothing about the run. */
import type { NodeHeader } from '../../shared/contract/messages.ts';
import type { Clock } from '../../shared/core/clock.ts';
import type { LeafRange } from '../../shared/core/work.ts';
import type { Logger } from '../../shared/machine/log.ts';
import type { Activity } from '../../shared/runs/activity.ts';
import type { RunEvent, WorkersReport } from '../../shared/runs/events.ts';
import type { CoreEffect } from '../core/messages.ts';
import type { Run } from '../core/run.ts';
import type { Roster } from '../workers/roster.ts';
import { RoundClock, waitingText } from './waiting.ts';
import { type Pace, WorkerPace } from './worker-pace.ts';

/** What is watched, and where it is reported. */
export interface WatchParts {
  readonly run: Run;
  readonly roster: Roster;
  readonly clock: Clock;
  readonly log: Logger;
  readonly onEvent: (event: RunEvent) => void;
  /** Of each assignment and each node, where something looks at them. */
  readonly onActivity?: ((activity: Activity) => void) | undefined;
}

/** A worker is named as slow at most this often; the status has it at any time. */
const AGAIN_MS = 10 * 60_000;
/** A record of all workers each so often for each eight of them: 60 MB a day at most. */
const REPORT_MS = 10_000;
const REPORT_WORKERS = 8;

/** Watches all workers of one run. */
export class WorkerWatch {
  readonly #parts: WatchParts;
  readonly #pace = new WorkerPace();
  readonly #rounds = new RoundClock();
  /** Why each slow worker counts as slow. */
  readonly #slow = new Map<string, string>();
  /** When each worker was last named as slow, and whether its end was said. */
  readonly #named = new Map<string, { readonly atMs: number; readonly isOver: boolean }>();
  #reportedMs: number;

  constructor(parts: WatchParts) {
    this.#parts = parts;
    this.#reportedMs = parts.clock.nowMs();
  }

  assigned({ worker, assignment, reason }: Extract<CoreEffect, { type: 'assign' }>): void {
    const { kind, step, ranges } = assignment;
    if (ranges.length > 0) this.#rounds.began(`${kind} ${step}`, this.#parts.clock.nowMs());
    this.#parts.onActivity?.({ type: 'assigned', worker, kind, step, ranges, reason });
  }

  delivered(worker: string, node: NodeHeader): void {
    const { kind, step, first, count, samples, timings } = node;
    this.#pace.delivered(worker, node, this.#parts.clock.nowMs());
    const place = { worker, kind, step, first, count };
    this.#parts.onActivity?.({ type: 'delivered', ...place, samples, timings });
  }

  /** All nodes of a step are in. */
  roundEnded(): void {
    this.#rounds.ended(this.#parts.clock.nowMs());
  }

  stepDone(step: number): void {
    const { roster, clock, log, onEvent } = this.#parts;
    const here = new Set(roster.sessions.all().map(({ worker }) => worker));
    this.#pace.keep(here);
    for (const worker of this.#slow.keys()) if (!here.has(worker)) this.#slow.delete(worker);
    for (const { worker, state, ratio, sentence } of this.#pace.stepDone()) {
      if (state === 'raised') this.#slow.set(worker, sentence);
      else this.#slow.delete(worker);
      log.info({ worker, ratio, state }, 'pace of a worker');
      // The event reports it to users.
      if (this.#isNews(worker, state)) {
        onEvent({ type: 'slowWorker', step, worker, state, ratio, sentence });
      }
    }
    const everyMs = REPORT_MS * Math.ceil(here.size / REPORT_WORKERS);
    if (clock.nowMs() - this.#reportedMs < everyMs) return;
    this.#reportedMs = clock.nowMs();
    onEvent({ type: 'workers', step, workers: this.#report() });
  }

  /** A busy neighbour makes a worker slow again and again: that is said once in a while, and its end if that was. */
  #isNews(worker: string, state: 'raised' | 'over'): boolean {
    const nowMs = this.#parts.clock.nowMs();
    const named = this.#named.get(worker);
    if (state === 'over') {
      const isSaid = named?.isOver === false;
      if (isSaid) this.#named.set(worker, { ...named, isOver: true });
      return isSaid;
    }
    if (named !== undefined && nowMs - named.atMs < AGAIN_MS) return false;
    this.#named.set(worker, { atMs: nowMs, isOver: false });
    return true;
  }

  /** Why a worker counts as slow; '' if it does not. */
  whySlow(worker: string): string {
    return this.#slow.get(worker) ?? '';
  }

  paceOf(worker: string): Pace {
    const holdsWork = this.#parts.run.heldBy(worker) !== undefined;
    return this.#pace.of(worker, holdsWork, this.#parts.clock.nowMs());
  }

  /** Which worker the others wait for; '' while nothing is late. */
  get waitingFor(): string {
    const { run, roster, clock } = this.#parts;
    const { task, version, leaves } = run.work;
    if (leaves === undefined || leaves.open === 0) return '';
    const what = task === 'train' ? `step ${version + 1}` : 'the evaluation';
    const holders = roster.sessions.all().flatMap(({ worker, host }) => {
      const held = run.heldBy(worker);
      return held === undefined ? [] : [{ worker, host, numLeaves: numLeaves(held.leaves) }];
    });
    return waitingText(what, this.#rounds.lateMs(clock.nowMs()), holders);
  }

  #report(): WorkersReport {
    return this.#parts.roster.sessions.all().map(({ worker, memoryBytes, devices }) => {
      const { imagesPerSecond, shares } = this.paceOf(worker);
      const deviceBytes = devices?.bytesInUse ?? 0;
      return { worker, imagesPerSecond, ...shares, memoryBytes, deviceBytes };
    });
  }
}

const numLeaves = (ranges: readonly LeafRange[]) =>
  ranges.reduce((sum, { count }) => sum + count, 0);
