// Original file: proto/tessera/v1/control.proto

import type { Long } from '@grpc/proto-loader';

/**
 * The devices of one worker, and their memory.
 */
export interface Devices {
  /**
   * "NVIDIA H200".
   */
  'kind'?: (string);
  'count'?: (number);
  /**
   * Of all devices together, now and at most so far; 0 if unknown.
   */
  'bytesInUse'?: (number | string | Long);
  'bytesPeak'?: (number | string | Long);
}

/**
 * The devices of one worker, and their memory.
 */
export interface Devices__Output {
  /**
   * "NVIDIA H200".
   */
  'kind': (string);
  'count': (number);
  /**
   * Of all devices together, now and at most so far; 0 if unknown.
   */
  'bytesInUse': (number);
  'bytesPeak': (number);
}
