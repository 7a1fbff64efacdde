/** @file What a run has done so far, counted from its events: for Prometheus. Pure. */
import type { Activity } from '../../shared/runs/activity.ts';
import type { TimedEvent } from '../../shared/runs/events.ts';
import { LANE_PARTS, type LanePart } from '../../shared/runs/reader/lanes.ts';
import { Histogram } from '../http/exposition.ts';

/** Upper bounds of the buckets. Units  seconds. */
const STEP_SECONDS = [0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100] as const;
/** Workers whose time is counted; more would be labels without end. */
const WORKERS_MAX = 256;
const PARTS = LANE_PARTS.map((part) => [part, `${part}Ms`] as const);

/** Counts since this process began. */
export class RunCounts {
  readonly stepSeconds = new Histogram(STEP_SECONDS);
  readonly #workers = new Map<string, Record<LanePart, number>>();
  readonly workerEvents = { joined: 0, ready: 0, lost: 0, left: 0 };
  leavesLost = 0;
  checkpoints = 0;
  checkpointFailures = 0;
  stalls = 0;
  checkpointBytes = 0;
  /** Of the newest step; of the first event before there is one. */
  lastStepMs: number | undefined;
  lastCheckpointMs: number | undefined;

  event(event: TimedEvent): void {
    // Before the first step, the time since the beginning counts.
    this.lastStepMs ??= Date.parse(event.time);
    switch (event.type) {
      case 'step':
        this.lastStepMs = Date.parse(event.time);
        if (Number.isFinite(event.timings.wallMs))
          this.stepSeconds.add(event.timings.wallMs / 1000);
        return;
      case 'checkpoint':
        this.checkpoints += 1;
        this.checkpointBytes = event.bytes;
        this.lastCheckpointMs = Date.parse(event.time);
        return;
      case 'checkpointFailed':
        this.checkpointFailures += 1;
        return;
      case 'stall':
        this.stalls += 1;
        return;
      case 'worker':
        this.#worker(event);
    }
  }

  #worker({ worker, what, leaves = 0 }: Extract<TimedEvent, { type: 'worker' }>): void {
    this.workerEvents[what] += 1;
    if (what === 'lost') this.leavesLost += leaves;
    // Its series ends with it: one of its name that comes back begins at zero again.
    if (what === 'lost' || what === 'left') this.#workers.delete(worker);
  }

  activity(activity: Activity): void {
    if (activity.type !== 'delivered') return;
    const { worker, timings } = activity;
    const parts = this.#workers.get(worker) ?? this.#added(worker);
    if (parts === undefined) return;
    for (const [part, name] of PARTS) parts[part] += Math.max(0, timings[name]) / 1000;
  }

  #added(worker: string): Record<LanePart, number> | undefined {
    if (this.#workers.size >= WORKERS_MAX) return undefined;
    const parts = { idle: 0, pull: 0, fetch: 0, compute: 0, push: 0 };
    this.#workers.set(worker, parts);
    return parts;
  }

  /** Seconds by worker and part, of workers that are there. */
  get workerSeconds(): ReadonlyMap<string, Readonly<Record<LanePart, number>>> {
    return this.#workers;
  }
}
