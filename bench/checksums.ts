/**
 * @file What the sums of each step's record cost: the coordinator's own call over whole vectors, beside the optimizer step
 * that it follows, by turns.
 */
import { performance } from 'node:perf_hooks';
import { ParameterStore } from '../coordinator/step/parameters.ts';
import { parameterTable } from '../shared/model/parameters.ts';
import { parseVariant } from '../shared/model/variants.ts';
import { trainingOptions } from '../shared/training/options.ts';
import { median } from './figures/median.ts';

const ROUNDS = 5;
const BATCH = { epochs: 1, batchSize: 64, microBatch: 8 };
const { optimizer } = trainingOptions.parse({ ...BATCH, optimizer: { learningRate: 1e-3 } });

/** Figures by model. Medians of rounds. */
type ChecksumsBench = Readonly<Record<string, Readonly<Record<string, number>>>>;

/** Measures the sums of ViT-Ti/16 and ViT-B/16. */
export async function benchChecksums(): Promise<ChecksumsBench> {
  const found: Record<string, Readonly<Record<string, number>>> = {};
  for (const variant of ['Ti/16', 'B/16'] as const) found[variant] = await measure(variant);
  return found;
}

async function measure(variant: 'Ti/16' | 'B/16'): Promise<Readonly<Record<string, number>>> {
  const images = { imageSize: 224, channels: 3, numClasses: 1000 };
  const table = parameterTable({ ...parseVariant(variant), ...images });
  const values = () => Float32Array.from({ length: table.size }, (_, at) => Math.sin(at));
  const store = new ParameterStore({ config: optimizer, table, parameters: values() });
  const gradientSum = values();
  const times: Record<'sums' | 'optimizer', number[]> = { sums: [], optimizer: [] };
  // The first round compiles the loops.
  for (let step = 1; step <= 1 + ROUNDS; step += 1) {
    const inputs = { gradientSum, samples: 64, step, learningRate: 1e-3, clipNorm: 0 };
    const startedMs = performance.now();
    await store.applyStep(inputs);
    const steppedMs = performance.now();
    await store.sums();
    if (step === 1) continue;
    times.optimizer.push(steppedMs - startedMs);
    times.sums.push(performance.now() - steppedMs);
  }
  const [sumsMs, optimizerMs] = [median(times.sums), median(times.optimizer)];
  return {
    parameters: table.size,
    sumsMs,
    millionsPerSecond: table.size / sumsMs / 1000,
    optimizerMs,
    ofOptimizer: sumsMs / optimizerMs,
  };
}
