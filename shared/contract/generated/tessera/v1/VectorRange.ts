// Original file: proto/tessera/v1/exchange.proto

import type { Long } from '@grpc/proto-loader';

/**
 * A range of a vector that travels on several lanes: each is a call of its own, whose chunks are those of its range.
 */
export interface VectorRange {
  /**
   * Names the vector among those of its session: the ranges of one vector have the same.
   */
  'transfer'?: (number | string | Long);
  /**
   * First value in the whole vector.
   */
  'first'?: (number | string | Long);
  'count'?: (number | string | Long);
  /**
   * Values of the whole vector.
   */
  'total'?: (number | string | Long);
}

/**
 * A range of a vector that travels on several lanes: each is a call of its own, whose chunks are those of its range.
 */
export interface VectorRange__Output {
  /**
   * Names the vector among those of its session: the ranges of one vector have the same.
   */
  'transfer': (number);
  /**
   * First value in the whole vector.
   */
  'first': (number);
  'count': (number);
  /**
   * Values of the whole vector.
   */
  'total': (number);
}
