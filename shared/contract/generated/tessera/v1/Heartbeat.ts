// Original file: proto/tessera/v1/control.proto

import type { Long } from '@grpc/proto-loader';

/**
 * Sent every heartbeat interval; also the reminder that makes lost messages harmless.
 */
export interface Heartbeat {
  /**
   * Sequence number of the newest assignment that this worker has seen.
   */
  'assignment'?: (number | string | Long);
  /**
   * Leaves of that assignment that it has not finished and pushed yet.
   */
  'leavesOpen'?: (number);
  /**
   * The last error after which this worker tries again, while that is not over; empty when all is well.
   */
  'errorCode'?: (string);
  'errorReason'?: (string);
}

/**
 * Sent every heartbeat interval; also the reminder that makes lost messages harmless.
 */
export interface Heartbeat__Output {
  /**
   * Sequence number of the newest assignment that this worker has seen.
   */
  'assignment': (number);
  /**
   * Leaves of that assignment that it has not finished and pushed yet.
   */
  'leavesOpen': (number);
  /**
   * The last error after which this worker tries again, while that is not over; empty when all is well.
   */
  'errorCode': (string);
  'errorReason': (string);
}
