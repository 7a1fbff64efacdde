// Original file: proto/tessera/v1/exchange.proto

import type { ValueType as _tessera_v1_ValueType, ValueType__Output as _tessera_v1_ValueType__Output } from '../../tessera/v1/ValueType.ts';
import type { VectorRange as _tessera_v1_VectorRange, VectorRange__Output as _tessera_v1_VectorRange__Output } from '../../tessera/v1/VectorRange.ts';
import type { Long } from '@grpc/proto-loader';

export interface PullRequest {
  'session'?: (string);
  'version'?: (number | string | Long);
  /**
   * First requested value. A worker that has the frozen part requests only the rest.
   */
  'first'?: (number | string | Long);
  /**
   * The moving average of the weights up to that version, instead of the weights.
   */
  'average'?: (boolean);
  /**
   * What the values are on the wire: bfloat16 are the nearest to the coordinator's own, ties to even.
   */
  'valueType'?: (_tessera_v1_ValueType);
  /**
   * How long the reply may wait for a version that is still to come: the next one. 0, and an older coordinator: not at all.
   */
  'waitMs'?: (number);
  /**
   * On a lane: which part of the whole version is asked for; `first` is where all ranges of the pull begin.
   */
  'range'?: (_tessera_v1_VectorRange | null);
  /**
   * Into the memory of the session, where it has any.
   */
  'intoMemory'?: (boolean);
}

export interface PullRequest__Output {
  'session': (string);
  'version': (number);
  /**
   * First requested value. A worker that has the frozen part requests only the rest.
   */
  'first': (number);
  /**
   * The moving average of the weights up to that version, instead of the weights.
   */
  'average': (boolean);
  /**
   * What the values are on the wire: bfloat16 are the nearest to the coordinator's own, ties to even.
   */
  'valueType': (_tessera_v1_ValueType__Output);
  /**
   * How long the reply may wait for a version that is still to come: the next one. 0, and an older coordinator: not at all.
   */
  'waitMs': (number);
  /**
   * On a lane: which part of the whole version is asked for; `first` is where all ranges of the pull begin.
   */
  'range': (_tessera_v1_VectorRange__Output | null);
  /**
   * Into the memory of the session, where it has any.
   */
  'intoMemory': (boolean);
}
