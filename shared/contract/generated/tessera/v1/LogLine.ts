// Original file: proto/tessera/v1/control.proto

import type { Long } from '@grpc/proto-loader';

/**
 * A line of a worker's log. It is cut and escaped by its reader, and never a reason to refuse a message.
 */
export interface LogLine {
  /**
   * Counts the lines of this process from 1, those that are left out too. The same when it is sent again.
   */
  'number'?: (number | string | Long);
  /**
   * Lines directly before it that the worker has not kept.
   */
  'leftOut'?: (number);
  /**
   * How long ago it was written, since the clocks of two machines differ.
   */
  'ageMs'?: (number);
  /**
   * 40: a warning; 50: an error; 60: the end of a process.
   */
  'level'?: (number);
  'text'?: (string);
}

/**
 * A line of a worker's log. It is cut and escaped by its reader, and never a reason to refuse a message.
 */
export interface LogLine__Output {
  /**
   * Counts the lines of this process from 1, those that are left out too. The same when it is sent again.
   */
  'number': (number);
  /**
   * Lines directly before it that the worker has not kept.
   */
  'leftOut': (number);
  /**
   * How long ago it was written, since the clocks of two machines differ.
   */
  'ageMs': (number);
  /**
   * 40: a warning; 50: an error; 60: the end of a process.
   */
  'level': (number);
  'text': (string);
}
