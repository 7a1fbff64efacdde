/**
 * @file One step of ViT-Ti/16 and S/16, forward and backward, beside PyTorch's: eager, and for Ti/16 also compiled and in
 * bfloat16.
 */
import { fileURLToPath } from 'node:url';
import { LARGE_PAGES } from '../../launch/worker-process.ts';
import { parseVariant } from '../../shared/model/variants.ts';
import { median } from '../figures/median.ts';
import { LineProcess } from '../gpu/lines.ts';
import { compareSides } from './torch.ts';

const OURS = fileURLToPath(new URL('./ours.js', import.meta.url));
/** Python is not compiled: it stays where it is written. */
const PEER = fileURLToPath(new URL('../../../bench/gpu/peer.py', import.meta.url));
const BATCHES = [8, 32];
const THREADS = [1, 2];
const ROUNDS = 5;
/** At least one step of each side in each round. */
const SECONDS_EACH = 3;
const DEADLINE_MS = 1_500_000;

/** Sides of PyTorch, by how they are run. */
const EAGER = { eager: { precision: 'f32', compile: false } } as const;
const SIDES = {
  ...EAGER,
  compiled: { precision: 'f32', compile: true },
  bf16: { precision: 'bf16', compile: false },
  compiledBf16: { precision: 'bf16', compile: true },
} as const;

/** Measures each cell by turns. */
export async function benchStep(python: string): Promise<object> {
  const results: Record<string, object> = {};
  for (const variant of ['Ti/16', 'S/16']) {
    for (const batch of BATCHES) {
      for (const threads of THREADS) {
        const cell = `${variant}, batch ${batch}, ${threads} thread${threads === 1 ? '' : 's'}`;
        console.error(`    ${cell}`);
        results[cell] = await measureCell(python, variant, batch, threads);
      }
    }
  }
  return results;
}

async function measureCell(
  python: string,
  variant: string,
  microBatch: number,
  threads: number,
): Promise<object> {
  const model = { ...parseVariant(variant), imageSize: 224, channels: 3, numClasses: 1000 };
  const signal = AbortSignal.timeout(DEADLINE_MS);
  // As a worker's process is started.
  const pages = Object.entries(LARGE_PAGES).map(([name, value]) => `${name}=${value}`);
  const request = JSON.stringify({ model, microBatch, threads });
  const ours = ['env', ...pages, process.execPath, OURS, request];
  const commands = Object.entries(variant === 'Ti/16' ? SIDES : EAGER).map(([name, side]) => {
    const request = JSON.stringify({ ...model, microBatch, leaves: 1, ...side });
    return [name, ['env', `OMP_NUM_THREADS=${threads}`, python, PEER, request]] as const;
  });
  const sides = [['ours', ours] as const, ...commands].map(([name, command]) => ({
    name,
    process: new LineProcess(command, signal),
    speeds: [] as number[],
    bytes: 0,
  }));
  try {
    for (const { process } of sides) await process.next();
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const side of sides) {
        const reply = await side.process.ask(`measure ${SECONDS_EACH}`);
        side.speeds.push(Number(reply['imagesPerSecond']));
        side.bytes = Number(reply['bytesPeak']);
      }
    }
  } finally {
    for (const { process } of sides) process.end();
  }
  const step = sides.map(({ name, speeds }) => [
    name,
    Math.round((1000 * microBatch) / median(speeds)),
  ]);
  const [own, eager] = ['ours', 'eager'].map((side) => sides.find(({ name }) => name === side));
  return {
    memoryOverEager: Number(((own?.bytes ?? 0) / (eager?.bytes ?? 0)).toFixed(2)),
    ...compareSides(Object.fromEntries(sides.map(({ name, speeds }) => [name, speeds]))),
    stepMs: Object.fromEntries(step),
    peakMiB: Object.fromEntries(
      sides.map(({ name, bytes }) => [name, Math.round(bytes / 2 ** 20)]),
    ),
  };
}
