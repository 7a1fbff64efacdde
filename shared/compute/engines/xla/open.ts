/** @file Opens the devices of an engine: its plugin's environment, options and client. */
import { arch, cpus } from 'node:os';
import { assert, TesseraError } from '../../../core/errors.ts';
import { readTextFile } from '../../../files/regular-file.ts';
import { createLog } from '../../../machine/log.ts';
import { Client, type Device } from './client.ts';
import { setEnvironment } from './memory.ts';
import type { NamedValues } from './named-values.ts';
import { Plugin } from './plugin.ts';

/** An engine of XLA and its plugin. */
export interface XlaEngine {
  readonly id: string;
  readonly platform: 'cuda' | 'rocm' | 'oneapi' | 'tpu' | 'cpu';
  readonly plugin: { readonly name: string; readonly version: string; readonly path: string };
  /** Whether a plugin is used whatever its version is. */
  readonly anyVersion: boolean;
}

/** What an engine may use of the machine. */
export interface DeviceRequest {
  /** Numbers of devices; all unless given, of CPUs the first. */
  readonly devices?: readonly number[] | undefined;
}

/** Devices that are open. */
export interface OpenDevices {
  readonly client: Client;
  /** Those to compute on, of one kind. */
  readonly devices: readonly Device[];
  /** What decides bits besides text and options: plugin, version, kind of device. */
  readonly identity: string;
  /** What decides whether an executable fits, besides text and options. */
  readonly fingerprint: string;
}

/**
 * Devices of a client on the CPU, whichever compute, and threads of its pool. The sums within a product depend on the
 * number of threads, which is never less than that of devices: so it is the same in all processes.
 */
const CPU_DEVICES = 8;

/** Of a GPU's memory, what programs may have; it is taken as it is needed, since others may compute there too. */
const GPU_MEMORY_SHARE = 0.95;

/**
 * Loads the plugin and opens the devices that are asked for.
 *
 * Throws  ENGINE_UNAVAILABLE when the plugin does not load or a device is not there; PjrtError.
 */
export async function openDevices(
  { id, platform, plugin: installed, anyVersion }: XlaEngine,
  { devices: wanted }: DeviceRequest,
): Promise<OpenDevices> {
  await prepareEnvironment(platform);
  const plugin = new Plugin(installed.path, { anyVersion });
  const client = new Client(plugin, createOptions(platform, wanted));
  try {
    const devices = pick(client, { id, platform, wanted });
    const [{ kind }] = devices as [Device];
    const name = `${id} ${installed.version} ${kind}`;
    const machine = platform === 'cpu' ? [arch(), cpus()[0]?.model ?? ''] : [];
    const { apiVersion } = plugin;
    const parts = [name, installed.name, apiVersion, client.platformVersion, ...machine];
    return { client, devices, identity: name, fingerprint: parts.join('\n') };
  } catch (error) {
    client.destroy();
    throw error;
  }
}

/** The plugin's own options. Source  xla/pjrt/c/pjrt_c_api_gpu_internal.cc, pjrt_c_api_cpu_internal.cc. */
function createOptions(
  platform: XlaEngine['platform'],
  wanted: readonly number[] | undefined,
): NamedValues {
  if (platform === 'cpu') return { cpu_device_count: CPU_DEVICES };
  if (platform === 'tpu') return {};
  return {
    preallocate: false,
    memory_fraction: Float32Array.of(GPU_MEMORY_SHARE),
    ...(wanted && { visible_devices: wanted }),
  };
}

/** The devices that are asked for; GPUs that were not are not among the client's. */
function pick(
  client: Client,
  {
    id,
    platform,
    wanted,
  }: Pick<XlaEngine, 'id' | 'platform'> & { readonly wanted: readonly number[] | undefined },
): readonly Device[] {
  const { devices } = client;
  assert(devices.length > 0, 'a client has devices');
  const isPicked = platform !== 'cpu' && platform !== 'tpu';
  const numbers = platform === 'cpu' ? (wanted ?? [0]) : wanted;
  const picked = (isPicked ? undefined : numbers)?.map((number) => {
    const device = devices[number];
    if (device !== undefined) return device;
    const sentence = `${id} has no device ${number}: it finds ${devices.length}, numbered from 0`;
    throw new TesseraError('ENGINE_UNAVAILABLE', sentence, { hint: 'give other --devices' });
  });
  const found = picked ?? devices;
  const kinds = new Set(found.map(({ kind }) => kind));
  if (kinds.size === 1) return found;
  const sentence = `${id} finds devices of several kinds: ${[...kinds].join(', ')}`;
  throw new TesseraError('ENGINE_UNAVAILABLE', sentence, {
    hint: 'one worker computes on one kind: choose with --devices, and start a worker for each',
  });
}

/** Sets what the plugin reads from the process's environment, before it is loaded. */
async function prepareEnvironment(platform: XlaEngine['platform']): Promise<void> {
  const { XLA_FLAGS, TF_CPP_MIN_LOG_LEVEL, TPU_SKIP_MDS_QUERY } = process.env;
  if (XLA_FLAGS !== undefined) {
    // A flag that the plugin does not know aborts the process, and others change bits.
    createLog({ component: 'engine' }).warn({ XLA_FLAGS }, 'XLA_FLAGS is not used');
    setEnvironment('XLA_FLAGS', undefined);
  }
  // Neither notes nor warnings; errors come to stderr.
  if (TF_CPP_MIN_LOG_LEVEL === undefined) setEnvironment('TF_CPP_MIN_LOG_LEVEL', '2');
  // The size of XLA's pool of threads on the CPU.
  if (platform === 'cpu') setEnvironment('NPROC', `${CPU_DEVICES}`);
  // Outside of Google's cloud there is no server of metadata: the plugin would ask for minutes.
  if (platform === 'tpu' && TPU_SKIP_MDS_QUERY === undefined && !(await isGoogleCloud())) {
    setEnvironment('TPU_SKIP_MDS_QUERY', '1');
  }
}

async function isGoogleCloud(): Promise<boolean> {
  const product = await readTextFile('/sys/class/dmi/id/product_name').catch(() => '');
  return product.startsWith('Google');
}
