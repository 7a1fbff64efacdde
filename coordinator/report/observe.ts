/** @file Who gets what happens to a run: the files in its folder, and those who watch. */
import type { Logger } from '../../shared/machine/log.ts';
import { ActivityFiles } from '../../shared/runs/activity-files.ts';
import { MetricsFile } from '../../shared/runs/metrics-file.ts';
import { Observers, type RunObserver } from '../../shared/runs/observer.ts';
import { LaterEvents } from './later-events.ts';
import { metricsWatcher } from './run-folder-watch.ts';

/** What is watched, by whom. */
interface Watching {
  readonly observers?: readonly RunObserver[];
  readonly log: Logger;
}

/** Gives events and activities to the files of a run and to its observers, until it is closed. */
export function observe({ observers: others = [], log }: Watching, runFolder: string) {
  const metrics = new MetricsFile(runFolder, metricsWatcher(log));
  const observers = new Observers([metrics, new ActivityFiles(runFolder), ...others], log);
  const later = new LaterEvents(observers.emit);
  const close = async () => {
    later.flush();
    await observers.close();
  };
  return { onEvent: later.emit, onActivity: observers.onActivity, close };
}
