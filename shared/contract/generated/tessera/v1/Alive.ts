// Original file: proto/tessera/v1/control.proto

import type { Long } from '@grpc/proto-loader';

/**
 * Reply to each heartbeat, so that both sides detect a dead connection.
 */
export interface Alive {
  /**
   * Number of the newest line of the worker's log that has arrived; 0 without one.
   */
  'log'?: (number | string | Long);
}

/**
 * Reply to each heartbeat, so that both sides detect a dead connection.
 */
export interface Alive__Output {
  /**
   * Number of the newest line of the worker's log that has arrived; 0 without one.
   */
  'log': (number);
}
