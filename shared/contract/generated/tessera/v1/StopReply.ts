// Original file: proto/tessera/v1/control.proto

import type { Long } from '@grpc/proto-loader';

/**
 * The stop has started; the coordinator ends once the run is saved.
 */
export interface StopReply {
  'run'?: (string);
  'runFolder'?: (string);
  'step'?: (number | string | Long);
}

/**
 * The stop has started; the coordinator ends once the run is saved.
 */
export interface StopReply__Output {
  'run': (string);
  'runFolder': (string);
  'step': (number);
}
