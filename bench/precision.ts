/**
 * @file Whether recipes learn in bf16 what they learn in f32: the embedded digits, three seeds each, whole runs with real
 * processes. `precision` is about products of matrices, on xla-cpu; `rounding` about what is exchanged, on any CPU. Each
 * takes ten to twenty minutes of two cores, so they run by name only.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { train } from '../launch/train.ts';
import { engineOf } from '../shared/compute/engines/registry.ts';

const SEEDS = [1, 2, 3];
const PRECISIONS = {
  f32: ['training.precision=f32'],
  bf16: ['training.precision=bf16'],
};
const XLA = ['compute.engine=xla', 'compute.provider=cpu'];
const EXCHANGES = {
  f32: [],
  bf16: ['exchange.gradients=bf16', 'exchange.parameters=bf16'],
};
/** Settings over configs/quickstart.yaml: a quarter of its width, and fewer epochs. */
const SMALL = [
  ...['model.width=32', 'model.depth=2', 'training.microBatch=64', 'evaluation.everyEpochs=0'],
  ...['training.schedule.warmupSteps=20', 'cluster.workers=1', 'compute.threads=1'],
];
const RECIPES = {
  plain: ['training.epochs=3'],
  mixed: [
    ...['training.epochs=4', 'model.dropout=0.05', 'model.stochasticDepth=0.1'],
    ...['data.augment.mixup=0.2', 'training.labelSmoothing=0.1', 'training.averageDecay=0.99'],
  ],
} as const;

/** Test accuracy and loss by `RECIPE VARIANT`, each a list by seed, and their means. */
type Learned = Readonly<Record<string, string>>;
type Settings = readonly string[];

/** Trains the recipes in each precision, where xla-cpu is installed. */
export async function benchPrecision(): Promise<Learned | { readonly skipped: string }> {
  const skipped = await engineOf('xla-cpu').lacking?.();
  return skipped === undefined ? trainAll(PRECISIONS, XLA) : { skipped };
}

/** Trains the recipes with gradients and parameters of each kind. */
export function benchRounding(): Promise<Learned> {
  return trainAll(EXCHANGES, ['compute.engine=onnxruntime']);
}

async function trainAll(
  variants: Readonly<Record<string, Settings>>,
  engine: Settings,
): Promise<Learned> {
  const found: Record<string, string> = {};
  for (const [recipe, settings] of Object.entries(RECIPES)) {
    for (const [variant, own] of Object.entries(variants)) {
      const results = [];
      for (const seed of SEEDS) {
        results.push(await runOnce([...engine, ...settings, ...own, `seed=${seed}`]));
      }
      const accuracies = results.map(({ testAccuracy }) => testAccuracy);
      const losses = results.map(({ testLoss }) => testLoss);
      found[`${recipe} ${variant}`] = `accuracy ${listOf(accuracies)}; loss ${listOf(losses)}`;
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
