/** @file The observers that every run has: its records, its spot arithmetic, its mirror where the config names one, its alarms. */
import type { Logger } from '../../shared/machine/log.ts';
import { ActivityFiles } from '../../shared/runs/activity-files.ts';
import { MetricsFile } from '../../shared/runs/metrics-file.ts';
import { openMirror } from '../../shared/runs/mirror/mirror.ts';
import { Observers, type RunObserver } from '../../shared/runs/observer.ts';
import { SpotObserver } from '../../shared/runs/spot/observer.ts';
import { WorkerLogFile } from '../../shared/runs/worker-log-file.ts';
import { type AlarmParts, AlarmWatch } from './alarm-watch.ts';
import { LaterEvents } from './later-events.ts';
import { metricsWatcher } from './run-folder-watch.ts';

/** Observers; some are made once the folder of the run is there. */
export type Watching = readonly (RunObserver | ((runFolder: string) => RunObserver))[];

/** Who watches a run, beside what every run has. */
export interface ObserveOptions {
  readonly observers?: Watching;
  readonly log: Logger;
  /** Whether it has earlier lives. */
  readonly isResumed: boolean;
}

/** Opens the observers of a run: its records first, so that what others see is written; alarms last, after their causes. */
export async function observe(options: ObserveOptions, parts: Omit<AlarmParts, 'log' | 'onEvent'>) {
  const { observers: watching = [], log, isResumed } = options;
  const { config, runFolder } = parts.identity;
  const metrics = new MetricsFile(runFolder, metricsWatcher(log));
  const spot = new SpotObserver(config.training.batchSize);
  if (isResumed) await spot.readEarlier(runFolder);
  const mirror = openMirror(parts.identity, log, (event) => later.emit(event));
  const files = [metrics, new ActivityFiles(runFolder), new WorkerLogFile(runFolder)];
  const own = mirror === undefined ? [...files, spot] : [...files, spot, mirror];
  const others = watching.map((one) => (typeof one === 'function' ? one(runFolder) : one));
  const alarms = new AlarmWatch({ ...parts, log, onEvent: (event) => observers.emit(event) });
  const observers: Observers = new Observers([...own, ...others, alarms], log);
  const later = new LaterEvents(observers.emit);
  const close = async () => {
    later.flush();
    await observers.close();
  };
  const seen = { alarms: () => alarms.raised, spot: () => spot.report() };
  return { onEvent: later.emit, onActivity: observers.onActivity, close, mirror, ...seen };
}
