/** @file What a process of a replay says to its parent: what it has used of a core and of memory, and its steps. */
import type { WorkerStatus } from '../../shared/contract/status.ts';
import type { StepTimings } from '../../shared/runs/events.ts';

/** What a process has used since it began. Units  seconds of a core; bytes. */
export interface Usage {
  readonly cpuSeconds: number;
  readonly peakBytes: number;
}

/** What a coordinator knows of a worker. */
export type WorkerFacts = Pick<WorkerStatus, 'engine' | 'deviceCount' | 'deviceBytesPeak'>;

/** What a process of a replay sends to its parent. */
export type Report =
  | { readonly type: 'address'; readonly address: string }
  | { readonly type: 'step'; readonly timings: StepTimings; readonly usage: Usage }
  | { readonly type: 'checkpoint'; readonly bytes: number; readonly seconds: number }
  | { readonly type: 'usage'; readonly usage: Usage; readonly workers?: readonly WorkerFacts[] }
  | { readonly type: 'failed'; readonly reason: string };

/** What this process has used. */
export function ownUsage(): Usage {
  const { user, system } = process.cpuUsage();
  return { cpuSeconds: (user + system) / 1e6, peakBytes: process.resourceUsage().maxRSS * 1024 };
}

/** Sends to the parent. */
export function sendReport(report: Report): void {
  process.send?.(report);
}

/** Replies to the parent's questions, a coordinator with what it knows of its workers, and ends with the parent. */
export function obeyAsker(workersOf: () => readonly WorkerFacts[] = () => []): void {
  process.on('message', () => {
    sendReport({ type: 'usage', usage: ownUsage(), workers: workersOf() });
  });
  process.on('disconnect', () => process.exit());
}
