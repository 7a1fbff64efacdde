/** @file Where the time of a step goes, from the workers' reports and the coordinator's own clock. */

import { performance } from 'node:perf_hooks';
import type { WorkerTimings } from '../../shared/contract/messages.ts';
import type { StepTimings } from '../../shared/runs/events.ts';

const ZERO: WorkerTimings = { pullMs: 0, fetchMs: 0, computeMs: 0, pushMs: 0, idleMs: 0 };

/** Adds up one step's times. */
export class StepStopwatch {
  #startedMs = performance.now();
  #loop = performance.eventLoopUtilization();
  #workers = new Map<string, WorkerTimings>();
  #sumMs = 0;
  #optimizerMs = 0;

  /** Notes a worker's report; a worker that pushes several nodes reports several times. */
  reported(worker: string, timings: WorkerTimings): void {
    const before = this.#workers.get(worker) ?? ZERO;
    this.#workers.set(worker, {
      pullMs: before.pullMs + timings.pullMs,
      fetchMs: before.fetchMs + timings.fetchMs,
      computeMs: before.computeMs + timings.computeMs,
      pushMs: before.pushMs + timings.pushMs,
      idleMs: before.idleMs + timings.idleMs,
    });
  }

  /** Runs `work` and counts its time as summing or as the optimizer's. */
  async measure<T>(part: 'sum' | 'optimizer', work: () => Promise<T> | T): Promise<T> {
    const startedMs = performance.now();
    const result = await work();
    const tookMs = performance.now() - startedMs;
    if (part === 'sum') this.#sumMs += tookMs;
    else this.#optimizerMs += tookMs;
    return result;
  }

  /** The step's times; the next step starts now. */
  lap(): StepTimings {
    const nowMs = performance.now();
    const reports = [...this.#workers.values()];
    const mean = (pick: (timings: WorkerTimings) => number) =>
      reports.reduce((sum, report) => sum + pick(report), 0) / Math.max(1, reports.length);
    const timings = {
      wallMs: nowMs - this.#startedMs,
      pullMs: mean((report) => report.pullMs),
      fetchMs: mean((report) => report.fetchMs),
      computeMs: mean((report) => report.computeMs),
      pushMs: mean((report) => report.pushMs),
      idleMs: mean((report) => report.idleMs),
      sumMs: this.#sumMs,
      optimizerMs: this.#optimizerMs,
      coordinatorBusyMs: performance.eventLoopUtilization(this.#loop).active,
    };
    this.#startedMs = nowMs;
    this.#loop = performance.eventLoopUtilization();
    this.#workers.clear();
    this.#sumMs = 0;
    this.#optimizerMs = 0;
    return timings;
  }
}
