/** @file The local workers of a run: how many there are, and what each is started with. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { RunConfig } from '../shared/config/schema.ts';
import type { WorkerCount } from '../shared/config/settings.ts';
import { ownAddress } from '../shared/core/address.ts';
import { TesseraError } from '../shared/core/errors.ts';
import { type Devices, findDevices } from '../shared/machine/devices.ts';
import { NO_DEBUGGER_FLAGS } from '../shared/machine/processes.ts';
import { CREDENTIAL_FILES } from '../shared/security/credentials.ts';
import { LocalLauncher } from './local.ts';
import { gpuEnvironment } from './worker-process.ts';

/** The number of local workers, and the devices that they share. */
export interface LocalSize {
  readonly devices: Devices;
  readonly count: number;
}

/** Local workers that a run starts, of the devices that are here. Throws  CONFIG_INVALID when they exceed the limit. */
export async function localSize({ cluster, limits }: RunConfig): Promise<LocalSize> {
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

/**
 * Workers to start: as many as asked for; `auto` is one a GPU, else one for two cores and at least 2; of a range, what
 * is nearest to that.
 */
export function countWorkers(wanted: WorkerCount, { gpus, numThreads }: Devices): number {
  if (typeof wanted === 'number') return wanted;
  const fitting = gpus.length > 0 ? gpus.length : Math.max(2, Math.floor(numThreads / 2));
  return wanted === 'auto' ? fitting : Math.min(wanted.max, Math.max(wanted.min, fitting));
}

/** Threads of each of `count` workers that share this machine's cores. */
export function threadsEach({ numThreads }: Devices, count: number): number {
  return Math.max(1, Math.floor(numThreads / count));
}

/** What local workers need to know of their run. */
export interface LocalRun {
  readonly config: RunConfig;
  /** Where the coordinator listens. */
  readonly address: string;
  readonly runFolder: string;
  /** Folder with the certificate of the authority; undefined for plaintext. */
  readonly certs: string | undefined;
  /** The token with which they join, where there are certificates. */
  readonly token: string;
  readonly insecure: boolean;
  readonly verbose: boolean;
}

/** The launcher of a run's local workers. Their token goes over stdin, where no other account can read it. */
export function localLauncher(run: LocalRun, { devices, count }: LocalSize): LocalLauncher {
  const { certs, insecure, verbose } = run;
  const { threads } = run.config.compute;
  // The same module as source and as built.
  const main = fileURLToPath(
    new URL(`../worker/main${import.meta.url.slice(-3)}`, import.meta.url),
  );
  const flags = [
    ...['--threads', String(threads === 'auto' ? threadsEach(devices, count) : threads)],
    ...(certs === undefined ? [] : ['--ca', join(certs, CREDENTIAL_FILES.authority)]),
    ...(insecure ? ['--insecure'] : []),
    ...(verbose ? ['--verbose'] : []),
  ];
  return new LocalLauncher({
    command: [process.execPath, ...NO_DEBUGGER_FLAGS, main, ownAddress(run.address), ...flags],
    firstWords: certs === undefined ? '' : `${run.token}\n`,
    logsFolder: join(run.runFolder, 'logs'),
    environment: (index) => gpuEnvironment(index, devices.gpus.length),
  });
}
