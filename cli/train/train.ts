/** @file `tessera train`: a coordinator in this process and worker processes around it. */

import { Launch } from '../../launch/launch.ts';
import type { LaunchNotice } from '../../launch/launcher.ts';
import { type LocalSize, localLauncher, localSize } from '../../launch/local-run.ts';
import type { RunStanding } from '../../launch/supervisor.ts';
import type { RunStatus } from '../../shared/contract/messages.ts';
import { driveRun, type RunOptions, type StartedRun } from '../run/run.ts';

/** Trains on this machine to the end of the run. Throws  what ended it badly. */
export async function runTrain(options: RunOptions): Promise<void> {
  let size: LocalSize | undefined;
  await driveRun(options, {
    command: 'train',
    banner: () => [''],
    check: async ({ config }) => {
      size = await localSize(config);
    },
    launch: async (started) =>
      launch(options, started, size ?? (await localSize(started.loaded.config))),
  });
}

/** Phases after which workers go by themselves. */
const ENDINGS: ReadonlySet<string> = new Set(['done', 'failed']);
const SIGNS: Readonly<Record<LaunchNotice['level'], string>> = {
  info: '',
  warn: '⚠ ',
  error: '✖ ',
};

function launch(options: RunOptions, started: StartedRun, size: LocalSize): Launch {
  const { running, loaded, display, signal, ownToken } = started;
  const { config } = loaded;
  const { address, runFolder } = running;
  const { certs, insecure = false, verbose = false } = options;
  const run = { config, address, runFolder, certs, token: ownToken, insecure, verbose };
  return new Launch({
    launcher: localLauncher(run, size),
    count: size.count,
    restarts: config.cluster.restarts,
    minWorkers: config.cluster.minWorkers,
    standing: () => standingOf(running.status(), signal),
    notify: ({ level, text }) => {
      for (const line of text.split('\n')) display.line(`${SIGNS[level]}${line}`);
    },
  });
}

function standingOf({ phase, step, workers }: RunStatus, { aborted }: AbortSignal): RunStanding {
  const atWork = workers.filter(({ state }) => state !== 'joining').map(({ pid }) => pid);
  return { isEnding: aborted || ENDINGS.has(phase), step, atWork };
}
