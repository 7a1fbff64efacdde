// Original file: proto/tessera/v1/control.proto

import type { TimeShares as _tessera_v1_TimeShares, TimeShares__Output as _tessera_v1_TimeShares__Output } from '../../tessera/v1/TimeShares.ts';
import type { LeafRange as _tessera_v1_LeafRange, LeafRange__Output as _tessera_v1_LeafRange__Output } from '../../tessera/v1/LeafRange.ts';
import type { Long } from '@grpc/proto-loader';

export interface WorkerStatus {
  'worker'?: (string);
  /**
   * joining, idle or computing.
   */
  'state'?: (string);
  'engine'?: (string);
  'host'?: (string);
  'pid'?: (number);
  'step'?: (number | string | Long);
  'leavesDone'?: (number | string | Long);
  /**
   * Over its last steps.
   */
  'imagesPerSecond'?: (number | string);
  'ageSeconds'?: (number | string);
  'silentSeconds'?: (number | string);
  /**
   * The last error after which the worker retries, as "CODE: message"; empty without such an error.
   */
  'lastError'?: (string);
  /**
   * Its devices; empty and 0 where its engine does not report them, or not this.
   */
  'deviceKind'?: (string);
  'deviceCount'?: (number);
  'deviceBytes'?: (number | string | Long);
  'deviceBytesPeak'?: (number | string | Long);
  /**
   * Where its time went over its last steps; absent before its first one.
   */
  'shares'?: (_tessera_v1_TimeShares | null);
  /**
   * Its time for an image, as a multiple of the median of the other workers; NaN where there is nothing to compare.
   */
  'paceRatio'?: (number | string);
  /**
   * Resident memory of its process; 0 if unknown.
   */
  'memoryBytes'?: (number | string | Long);
  /**
   * Leaves of the open round that it holds.
   */
  'held'?: (_tessera_v1_LeafRange)[];
  /**
   * Why it counts as slow; empty if it does not.
   */
  'slow'?: (string);
}

export interface WorkerStatus__Output {
  'worker': (string);
  /**
   * joining, idle or computing.
   */
  'state': (string);
  'engine': (string);
  'host': (string);
  'pid': (number);
  'step': (number);
  'leavesDone': (number);
  /**
   * Over its last steps.
   */
  'imagesPerSecond': (number);
  'ageSeconds': (number);
  'silentSeconds': (number);
  /**
   * The last error after which the worker retries, as "CODE: message"; empty without such an error.
   */
  'lastError': (string);
  /**
   * Its devices; empty and 0 where its engine does not report them, or not this.
   */
  'deviceKind': (string);
  'deviceCount': (number);
  'deviceBytes': (number);
  'deviceBytesPeak': (number);
  /**
   * Where its time went over its last steps; absent before its first one.
   */
  'shares': (_tessera_v1_TimeShares__Output | null);
  /**
   * Its time for an image, as a multiple of the median of the other workers; NaN where there is nothing to compare.
   */
  'paceRatio': (number);
  /**
   * Resident memory of its process; 0 if unknown.
   */
  'memoryBytes': (number);
  /**
   * Leaves of the open round that it holds.
   */
  'held': (_tessera_v1_LeafRange__Output)[];
  /**
   * Why it counts as slow; empty if it does not.
   */
  'slow': (string);
}
