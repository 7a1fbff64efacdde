/** @file Whether two runs went alike, step by step, by the sums of their parameters. Pure. */
import type { RunMetrics, StepRecord } from './metrics.ts';

/** Figures of a step that were computed from the parameters before it. */
const FIGURES = ['loss', 'gradientNorm', 'learningRate'] as const;

/** Two runs, step by step. */
export interface StepComparison {
  /** Steps of which both have sums: how many, the first and the last. */
  readonly compared: number;
  readonly firstStep: number | undefined;
  readonly lastStep: number | undefined;
  /** The first of them after which the parameters differ. */
  readonly differsAt: number | undefined;
  /** Whether the parameters before that step were compared too: otherwise the difference may be older. */
  readonly isExact: boolean;
  /** From this step on they are the same again. */
  readonly sameAgainAt: number | undefined;
  /** Figures of the step `differsAt` that differ too. */
  readonly figures: readonly (typeof FIGURES)[number][];
  /** Parameters before the first step; undefined where a run has none on record. */
  readonly beganAlike: boolean | undefined;
}

/** Compares two runs. */
export function compareSteps(one: RunMetrics, other: RunMetrics): StepComparison {
  const others = new Map(other.steps.map((step) => [step.step, step]));
  const pairs = one.steps.flatMap((step) => {
    const isSame = areSame(step.parameterSums, others.get(step.step)?.parameterSums);
    return isSame === undefined ? [] : [{ step, isSame }];
  });
  const beganAlike = areSame(one.origins.firstSums, other.origins.firstSums);
  const first = pairs.findIndex(({ isSame }) => !isSame);
  const last = pairs.findLastIndex(({ isSame }) => !isSame);
  const differs = pairs[first]?.step;
  const before = pairs[first - 1]?.step.step;
  return {
    compared: pairs.length,
    firstStep: pairs[0]?.step.step,
    lastStep: pairs.at(-1)?.step.step,
    differsAt: differs?.step,
    isExact: differs?.step === 1 ? beganAlike !== undefined : before === Number(differs?.step) - 1,
    sameAgainAt: first < 0 ? undefined : pairs[last + 1]?.step.step,
    figures: differs === undefined ? [] : differingFigures(differs, others.get(differs.step)),
    beganAlike,
  };
}

function differingFigures(one: StepRecord, other: StepRecord | undefined) {
  return FIGURES.filter((figure) => !Object.is(one[figure], other?.[figure]));
}

/** Undefined where one of them is not known. */
function areSame(one: string | undefined, other: string | undefined): boolean | undefined {
  return one === undefined || other === undefined ? undefined : one === other;
}
