// Original file: proto/tessera/v1/control.proto

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
}
