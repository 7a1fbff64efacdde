// Original file: proto/tessera/v1/exchange.proto

import type { WorkKind as _tessera_v1_WorkKind, WorkKind__Output as _tessera_v1_WorkKind__Output } from '../../tessera/v1/WorkKind.ts';
import type { Timings as _tessera_v1_Timings, Timings__Output as _tessera_v1_Timings__Output } from '../../tessera/v1/Timings.ts';
import type { ValueType as _tessera_v1_ValueType, ValueType__Output as _tessera_v1_ValueType__Output } from '../../tessera/v1/ValueType.ts';
import type { VectorRange as _tessera_v1_VectorRange, VectorRange__Output as _tessera_v1_VectorRange__Output } from '../../tessera/v1/VectorRange.ts';
import type { Long } from '@grpc/proto-loader';

/**
 * An aligned range of leaves and the sums over its samples.
 */
export interface Node {
  'session'?: (string);
  'kind'?: (_tessera_v1_WorkKind);
  'step'?: (number | string | Long);
  'version'?: (number | string | Long);
  'first'?: (number);
  'count'?: (number);
  /**
   * Sum of the losses of the samples.
   */
  'lossSum'?: (number | string);
  'correct'?: (number);
  /**
   * Samples that counted (weight 1).
   */
  'samples'?: (number);
  /**
   * Indices of samples that could not be decoded and had weight 0.
   */
  'badSamples'?: (number)[];
  'badReasons'?: (string)[];
  'timings'?: (_tessera_v1_Timings | null);
  /**
   * What the values of the gradient are on the wire. Every run has one kind; a node of another is refused.
   */
  'gradientType'?: (_tessera_v1_ValueType);
  /**
   * On a lane: which part of the gradient comes. The reply is that of the whole node, once all its ranges are there.
   */
  'range'?: (_tessera_v1_VectorRange | null);
}

/**
 * An aligned range of leaves and the sums over its samples.
 */
export interface Node__Output {
  'session': (string);
  'kind': (_tessera_v1_WorkKind__Output);
  'step': (number);
  'version': (number);
  'first': (number);
  'count': (number);
  /**
   * Sum of the losses of the samples.
   */
  'lossSum': (number);
  'correct': (number);
  /**
   * Samples that counted (weight 1).
   */
  'samples': (number);
  /**
   * Indices of samples that could not be decoded and had weight 0.
   */
  'badSamples': (number)[];
  'badReasons': (string)[];
  'timings': (_tessera_v1_Timings__Output | null);
  /**
   * What the values of the gradient are on the wire. Every run has one kind; a node of another is refused.
   */
  'gradientType': (_tessera_v1_ValueType__Output);
  /**
   * On a lane: which part of the gradient comes. The reply is that of the whole node, once all its ranges are there.
   */
  'range': (_tessera_v1_VectorRange__Output | null);
}
