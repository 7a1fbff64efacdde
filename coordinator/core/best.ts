/** @file The best version so far, and the one that the end is tested with. */

import { isPlausible } from '../../shared/core/divergence.ts';
import type { JudgingKind, NodeTotals } from '../../shared/core/work.ts';
import type { RunPlan } from './messages.ts';
import { judgingKind } from './plan.ts';

/** A version and what it got right of the samples that choose the best. */
export interface BestVersion {
  readonly version: number;
  readonly accuracy: number;
}

/** What evaluations have said of a run's versions. */
export class Best {
  readonly #plan: RunPlan;
  /** By the evaluations that choose it. */
  #best: BestVersion | undefined;
  /** The version that the last evaluation is of: the best, or the newest where the best cannot be had any more. */
  #tested: number | undefined;

  constructor(plan: RunPlan, best: BestVersion | undefined) {
    this.#plan = plan;
    this.#best = best;
  }

  /** The best version, where one has been judged. */
  get version(): number | undefined {
    return this.#best?.version;
  }

  /** The version that the test is of, once that is decided. */
  get tested(): number | undefined {
    return this.#tested;
  }

  /** Whether the test is of the best version, and that is neither the newest nor asked for yet. */
  isAway(newest: number): boolean {
    if (judgingKind(this.#plan) === 'test' || this.#tested !== undefined) return false;
    return this.#best !== undefined && this.#best.version !== newest;
  }

  /** Notes whether the best version is there to be tested. */
  restored(version: number, isThere: boolean, newest: number): void {
    this.#tested = isThere ? version : newest;
  }

  /** Records the result of a version; returns whether it is the best so far. A diverged version is right only by chance. */
  judged(kind: JudgingKind, version: number, totals: NodeTotals): boolean {
    const accuracy = totals.correct / totals.samples;
    const isCandidate =
      kind === judgingKind(this.#plan) && isPlausible({ loss: totals.lossSum / totals.samples });
    const isBest = isCandidate && accuracy > (this.#best?.accuracy ?? Number.NEGATIVE_INFINITY);
    if (isBest) this.#best = { version, accuracy };
    return isBest;
  }
}
