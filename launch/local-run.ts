/** @file The local workers of a run: how many there are, and what each is started with. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { drivesAllDevices } from '../shared/compute/engines/choose.ts';
import type { EngineRequest } from '../shared/compute/engines/options.ts';
import type { RunConfig } from '../shared/config/schema.ts';
import type { WorkerCount } from '../shared/config/settings.ts';
import { ownAddress } from '../shared/core/address.ts';
import { TesseraError } from '../shared/core/errors.ts';
import { type Devices, findDevices, visibleGpus } from '../shared/machine/devices.ts';
import { NO_DEBUGGER_FLAGS } from '../shared/machine/processes.ts';
import { LOGS_FOLDER } from '../shared/runs/layout.ts';
import { CREDENTIAL_FILES } from '../shared/security/credentials.ts';
import { LocalLauncher } from './local.ts';
import { decodingEnvironment, gpuEnvironment } from './worker-process.ts';

/** The number of local workers, and the devices that they share. */
export interface LocalSize {
  readonly devices: Devices;
  readonly count: number;
  /** Whether a worker drives several devices; else it has one GPU. */
  readonly drivesAll: boolean;
}

/** Local workers that a run starts, of the devices that are here. Throws  CONFIG_INVALID when they exceed the limit. */
export async function localSize({
  cluster,
  limits,
  compute,
}: Pick<RunConfig, 'cluster' | 'limits' | 'compute'>): Promise<LocalSize> {
  const { minWorkers: min } = cluster;
  const range = { min, max: Math.max(min, limits.workersMax) };
  const size = await sizeOf(cluster.workers === 'auto' ? range : cluster.workers, compute);
  const { count } = size;
  if (count > limits.workersMax) {
    throw new TesseraError(
      'CONFIG_INVALID',
      `${count} workers have no place: limits.workersMax is ${limits.workersMax}`,
      { hint: 'make --workers or cluster.workers smaller, or limits.workersMax larger' },
    );
  }
  return size;
}

/** Workers of this machine, and its devices. */
export async function sizeOf(wanted: WorkerCount, compute: EngineRequest): Promise<LocalSize> {
  const devices = await findDevices();
  const isNamed = compute.devices !== undefined && compute.devices !== 'all';
  const drivesAll = isNamed || (await drivesAllDevices(compute));
  return { devices, count: countWorkers(wanted, devices, drivesAll), drivesAll };
}

/**
 * Workers to start: as many as asked for; `auto` is one that drives all devices (or those that are named), or one a GPU, else one for two cores
 * and at least 2; of a range, what is nearest to that.
 */
export function countWorkers(
  wanted: WorkerCount,
  { gpus, numThreads }: Devices,
  drivesAll = false,
): number {
  if (typeof wanted === 'number') return wanted;
  const onHost = gpus.length > 0 ? gpus.length : Math.max(2, Math.floor(numThreads / 2));
  const fitting = drivesAll ? 1 : onHost;
  return wanted === 'auto' ? fitting : Math.min(wanted.max, Math.max(wanted.min, fitting));
}

/** Threads of each of `count` workers that share this machine's cores. */
export function threadsEach({ numThreads }: Devices, count: number): number {
  return Math.max(1, Math.floor(numThreads / count));
}

/**
 * The devices of worker `index` of `count`: neighbouring ones, of those that are named or of all GPUs. Undefined where it
 * takes all that there are. Workers beyond the number of devices share them.
 */
export function devicesOf(
  index: number,
  count: number,
  numbers: readonly number[],
): readonly number[] | undefined {
  if (numbers.length === 0) return undefined;
  if (count >= numbers.length) return [numbers[index % numbers.length] as number];
  const firstOf = (worker: number) => Math.floor((worker * numbers.length) / count);
  return numbers.slice(firstOf(index), firstOf(index + 1));
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

/** What one of several workers of a machine computes on, as arguments and as an environment. */
export interface DeviceShare {
  readonly flags: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

/** The share of worker `index`; `named` are the devices that the user has chosen. */
export function deviceShare(
  index: number,
  { devices, count, drivesAll }: LocalSize,
  named: RunConfig['compute']['devices'],
): DeviceShare {
  const gpus = visibleGpus(devices.gpus.length, process.env['CUDA_VISIBLE_DEVICES']);
  const all = count > 1 ? [...gpus.keys()] : [];
  const numbers = named === 'all' ? all : named;
  return {
    flags: drivesAll ? devicesFlag(devicesOf(index, count, numbers)) : [],
    environment: {
      ...decodingEnvironment(threadsEach(devices, count)),
      ...(drivesAll ? {} : gpuEnvironment(index, gpus)),
    },
  };
}

/** The launcher of a run's local workers. Their token goes over stdin, where no other account can read it. */
export function localLauncher(run: LocalRun, size: LocalSize): LocalLauncher {
  const { devices, count } = size;
  const { certs, insecure, verbose } = run;
  const { threads, devices: named } = run.config.compute;
  // The same module as source and as built.
  const main = fileURLToPath(
    new URL(`../worker/main${import.meta.url.slice(-3)}`, import.meta.url),
  );
  const flags = [
    ...['--threads', String(threads === 'auto' ? threadsEach(devices, count) : threads)],
    ...(certs === undefined ? [] : ['--token', '--ca', join(certs, CREDENTIAL_FILES.authority)]),
    ...(insecure ? ['--insecure'] : []),
    ...(verbose ? ['--verbose'] : []),
  ];
  return new LocalLauncher({
    command: [process.execPath, ...NO_DEBUGGER_FLAGS, main, ownAddress(run.address), ...flags],
    firstWords: certs === undefined ? '' : `${run.token}\n`,
    output: { logsFolder: join(run.runFolder, LOGS_FOLDER) },
    flagsOf: (index) => deviceShare(index, size, named).flags,
    environment: (index) => deviceShare(index, size, named).environment,
  });
}

function devicesFlag(devices: readonly number[] | undefined): string[] {
  return devices === undefined ? [] : ['--devices', devices.join(',')];
}
