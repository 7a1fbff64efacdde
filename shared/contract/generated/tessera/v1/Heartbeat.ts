// Original file: proto/tessera/v1/control.proto

import type { Devices as _tessera_v1_Devices, Devices__Output as _tessera_v1_Devices__Output } from '../../tessera/v1/Devices.ts';
import type { LogLine as _tessera_v1_LogLine, LogLine__Output as _tessera_v1_LogLine__Output } from '../../tessera/v1/LogLine.ts';
import type { Long } from '@grpc/proto-loader';

/**
 * Sent every heartbeat interval. It also reports what was received, so that lost messages are sent again.
 */
export interface Heartbeat {
  /**
   * Sequence number of the newest assignment that this worker has received.
   */
  'assignment'?: (number | string | Long);
  /**
   * Leaves of that assignment that it has not finished and pushed yet.
   */
  'leavesOpen'?: (number);
  /**
   * The last error after which this worker retries, until a retry succeeds; empty without such an error.
   */
  'errorCode'?: (string);
  'errorReason'?: (string);
  /**
   * As of the last node; absent where the engine does not report them.
   */
  'devices'?: (_tessera_v1_Devices | null);
  /**
   * Resident memory of the worker's process; 0 from an older worker.
   */
  'memoryBytes'?: (number | string | Long);
  /**
   * Lines of its log, warnings and worse, the oldest that are not known to have arrived; only to a coordinator whose
   * welcome takes them. At most 16; more are not looked at.
   */
  'log'?: (_tessera_v1_LogLine)[];
}

/**
 * Sent every heartbeat interval. It also reports what was received, so that lost messages are sent again.
 */
export interface Heartbeat__Output {
  /**
   * Sequence number of the newest assignment that this worker has received.
   */
  'assignment': (number);
  /**
   * Leaves of that assignment that it has not finished and pushed yet.
   */
  'leavesOpen': (number);
  /**
   * The last error after which this worker retries, until a retry succeeds; empty without such an error.
   */
  'errorCode': (string);
  'errorReason': (string);
  /**
   * As of the last node; absent where the engine does not report them.
   */
  'devices': (_tessera_v1_Devices__Output | null);
  /**
   * Resident memory of the worker's process; 0 from an older worker.
   */
  'memoryBytes': (number);
  /**
   * Lines of its log, warnings and worse, the oldest that are not known to have arrived; only to a coordinator whose
   * welcome takes them. At most 16; more are not looked at.
   */
  'log': (_tessera_v1_LogLine__Output)[];
}
