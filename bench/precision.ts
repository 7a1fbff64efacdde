/**
 * @file Whether recipes learn in bf16 what they learn in f32: the embedded digits, three seeds each, on xla-cpu, whole runs
 * with real processes. It takes twenty minutes of two cores, so it runs by name only.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { train } from '../launch/train.ts';
import { engineOf } from '../shared/compute/engines/registry.ts';

const SEEDS = [1, 2, 3];
const PRECISIONS = ['f32', 'bf16'] as const;
/** Settings over configs/quickstart.yaml: a quarter of its width, and fewer epochs. */
const SMALL = [
  ...['model.width=32', 'model.depth=2', 'training.microBatch=64', 'evaluation.everyEpochs=0'],
  ...['training.schedule.warmupSteps=20', 'cluster.workers=1', 'compute.threads=1'],
  ...['compute.engine=xla', 'compute.provider=cpu'],
];
const RECIPES = {
  plain: ['training.epochs=3'],
  mixed: [
    ...['training.epochs=4', 'model.dropout=0.05', 'model.stochasticDepth=0.1'],
    ...['data.augment.mixup=0.2', 'training.labelSmoothing=0.1', 'training.averageDecay=0.99'],
  ],
} as const;

/** Test accuracy and loss by `RECIPE PRECISION`, each a list by seed, and their means. */
type PrecisionBench = Readonly<Record<string, string>>;

/** Trains the recipes, where xla-cpu is installed. */
export async function benchPrecision(): Promise<PrecisionBench | { readonly skipped: string }> {
  const skipped = await engineOf('xla-cpu').lacking?.();
  if (skipped !== undefined) return { skipped };
  const found: Record<string, string> = {};
  for (const [recipe, settings] of Object.entries(RECIPES)) {
    for (const precision of PRECISIONS) {
      const results = [];
      for (const seed of SEEDS) {
        results.push(
          await runOnce([...settings, `training.precision=${precision}`, `seed=${seed}`]),
        );
      }
      const accuracies = results.map(({ testAccuracy }) => testAccuracy);
      const losses = results.map(({ testLoss }) => testLoss);
      found[`${recipe} ${precision}`] = `accuracy ${listOf(accuracies)}; loss ${listOf(losses)}`;
    }
  }
  return found;
}

async function runOnce(settings: readonly string[]) {
  const folder = await mkdtemp(join(tmpdir(), 'tessera-bench-'));
  try {
    const runFolder = join(folder, 'run');
    const run = await train('quickstart', { runFolder, set: [...SMALL, ...settings] });
    return await run.result;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Numbers and their mean. */
function listOf(values: readonly number[]): string {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return `${values.map((value) => value.toFixed(4)).join(' ')}, mean ${mean.toFixed(4)}`;
}
