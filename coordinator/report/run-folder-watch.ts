/** @file Watches the folder of a live run: it may be removed, renamed, taken by another process, or its disk full. */
import { TesseraError } from '../../shared/core/errors.ts';
import type { Logger } from '../../shared/machine/log.ts';
import type { LockWatcher } from '../../shared/runs/lock/lock.ts';
import type { MetricsWatcher } from '../../shared/runs/metrics-file.ts';
import { describeRun, type RunDescription } from '../../shared/runs/run-folder.ts';

/** Says once when metrics cannot be written, and what that cost. */
export function metricsWatcher(log: Logger): MetricsWatcher {
  return {
    failed: (error) => log.warn({ err: error }, 'metrics cannot be written, the run continues'),
    recovered: (lost) => log.warn({ lost }, 'metrics are written again'),
    lost: (records) => log.warn({ records }, 'metrics were lost'),
  };
}

/** Makes a folder that was removed or renamed fit for `--resume` again; `stop` ends a run whose folder another has. */
export function lockWatcher(
  description: RunDescription,
  log: Logger,
  stop: (reason: TesseraError) => void,
): LockWatcher {
  const { runFolder } = description;
  return {
    remade() {
      log.warn({ runFolder }, 'the lock or the whole run folder was removed: it is created again');
      describeRun(description).catch((error: unknown) =>
        log.error({ err: error }, 'the run folder is incomplete, --resume will not work'),
      );
    },
    lost: (to) =>
      stop(
        new TesseraError('RUN_IN_USE', `${runFolder} is held by ${to} now`, {
          hint: 'one coordinator a run: the lock of this one was removed, or not touched for 30 s',
        }),
      ),
  };
}
