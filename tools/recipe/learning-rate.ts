/** @file A learning rate from the losses of a run whose rate rises at each step. Pure. */

/** A step of such a run. */
export interface RatedLoss {
  readonly learningRate: number;
  readonly loss: number;
}

/** What the losses say. */
export interface FoundRate {
  /** Undefined where the loss never fell. */
  readonly suggestion: number | undefined;
  /** Where the loss was smallest; a larger rate makes it worse. */
  readonly best: number;
  /** The losses, smoothed, up to where they have grown out of all bounds. */
  readonly smoothed: readonly RatedLoss[];
}

/** Weight of what came before in a smoothed loss. */
const SMOOTHING = 0.9;
/** A loss that is so many times the smallest is lost. */
const LOST = 3;
/** The smallest loss is already too late: noise hides that it grows. */
const MARGIN = 10;

/** Whether a run has seen enough: its loss is lost. */
export function isLost(losses: readonly RatedLoss[]): boolean {
  const values = smooth(losses).map(({ loss }) => loss);
  const last = values.at(-1) ?? 0;
  return !Number.isFinite(last) || last > LOST * Math.min(...values);
}

/**
 * The rate where the loss falls fastest, but no more than a tenth of that of the smallest loss.
 *
 * Source  Smith 2015 (arXiv:1506.01186), section 3.3; the suggestion is fast.ai's "steep", bounded by its "minimum / 10".
 */
export function findRate(losses: readonly RatedLoss[]): FoundRate {
  const all = smooth(losses);
  const lost = all.findIndex(
    ({ loss }, at) => isLost(losses.slice(0, at + 1)) || !Number.isFinite(loss),
  );
  const smoothed = lost < 0 ? all : all.slice(0, lost);
  const lowest = smoothed.reduce(
    (low, it, at) => (it.loss < (smoothed[low] as RatedLoss).loss ? at : low),
    0,
  );
  let [steepest, slope] = [-1, 0];
  for (let at = 1; at < lowest; at += 1) {
    const fall = ((smoothed[at + 1] as RatedLoss).loss - (smoothed[at - 1] as RatedLoss).loss) / 2;
    if (fall < slope) [steepest, slope] = [at, fall];
  }
  const best = smoothed[lowest]?.learningRate ?? Number.NaN;
  const steep = smoothed[steepest]?.learningRate;
  const suggestion = steep === undefined ? undefined : rounded(Math.min(steep, best / MARGIN));
  return { suggestion, best, smoothed };
}

/** Exponential means whose first values are not drawn towards 0. */
function smooth(losses: readonly RatedLoss[]): RatedLoss[] {
  let mean = 0;
  return losses.map(({ learningRate, loss }, at) => {
    mean = SMOOTHING * mean + (1 - SMOOTHING) * loss;
    return { learningRate, loss: mean / (1 - SMOOTHING ** (at + 1)) };
  });
}

/** One digit: more would promise too much. */
function rounded(rate: number): number {
  return Number(rate.toPrecision(1));
}
