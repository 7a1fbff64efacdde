/** @file The workers of a node that is not the first: as many as `train` starts on such a machine, kept until the run is over. */
import type { WorkerCount } from '../../shared/config/settings.ts';
import { type KeptWorkerOptions, keepWorker } from '../kept-worker.ts';
import { deviceShare, type LocalSize, sizeOf, threadsEach } from '../local-run.ts';

/** What the workers of a node are started with. */
export interface NodeWorkersOptions extends Omit<KeptWorkerOptions, 'name' | 'environment'> {
  readonly workers: WorkerCount | undefined;
  /** Numbers of the devices to use; all unless given. */
  readonly devices: readonly number[] | undefined;
}

/** Any engine that works here. */
const ANY = { engine: 'auto', provider: 'auto', threads: 'auto' } as const;

/** The workers that a node starts, of the devices that it has. */
export async function nodeSize({
  workers = 'auto',
  devices,
}: Pick<NodeWorkersOptions, 'workers' | 'devices'>): Promise<LocalSize> {
  return await sizeOf(workers, { ...ANY, devices: devices === undefined ? 'all' : [...devices] });
}

/** Keeps the workers of this node; returns the exit code. Throws  the first error that one ends with; the others then leave. */
export async function keepNodeWorkers(options: NodeWorkersOptions): Promise<number> {
  const { devices, args, signal } = options;
  const named = devices === undefined ? 'all' : [...devices];
  const size = await nodeSize(options);
  const threads = size.count > 1 ? [`--threads=${threadsEach(size.devices, size.count)}`] : [];
  const others = new AbortController();
  const kept = Array.from({ length: size.count }, async (_, index) => {
    const { flags, environment } = deviceShare(index, size, named);
    try {
      return await keepWorker({
        ...options,
        ...{ name: '', environment },
        args: [...args, ...threads, ...flags],
        signal: AbortSignal.any([signal, others.signal]),
      });
    } catch (error) {
      others.abort(error);
      throw error;
    }
  });
  const ends = await Promise.allSettled(kept);
  others.signal.throwIfAborted();
  return Math.max(...ends.map((end) => (end.status === 'fulfilled' ? end.value : 0)));
}
