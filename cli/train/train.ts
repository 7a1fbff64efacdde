/** @file `tessera train`: a coordinator in this process and worker processes around it. */

import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { countWorkers, LocalWorkers, type RunStanding, threadsEach } from '../../launch/local.ts';
import type { LoadedConfig } from '../../shared/config/load.ts';
import type { RunStatus } from '../../shared/contract/messages.ts';
import { ownAddress } from '../../shared/core/address.ts';
import { TesseraError } from '../../shared/core/errors.ts';
import { NO_DEBUGGER_FLAGS } from '../../shared/machine/debugger-flags.ts';
import { type Devices, findDevices } from '../../shared/machine/devices.ts';
import { localWorkerFlags } from '../connect/credentials.ts';
import { type Crew, driveRun, type RunOptions, type StartedRun } from '../run/run.ts';

/** Trains on this machine to the end of the run. Throws  what ended it badly. */
export async function runTrain(options: RunOptions): Promise<void> {
  let size: CrewSize | undefined;
  await driveRun(options, {
    command: 'train',
    banner: () => [''],
    check: async (loaded) => {
      size = await crewSize(loaded);
    },
    hire: async (started) => hire(options, started, size ?? (await crewSize(started.loaded))),
  });
}

/** Workers to start, and what they share. */
interface CrewSize {
  readonly devices: Devices;
  readonly count: number;
}

/** Phases after which workers go by themselves. */
const ENDINGS: ReadonlySet<string> = new Set(['done', 'failed']);

/** Throws  CONFIG_INVALID when there is no place for them. */
async function crewSize({ config: { cluster, limits } }: LoadedConfig): Promise<CrewSize> {
  const devices = await findDevices();
  const { minWorkers: min } = cluster;
  const range = { min, max: Math.max(min, limits.workersMax) };
  const count = countWorkers(cluster.workers === 'auto' ? range : cluster.workers, devices);
  if (count > limits.workersMax) {
    throw new TesseraError(
      'CONFIG_INVALID',
      `${count} workers have no place: limits.workersMax is ${limits.workersMax}`,
      { hint: 'make --workers or cluster.workers smaller, or limits.workersMax larger' },
    );
  }
  return { devices, count };
}

function hire(options: RunOptions, started: StartedRun, { devices, count }: CrewSize): Crew {
  const { running, loaded, display, signal, ownToken } = started;
  const { cluster, compute } = loaded.config;
  const threads = compute.threads === 'auto' ? threadsEach(devices, count) : compute.threads;
  const security = [...localWorkerFlags(options), ...(options.insecure ? ['--insecure'] : [])];
  const main = fileURLToPath(import.meta.resolve('../main.js'));
  const command = [
    process.execPath,
    ...NO_DEBUGGER_FLAGS,
    main,
    'worker',
    ownAddress(running.address),
    '--parent',
    ...security,
  ];
  return new LocalWorkers({
    command: [...command, '--threads', String(threads), ...(options.verbose ? ['--verbose'] : [])],
    count,
    firstWords: options.certs === undefined ? '' : `${ownToken}\n`,
    restarts: cluster.restarts,
    logsFolder: join(running.runFolder, 'logs'),
    environment: (number) => gpuOf(number, devices),
    minWorkers: cluster.minWorkers,
    standing: () => standingOf(running.status(), signal),
    say: (line) => display.line(line),
  });
}

function standingOf({ phase, step, workers }: RunStatus, { aborted }: AbortSignal): RunStanding {
  const atWork = workers.filter(({ state }) => state !== 'joining').map(({ pid }) => pid);
  return { isEnding: aborted || ENDINGS.has(phase), step, atWork };
}

/** Each worker sees one GPU, unless the user has said who sees what. */
function gpuOf(number: number, { gpus }: Devices): Readonly<Record<string, string>> {
  if (gpus.length < 2 || process.env['CUDA_VISIBLE_DEVICES'] !== undefined) return {};
  return { CUDA_VISIBLE_DEVICES: String(number % gpus.length) };
}
