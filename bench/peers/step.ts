/** @file One step of ViT-Ti/16, forward and backward, beside PyTorch's: eager, compiled, and in bfloat16. */
import { fileURLToPath } from 'node:url';
import { parseVariant } from '../../shared/model/variants.ts';
import { LineProcess } from '../gpu/lines.ts';
import { median } from '../median.ts';
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
const SIDES = {
  eager: { precision: 'f32', compile: false },
  compiled: { precision: 'f32', compile: true },
  bf16: { precision: 'bf16', compile: false },
  compiledBf16: { precision: 'bf16', compile: true },
} as const;

/** Measures each cell by turns. */
export async function benchStep(python: string): Promise<object> {
  const results: Record<string, object> = {};
  for (const batch of BATCHES) {
    for (const threads of THREADS) {
      const cell = `batch ${batch}, ${threads} thread${threads === 1 ? '' : 's'}`;
      console.error(`    ${cell}`);
      results[cell] = await measureCell(python, batch, threads);
    }
  }
  return results;
}

async function measureCell(python: string, microBatch: number, threads: number): Promise<object> {
  const model = { ...parseVariant('Ti/16'), imageSize: 224, channels: 3, numClasses: 1000 };
  const signal = AbortSignal.timeout(DEADLINE_MS);
  const ours = [process.execPath, OURS, JSON.stringify({ model, microBatch, threads })];
  const commands = Object.entries(SIDES).map(([name, side]) => {
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
  return {
    ...compareSides(Object.fromEntries(sides.map(({ name, speeds }) => [name, speeds]))),
    stepMs: Object.fromEntries(step),
    peakMiB: Object.fromEntries(
      sides.map(({ name, bytes }) => [name, Math.round(bytes / 2 ** 20)]),
    ),
  };
}
