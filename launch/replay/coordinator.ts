/** @file The process of the coordinator of a replay: its config as JSON. It reports each step and checkpoint. */
import { type RunningCoordinator, startCoordinator } from '../../coordinator/start.ts';
import { loadConfig, loadObject, settled } from '../../shared/config/load.ts';
import type { RunConfigInput } from '../../shared/config/schema.ts';
import { TesseraError } from '../../shared/core/errors.ts';
import { letHeapsGrow } from '../../shared/machine/heap.ts';
import { createLog } from '../../shared/machine/log.ts';
import { obeyAsker, ownUsage, sendReport } from './usage.ts';

/** What a coordinator of a replay is started with. */
export interface CoordinatorTask {
  readonly config: string | RunConfigInput;
  readonly set: readonly string[];
  readonly runFolder: string;
  readonly resume?: boolean;
}

// As each process of the product.
letHeapsGrow();
const task = JSON.parse(process.argv[2] ?? '') as CoordinatorTask;
let running: RunningCoordinator | undefined;
obeyAsker(() =>
  (running?.status().workers ?? []).map(({ engine, deviceCount, deviceBytesPeak }) => ({
    ...{ engine, deviceCount, deviceBytesPeak },
  })),
);
try {
  const { config, set } = task;
  const loaded =
    typeof config === 'string' ? await loadConfig(config, { set }) : loadObject(config, { set });
  running = await startCoordinator({
    loaded: { ...loaded, config: settled(loaded.config) },
    listen: '127.0.0.1:0',
    ...(task.resume ? { resume: task.runFolder } : { runFolder: task.runFolder }),
    log: createLog({ component: 'replay', level: 'off' }),
    signal: new AbortController().signal,
    observers: [
      {
        name: 'replay',
        event(event) {
          if (event.type === 'step') {
            sendReport({ type: 'step', timings: event.timings, usage: ownUsage() });
          } else if (event.type === 'checkpoint') {
            sendReport({ type: 'checkpoint', bytes: event.bytes, seconds: event.seconds });
          }
        },
      },
    ],
  });
  sendReport({ type: 'address', address: running.address });
  await running.finished;
} catch (thrown) {
  sendReport({ type: 'failed', reason: TesseraError.from(thrown).sentence });
}
