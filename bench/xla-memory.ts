/**
 * @file Whether the memory of a worker on XLA stays flat: steps of new parameters and a node of leaves on two devices of
 * the CPU plugin, with what the process takes (RSS) and what it owns in the plugin.
 */
import { compileProgram, engineOf } from '../shared/compute/engines/registry.ts';
import { liveHandles } from '../shared/compute/engines/xla/handle.ts';
import type { LeafInputs, Program, ProgramSpec } from '../shared/compute/program.ts';
import { initialParameters } from '../shared/model/init.ts';
import { feedOrder } from '../shared/training/slots.ts';
import { median } from './figures/median.ts';
import { leafOf } from './step.ts';

const STEPS = 2_000;
const NODE = { first: 0, count: 4, numLeaves: 4 } as const;
const DEVICES = [0, 1];
/** The model of configs/quickstart.yaml. */
const SPEC: ProgramSpec = {
  model: {
    ...{ imageSize: 28, channels: 1, patchSize: 7, numClasses: 10 },
    ...{ width: 64, depth: 4, heads: 4, mlpWidth: 256 },
  },
  microBatch: 8,
  labelSmoothing: 0,
};

/** Units  MiB, medians of a quarter of the steps. */
interface MemoryBench {
  readonly steps: number;
  readonly secondQuarterMiB: number;
  readonly lastQuarterMiB: number;
  /** The last quarter over the second. */
  readonly growth: number;
  /** Most and fewest buffers, programs and events between two steps after the first. */
  readonly handlesMax: number;
  readonly handlesMin: number;
}

/** Runs the steps, where xla-cpu is installed. */
export async function benchXlaMemory(): Promise<MemoryBench | { readonly skipped: string }> {
  const skipped = await engineOf('xla-cpu').lacking?.();
  if (skipped !== undefined) return { skipped };
  const program = await compileProgram(SPEC, { id: 'xla-cpu', threads: 1, devices: DEVICES });
  const parameters = initialParameters(SPEC.model, 1);
  const leaf = leafOf(SPEC);
  const rss: number[] = [];
  const handles: number[] = [];
  for (let step = 0; step < STEPS; step += 1) {
    await takeStep(program, parameters, leaf);
    rss.push(process.memoryUsage.rss() / 2 ** 20);
    handles.push(Object.values(liveHandles()).reduce((sum, count) => sum + count, 0));
  }
  await program.dispose();
  const quarter = (index: number) =>
    median(rss.slice((index * STEPS) / 4, ((index + 1) * STEPS) / 4));
  return {
    steps: STEPS,
    secondQuarterMiB: quarter(1),
    lastQuarterMiB: quarter(3),
    growth: quarter(3) / quarter(1),
    handlesMax: Math.max(...handles),
    handlesMin: Math.min(...handles),
  };
}

/** A step of plain gradient descent. */
async function takeStep(
  program: Program,
  parameters: Float32Array,
  leaf: LeafInputs,
): Promise<void> {
  program.setParameters(parameters);
  program.beginNode({ ...NODE, kind: 'train' });
  for (const index of feedOrder(NODE, program.slots)) await program.addLeaf(leaf, index);
  const { gradient, samples } = await program.endNode();
  for (const [index, value] of (gradient as Float32Array).entries()) {
    parameters[index] = (parameters[index] as number) - (0.01 * value) / samples;
  }
}
