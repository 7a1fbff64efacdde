// Original file: proto/tessera/v1/control.proto

export const WorkKind = {
  WORK_KIND_UNSPECIFIED: 'WORK_KIND_UNSPECIFIED',
  WORK_KIND_TRAIN: 'WORK_KIND_TRAIN',
  WORK_KIND_EVALUATE: 'WORK_KIND_EVALUATE',
} as const;

export type WorkKind =
  | 'WORK_KIND_UNSPECIFIED'
  | 0
  | 'WORK_KIND_TRAIN'
  | 1
  | 'WORK_KIND_EVALUATE'
  | 2

export type WorkKind__Output = typeof WorkKind[keyof typeof WorkKind]
