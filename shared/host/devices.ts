/** @file What this machine can compute with: cores and GPUs, by a cheap look. */
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { promisify } from 'node:util';

/** What was found. */
export interface Devices {
  /** Cores that this process may use. */
  readonly numThreads: number;
  /** Names of the GPUs, by number. */
  readonly gpus: readonly string[];
}

const CGROUP_LIMIT_FILE = '/sys/fs/cgroup/cpu.max';
const NVIDIA_SMI_MS = 3_000;

/** Cores that this process may use: its CPU mask, and a container's quota where there is one. */
export function availableThreads(): number {
  return Math.max(1, Math.min(availableParallelism(), quotaCores(readText(CGROUP_LIMIT_FILE))));
}

/** Cores that `cpu.max` of cgroup v2 grants ("200000 100000" are 2, in microseconds); Infinity without a limit. */
export function quotaCores(cpuMax: string): number {
  const [quota, period] = cpuMax.trim().split(' ').map(Number);
  if (quota === undefined || period === undefined) return Number.POSITIVE_INFINITY;
  const cores = Math.floor(quota / period);
  return Number.isNaN(cores) ? Number.POSITIVE_INFINITY : Math.max(1, cores);
}

/** Cores and GPUs of this machine. Starts no GPU runtime. */
export async function findDevices(): Promise<Devices> {
  return { numThreads: availableThreads(), gpus: await findGpus() };
}

async function findGpus(): Promise<readonly string[]> {
  const numNodes = countGpuNodes(listFolder('/dev'));
  if (numNodes === 0) return [];
  try {
    const { stdout } = await promisify(execFile)('nvidia-smi', ['-L'], { timeout: NVIDIA_SMI_MS });
    return parseGpuList(stdout);
  } catch {
    return Array.from({ length: numNodes }, (_, number) => `NVIDIA GPU ${number}`);
  }
}

/** NVIDIA's device files among the names in /dev (`nvidia0`, but not `nvidiactl`). */
export function countGpuNodes(names: readonly string[]): number {
  return names.filter((name) => /^nvidia\d+$/.test(name)).length;
}

/** Names in the output of `nvidia-smi -L`, a line each: `GPU 0: NAME (UUID: ...)`. */
export function parseGpuList(output: string): readonly string[] {
  return [...output.matchAll(/^GPU \d+: (.+?)(?: \(UUID: [^)]*\))?$/gm)].map(
    (match) => match[1] as string,
  );
}

function listFolder(path: string): readonly string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
