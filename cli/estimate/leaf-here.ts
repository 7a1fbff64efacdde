/** @file What a leaf takes on this machine: measured, as the workers of a run would compute it. */
import { type LeafPlan, type MeasuredLeaf, measureLeaf } from '../../launch/replay/measure.ts';
import { findDevices } from '../../shared/machine/devices.ts';
import type { LeafFacts } from '../../tools/estimate/run.ts';
import type { Line } from '../../tools/estimate/step.ts';

/** A leaf, and what other programs took of the cores meanwhile. */
export interface LeafHere extends Pick<MeasuredLeaf, 'others'> {
  readonly leaf: LeafFacts;
}

/** What a leaf is measured for: other settings than the one that was asked for are compared, or not. */
interface LeafUse {
  readonly forBest: boolean;
}

/**
 * Measures a leaf of the micro-batch, and one of half the size, which shows what a leaf takes itself, and what an image.
 * Where workers share the cores that compute, another number of workers shows what that costs.
 *
 * Throws  what keeps the measurements from being made.
 */
export async function leafHere(plan: LeafPlan, { forBest }: LeafUse): Promise<LeafHere> {
  const { microBatch, workers } = plan;
  const whole = await measureLeaf(plan);
  const small = Math.max(1, Math.floor(microBatch / 2));
  const half =
    forBest && small < microBatch
      ? await measureLeaf({ ...plan, microBatch: small, batchSize: plan.batchSize / 2 })
      : undefined;
  const { gpus, numThreads } = await findDevices();
  const hasCores = gpus.length === 0 && whole.deviceBytes === undefined;
  const otherCount = workers === 1 ? Math.min(2, numThreads) : 1;
  const crowded =
    forBest && hasCores && otherCount !== workers
      ? await measureLeaf({ ...plan, workers: otherCount })
      : undefined;
  const perImage = (of: (leaf: MeasuredLeaf) => number) =>
    half === undefined ? undefined : Math.max(0, (of(whole) - of(half)) / (microBatch - small));
  const image = perImage(({ seconds }) => seconds) ?? whole.seconds / microBatch;
  const leaf: LeafFacts = {
    ...{ source: 'measured', device: whole.engine, devices: whole.slots, measuredAt: microBatch },
    cost: { image, fixed: Math.max(0, whole.seconds - image * microBatch) },
    crowding: crowded && crowdingOf([workers, whole.seconds], [otherCount, crowded.seconds]),
    workersMax: hasCores ? numThreads : Math.max(1, gpus.length),
    ...{ hostBytes: whole.hostBytes, deviceBytes: whole.deviceBytes, deviceLimit: undefined },
    imageBytes: perImage(({ hostBytes }) => hostBytes) ?? 0,
  };
  return { leaf, others: Math.max(...[whole, half, crowded].map((it) => it?.others ?? 0)) };
}

/** The line through two numbers of workers, as multiples of the first. */
function crowdingOf(
  [workers, seconds]: readonly [number, number],
  [otherCount, otherSeconds]: readonly [number, number],
): Line {
  const each = (otherSeconds / seconds - 1) / (otherCount - workers);
  return { each, fixed: 1 - each * workers };
}
