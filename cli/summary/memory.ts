/** @file The memory of a leaf on this machine's devices, for `tessera summary --memory`. */
import { type Measured, measure } from '../../shared/compute/engines/measure.ts';
import type { EngineRequest } from '../../shared/compute/engines/options.ts';
import { bytesNeeded } from '../../shared/compute/micro-batch.ts';
import type { PartMemory, ProgramSpec } from '../../shared/compute/program.ts';
import { fittingConfig } from '../../shared/config/fitting.ts';
import { programSpec } from '../../shared/config/program.ts';
import type { PlannedConfig } from '../../shared/config/schema.ts';
import { availableThreads } from '../../shared/machine/devices.ts';
import type { ModelConfig } from '../../shared/model/variants.ts';
import { say } from '../terminal/output.ts';

/** What is measured, where it is not what the config says. */
export interface MemoryOptions {
  readonly batch: number;
  readonly microBatch?: number | 'auto';
  readonly engine?: EngineRequest['engine'];
  readonly provider?: EngineRequest['provider'];
  readonly precision?: NonNullable<ProgramSpec['precision']>;
  readonly recompute?: NonNullable<ProgramSpec['recompute']>;
}

/** What a leaf takes. Units  bytes, of each device. */
export interface LeafMemory extends Pick<Measured, 'engine' | 'microBatch'> {
  readonly precision: NonNullable<ProgramSpec['precision']>;
  readonly recompute: NonNullable<ProgramSpec['recompute']>;
  /** What programs may have, where it was asked for what fits. */
  readonly limit: number | undefined;
  /** What training takes with leaves that wait and sums that are kept. */
  readonly trainingBytes: number;
  readonly training: PartMemory;
  readonly forward: PartMemory;
}

/** Batches from which `auto` takes equal leaves, for a model without a config. */
const BATCH = 4096;
const AUTO: EngineRequest = { engine: 'auto', provider: 'auto', threads: 'auto', devices: 'all' };

/** Compiles a leaf for this machine's devices, to see what it takes. Throws  as `measure`. */
export async function measureMemory(
  model: ModelConfig,
  config: PlannedConfig | undefined,
  options: MemoryOptions,
): Promise<LeafMemory> {
  const { batch, engine, provider } = options;
  const wanted = options.microBatch ?? config?.training.microBatch ?? batch;
  const spec = specOf(model, config, { ...options, microBatch: wanted === 'auto' ? 1 : wanted });
  const { compute = AUTO } = config ?? {};
  const task = {
    request: { ...compute, ...(engine && { engine }), ...(provider && { provider }) },
    threads: availableThreads(),
  };
  say('compiling for the devices of this machine: seconds to minutes');
  const { batchSize = 'auto' } = config?.training ?? {};
  const find = { batchSize: batchSize === 'auto' ? BATCH : batchSize, programs: 1 };
  const fitting = wanted === 'auto' ? await measure({ ...task, spec, parts: [], find }) : undefined;
  const { microBatch = spec.microBatch, limit } = fitting ?? {};
  const found = await measure({
    ...{ ...task, spec: { ...spec, microBatch } },
    parts: ['training', 'forward'],
  });
  const { training, forward } = found.parts as Required<Measured['parts']>;
  const { precision = 'f32', recompute = 'none' } = spec;
  return {
    ...{ engine: found.engine, precision, recompute, microBatch, limit },
    ...{ trainingBytes: bytesNeeded(training), training, forward },
  };
}

/** The program of a leaf: a config's, or that of a model alone. */
export function specOf(
  model: ModelConfig,
  config: PlannedConfig | undefined,
  {
    microBatch,
    precision,
    recompute,
  }: Pick<MemoryOptions, 'precision' | 'recompute'> & { readonly microBatch: number },
): ProgramSpec {
  const own = { ...(precision && { precision }), ...(recompute && { recompute }) };
  if (config === undefined) return { model, microBatch, labelSmoothing: 0, ...own };
  const training = { ...config.training, microBatch };
  const sized = fittingConfig({ ...config, training }, { samples: BATCH });
  return { ...programSpec(sized, model), ...own };
}
