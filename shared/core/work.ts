/** @file The parts of the data, and the kinds of work on them: shared by all folders. */

/** Which part of the data set. */
export type Split = 'train' | 'validation' | 'test';

/** What a round computes: the gradient of a training step, or the evaluation of a version on images not trained on. */
export type WorkKind = 'train' | 'validate' | 'test';

/** The kinds of evaluation: on the split that chooses the best version, or the test. */
export type JudgingKind = Exclude<WorkKind, 'train'>;

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
