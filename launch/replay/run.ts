/**
 * @file A short run whose workers replay a fixed time: coordinator and workers are processes of the product, only the
 * engine waits in place of computing.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { StepTimings } from '../../shared/runs/events.ts';
import { ReplayChild } from './child.ts';
import type { CoordinatorTask } from './coordinator.ts';
import type { Report, Usage, WorkerFacts } from './usage.ts';

/** A run to be replayed. */
export interface ReplayPlan {
  /** A config whose data are here. */
  readonly config: string;
  readonly set: readonly string[];
  readonly workers: number;
  /** What a leaf takes; with `real` it is computed, on so many threads. */
  readonly leafMs: number | { readonly real: number };
  /** Steps that count; those before them are left out. */
  readonly steps: number;
  readonly firstSteps?: number;
  /** Where workers find the coordinator, such as a relay to it; the coordinator itself unless given. */
  readonly linkTo?: (address: string) => Promise<string>;
}

/** What was measured. Units  milliseconds, medians over the steps; seconds of a core a step; bytes. */
export interface Replayed {
  readonly timings: StepTimings;
  readonly coordinator: Usage;
  /** Of all workers together: seconds; of the largest: bytes. */
  readonly workers: Usage;
  /** The engine of one of them, and its devices. */
  readonly engine: WorkerFacts | undefined;
}

/** Making parameters, hashing them and joining take a while in a large model. */
const STEP_MS_MAX = 600_000;

/** Runs and measures. Throws  INTERNAL or TIMEOUT when a process fails. */
export async function replay(plan: ReplayPlan): Promise<Replayed> {
  const { config, set, workers, leafMs, steps, firstSteps = 2 } = plan;
  const folder = await mkdtemp(join(tmpdir(), 'tessera-replay-'));
  const task: CoordinatorTask = { config, set, runFolder: join(folder, 'run') };
  const coordinator = new ReplayChild('coordinator', [JSON.stringify(task)]);
  const children: ReplayChild[] = [];
  try {
    const { address } = await coordinator.report('address', STEP_MS_MAX);
    const dialled = (await plan.linkTo?.(address)) ?? address;
    for (let index = 0; index < workers; index += 1) {
      const engine = typeof leafMs === 'number' ? [String(leafMs)] : ['real', String(leafMs.real)];
      children.push(new ReplayChild('worker', [dialled, ...engine]));
    }
    const found: Extract<Report, { type: 'step' }>[] = [];
    const after = async (count: number) => {
      const steps = coordinator.report('step', STEP_MS_MAX, (it) => found.push(it) >= count);
      await Promise.race([steps, ...children.map(({ failed }) => failed)]);
    };
    await after(firstSteps);
    const before = await usageOf(children);
    await after(firstSteps + steps);
    const now = await usageOf(children);
    const counted = found.slice(firstSteps, firstSteps + steps);
    const [start, end] = [found[firstSteps - 1], counted.at(-1)].map((report) => report?.usage);
    return {
      timings: mediansOf(counted.map(({ timings }) => timings)),
      coordinator: perStep(start as Usage, end as Usage, steps),
      workers: perStep(before, now, steps),
      engine: (await coordinator.usage()).workers?.[0],
    };
  } finally {
    for (const child of [coordinator, ...children]) child.kill();
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** Seconds of all together, bytes of the largest. */
async function usageOf(children: readonly ReplayChild[]): Promise<Usage> {
  const all = await Promise.all(children.map(async (child) => (await child.usage()).usage));
  return {
    cpuSeconds: all.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0),
    peakBytes: Math.max(0, ...all.map(({ peakBytes }) => peakBytes)),
  };
}

function perStep(start: Usage, end: Usage, steps: number): Usage {
  return { cpuSeconds: (end.cpuSeconds - start.cpuSeconds) / steps, peakBytes: end.peakBytes };
}

/** The middle of some values, which a slow moment of the machine does not move. */
function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}

/** Medians of each time. */
function mediansOf(steps: readonly StepTimings[]): StepTimings {
  const names = Object.keys(steps[0] ?? {}) as (keyof StepTimings)[];
  const pairs = names.map((name) => [name, median(steps.map((step) => step[name]))]);
  return Object.fromEntries(pairs) as StepTimings;
}
