// Original file: proto/tessera/v1/control.proto

export const WorkKind = {
  WORK_KIND_UNSPECIFIED: 'WORK_KIND_UNSPECIFIED',
  WORK_KIND_TRAIN: 'WORK_KIND_TRAIN',
  /**
   * An evaluation on the test split. Its version is the best, which can be older than the newest.
   */
  WORK_KIND_TEST: 'WORK_KIND_TEST',
  /**
   * An evaluation on the validation split.
   */
  WORK_KIND_VALIDATE: 'WORK_KIND_VALIDATE',
} as const;

export type WorkKind =
  | 'WORK_KIND_UNSPECIFIED'
  | 0
  | 'WORK_KIND_TRAIN'
  | 1
  /**
   * An evaluation on the test split. Its version is the best, which can be older than the newest.
   */
  | 'WORK_KIND_TEST'
  | 2
  /**
   * An evaluation on the validation split.
   */
  | 'WORK_KIND_VALIDATE'
  | 3

export type WorkKind__Output = typeof WorkKind[keyof typeof WorkKind]
