/** @file The parts of the data, the kinds of work on them, and leaves of a round: shared by all folders. */

/** Which part of the data set. */
export type Split = 'train' | 'validation' | 'test';

/** What a round computes: the gradient of a training step, or the evaluation of a version on images not trained on. */
export type WorkKind = 'train' | 'validate' | 'test';

/** The kinds of evaluation: on the split that chooses the best version, or the test. */
export type JudgingKind = Exclude<WorkKind, 'train'>;

/** Where a run stands; the last two are its ends. */
export const RUN_PHASES = [
  ...(['waiting', 'training', 'evaluating', 'saving'] as const),
  ...(['done', 'failed'] as const),
] as const;
export type RunPhase = (typeof RUN_PHASES)[number];

const SPLITS = { train: 'train', validate: 'validation', test: 'test' } as const;

/** The split whose samples a kind of work needs. */
export function splitOf<Kind extends WorkKind>(kind: Kind): (typeof SPLITS)[Kind] {
  return SPLITS[kind];
}

/** The display name of a split's images. */
export const SPLIT_WORDS: Readonly<Record<Split, string>> = {
  train: 'training',
  validation: 'validation',
  test: 'test',
};

/** One value for each split. */
export function forEachSplit<T>(make: (split: Split) => T): Record<Split, T> {
  return { train: make('train'), validation: make('validation'), test: make('test') };
}

/** Half-open range of leaves [first, first + count). */
export interface LeafRange {
  readonly first: number;
  readonly count: number;
}

/** Leaves of a range, in order. */
export function leavesOf({ first, count }: LeafRange): number[] {
  return Array.from({ length: count }, (_, index) => first + index);
}

/** What the samples of a node add up to, beside its vector. */
export interface NodeTotals {
  readonly lossSum: number;
  readonly correct: number;
  readonly samples: number;
}
