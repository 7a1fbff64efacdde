/** @file The `compute` section of a config: which engine runs the step. */
import { z } from 'zod';
import { count } from '../../core/options.ts';
import { ENGINE_NAMES, PROVIDER_NAMES } from './registry.ts';

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
});

/** What a config, or the flags of a worker, ask for. */
export type EngineRequest = Readonly<z.infer<typeof computeOptions>>;
