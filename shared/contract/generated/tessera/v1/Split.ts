// Original file: proto/tessera/v1/exchange.proto

export const Split = {
  SPLIT_UNSPECIFIED: 'SPLIT_UNSPECIFIED',
  SPLIT_TRAIN: 'SPLIT_TRAIN',
  SPLIT_TEST: 'SPLIT_TEST',
  SPLIT_VALIDATION: 'SPLIT_VALIDATION',
} as const;

export type Split =
  | 'SPLIT_UNSPECIFIED'
  | 0
  | 'SPLIT_TRAIN'
  | 1
  | 'SPLIT_TEST'
  | 2
  | 'SPLIT_VALIDATION'
  | 3

export type Split__Output = typeof Split[keyof typeof Split]
