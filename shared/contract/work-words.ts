/** @file What kinds of work and splits are called on the wire; coordinator and worker read the same lists. */
import type { Split, WorkKind } from '../core/work.ts';

/** Our kinds of work in the wire's words. */
export const WIRE_KINDS = {
  train: 'WORK_KIND_TRAIN',
  validate: 'WORK_KIND_VALIDATE',
  test: 'WORK_KIND_TEST',
} as const satisfies Record<WorkKind, string>;

/** The wire's kinds of work in ours. */
export const WORK_KINDS: Readonly<Record<string, WorkKind>> = {
  WORK_KIND_TRAIN: 'train',
  WORK_KIND_VALIDATE: 'validate',
  WORK_KIND_TEST: 'test',
};

/** Our splits in the wire's words. */
export const WIRE_SPLITS = {
  train: 'SPLIT_TRAIN',
  validation: 'SPLIT_VALIDATION',
  test: 'SPLIT_TEST',
} as const satisfies Record<Split, string>;

/** The wire's splits in our words. */
export const SPLITS: Readonly<Record<string, Split>> = {
  SPLIT_TRAIN: 'train',
  SPLIT_VALIDATION: 'validation',
  SPLIT_TEST: 'test',
};
