/** @file What this machine can compute with: cores and GPUs, by a cheap look. */
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { promisify } from 'node:util';
import { type CgroupTexts, grantedCores } from './cgroup.ts';

/** What was found. */
export interface Devices {
  /** Cores that this process may use. */
  readonly numThreads: number;
  /** Names of the GPUs, by number. */
  readonly gpus: readonly string[];
}

const NVIDIA_SMI_MS = 3_000;

/** Cores that this process may use: its CPU mask, and the quotas of its control groups where there are some. */
export function availableThreads(): number {
  return Math.max(1, Math.min(availableParallelism(), grantedCores(cgroupTexts())));
}

/** What the kernel says about this process's control groups; of a system without them, nothing. */
export function cgroupTexts(): CgroupTexts {
  return {
    groups: readText('/proc/self/cgroup') ?? '',
    mounts: readText('/proc/self/mountinfo') ?? '',
    read: readText,
  };
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

/** The GPUs that CUDA shows to a process, which it numbers from 0: all, or those of its CUDA_VISIBLE_DEVICES. */
export function visibleGpus(numGpus: number, visible: string | undefined): readonly string[] {
  if (visible !== undefined) return visible.split(',').filter((id) => id !== '');
  return Array.from({ length: numGpus }, (_, number) => String(number));
}

function listFolder(path: string): readonly string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
