/** @file Runs for tests of the page: a status, a run that is one, and a server of it. */
import type { RunStatus, WorkerStatus } from '../../shared/contract/status.ts';
import { systemClock } from '../../shared/core/clock.ts';
import type { TimedActivity } from '../../shared/runs/activity.ts';
import { type BoardRun, RunView } from '../../tools/board/run-view.ts';
import { type BoardOptions, serveBoard } from '../../tools/board/server.ts';

/** A worker of a run, as its status says. */
export function workerStatus(part: Partial<WorkerStatus> = {}): WorkerStatus {
  return {
    ...{ worker: 'w1', state: 'computing', engine: 'none', host: 'a', pid: 1, step: 3 },
    ...{ leavesDone: 9, imagesPerSecond: 100, ageSeconds: 10, silentSeconds: 0.5, lastError: '' },
    ...{ deviceKind: '', deviceCount: 0, deviceBytes: 0, deviceBytesPeak: 0, paceRatio: 1 },
    ...{ shares: null, memoryBytes: 1e6, held: [], slow: '' },
    ...part,
  };
}

/** A run that trains. */
export function runStatus(part: Partial<RunStatus> = {}): RunStatus {
  return {
    ...{ run: 'digits', phase: 'training', reason: 'epoch 1 of 2', step: 3, stepsTotal: 10 },
    ...{ epoch: 1, epochsTotal: 2, loss: 1.5, trainAccuracy: 0.5, testAccuracy: Number.NaN },
    ...{ testLoss: Number.NaN, validationAccuracy: Number.NaN, validationLoss: Number.NaN },
    ...{ learningRate: 0.001, gradientNorm: 2, imagesPerSecond: 200, seconds: 12, etaSeconds: 30 },
    ...{ parametersSha256: '', parametersVersion: 0, runFolder: 'runs/digits', workers: [] },
    ...{ tesseraVersion: '0.1.0', badSamples: 0, stall: '', code: '', delayMaxMs: 3, reducers: 0 },
    ...{ delayUsualMs: 1, alarms: [], waitingFor: '', disturbances: '' },
    ...part,
  };
}

/** A worker has brought a node at a time, after so long of each part. */
export function delivered(
  atMs: number,
  part: Partial<Extract<TimedActivity, { type: 'delivered' }>> = {},
): TimedActivity {
  const timings = { pullMs: 0, fetchMs: 0, computeMs: 0, pushMs: 0, idleMs: 0, ...part.timings };
  return {
    ...{ type: 'delivered', worker: 'w1', kind: 'train', step: 1, first: 0, count: 1 },
    ...{ samples: 8, atMs, ...part, timings },
  };
}

/** Rows of a run whose values count up. */
export function row(step: number, part: Partial<Parameters<RunView['step']>[0]> = {}) {
  return {
    ...{ step, epoch: 1, timeMs: 1000 * step, loss: 1 / step, accuracy: 0, learningRate: 1 },
    ...{ gradientNorm: 1, imagesPerSecond: 1, ...part },
  };
}

/** A run of these tests; `stops` counts how often it was stopped. */
export function liveRun(id = 'digits') {
  const view = new RunView((event) => ({ mood: 'plain', text: event.type }));
  const stops: string[] = [];
  const run: BoardRun = {
    ...{ id, view, folder: '/nowhere', isLive: true, origins: new Map([['seed', 'file']]) },
    config: async () => ({ seed: 1 }),
    status: () => runStatus(),
    stop: async () => void stops.push(id),
  };
  return { run, view, stops };
}

/** Serves runs on loopback; the token that its page shows is in `token`. */
export async function serveRuns(runs: readonly BoardRun[], options: Partial<BoardOptions> = {}) {
  const source = { runs: () => runs };
  const server = await serveBoard({
    ...{ source, listen: '127.0.0.1:0', clock: systemClock, ...options },
  });
  const port = Number(new URL(server.url).port);
  const html = options.security ? '' : await (await fetch(server.url)).text();
  const token = /page-token" content="([^"]+)"/.exec(html)?.[1] ?? '';
  return { ...server, port, token };
}
