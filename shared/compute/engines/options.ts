/** @file The `compute` section of a config: which engine runs the step. */
import { z } from 'zod';
import { count } from '../../core/options.ts';
import { ENGINE_NAMES, ENGINES, PROVIDER_NAMES } from './registry.ts';

export const computeOptions = z.strictObject({
  engine: z
    .enum(ENGINE_NAMES)
    .default('auto')
    .describe('What runs the step (auto: the first that works; see tessera doctor)'),
  provider: z.enum(PROVIDER_NAMES).default('auto').describe('Execution provider of onnxruntime'),
  threads: z
    .union([z.literal('auto'), count])
    .default('auto')
    .describe('Threads of a worker on CPU (auto: cores / workers on this machine)'),
  devices: z
    .union([z.literal('all'), z.array(z.int().min(0).max(1023)).min(1)])
    .default('all')
    .describe(
      'Devices that a worker computes on, by number: GPUs with xla and with onnxruntime on CUDA (all: all that there are), shares of a CPU, each with its share of the threads (all: one)',
    ),
});

type ComputeOptions = Readonly<z.infer<typeof computeOptions>>;

/** What a config, or the flags of a worker, ask for; all devices unless some are named. */
export type EngineRequest = Omit<ComputeOptions, 'devices'> &
  Partial<Pick<ComputeOptions, 'devices'>>;

/**
 * Whether an engine computes on the cores, by what its program reports: its id, or a text that begins with it. An engine
 * that is not in the registry, such as a replay, does not.
 */
export function isOnCpu(identity: string): boolean {
  const engine = ENGINES.find(({ id }) => id === identity.split(' ')[0]);
  return engine !== undefined && engine.needs === undefined;
}
