/** @file Where more workers, or larger leaves, stop paying. Pure. */

/** Doubling the workers must save at least this share of a step; all of the gain would be a half. */
const SAVES_MIN = 0.2;

const NOISE = 0.03;

/** A choice and the step that comes of it. Units  seconds. */
export interface Choice {
  readonly workers: number;
  readonly microBatch: number;
  readonly stepSeconds: number;
}

/**
 * The number of workers (1, 2, 4 ... `workersMax`) up to which each doubling saves a fifth of the step or more, with the
 * micro-batch of the shortest step.
 */
export function bestChoice(
  sizes: readonly number[],
  workersMax: number,
  stepSeconds: (workers: number, microBatch: number) => number,
): Choice {
  const at = (workers: number): Choice => {
    const choices = sizes.map((microBatch) => ({
      ...{ workers, microBatch, stepSeconds: stepSeconds(workers, microBatch) },
    }));
    // From the largest down: smaller leaves must save more than what a measurement is off by.
    return choices.reduceRight((best, one) =>
      one.stepSeconds < (1 - NOISE) * best.stepSeconds ? one : best,
    );
  };
  let best = at(1);
  for (let workers = 2; workers <= workersMax; workers *= 2) {
    const next = at(workers);
    if (next.stepSeconds > (1 - SAVES_MIN) * best.stepSeconds) break;
    best = next;
  }
  return best;
}
