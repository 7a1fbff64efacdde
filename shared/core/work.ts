/** @file Which part of the data is worked on, and what for: words that the whole house shares. */

/** Which part of the data set. */
export type Split = 'train' | 'validation' | 'test';

/** What a round computes: a training step's gradient, or how well a version does on images that it was not trained on. */
export type WorkKind = 'train' | 'validate' | 'test';

/** What a version is judged by: the split that chooses the best one, or the test. */
export type JudgingKind = Exclude<WorkKind, 'train'>;

const SPLITS = { train: 'train', validate: 'validation', test: 'test' } as const;

/** The split whose samples a kind of work needs. */
export function splitOf<Kind extends WorkKind>(kind: Kind): (typeof SPLITS)[Kind] {
  return SPLITS[kind];
}

/** What the images of a split are called. */
export const SPLIT_WORDS: Readonly<Record<Split, string>> = {
  train: 'training',
  validation: 'validation',
  test: 'test',
};

/** The same thing for each split. */
export function forEachSplit<T>(make: (split: Split) => T): Record<Split, T> {
  return { train: make('train'), validation: make('validation'), test: make('test') };
}
