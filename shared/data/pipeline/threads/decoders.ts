/** @file How many threads of a process make images. Pure. */

/** What decides it. */
export interface DecodersRequest {
  /** `worker.decoders`. */
  readonly wanted: number | 'auto';
  /** Cores of this process. */
  readonly cores: number;
  /** Whether the engine computes on them. */
  readonly isOnCpu: boolean;
}

/** Cores of an engine that one thread feeds: ViT-Ti/16 takes ten times longer for a photo than the thread does. */
const CORES_FED = 8;
/** What a machine's memory, and one thread that hands out, are good for. */
const DECODERS_MAX = 64;

/**
 * Threads that make images. Beside an engine on the cores themselves few, since they take its time; else all cores but
 * the one of the main thread.
 */
export function decodersOf({ wanted, cores, isOnCpu }: DecodersRequest): number {
  if (wanted !== 'auto') return wanted;
  const many = isOnCpu ? Math.ceil(cores / CORES_FED) : cores - 1;
  return Math.min(Math.max(many, 1), DECODERS_MAX);
}
