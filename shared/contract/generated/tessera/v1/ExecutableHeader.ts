// Original file: proto/tessera/v1/exchange.proto

import type { ExecutableKey as _tessera_v1_ExecutableKey, ExecutableKey__Output as _tessera_v1_ExecutableKey__Output } from '../../tessera/v1/ExecutableKey.ts';
import type { Long } from '@grpc/proto-loader';

export interface ExecutableHeader {
  'session'?: (string);
  'key'?: (_tessera_v1_ExecutableKey | null);
  'bytes'?: (number | string | Long);
  /**
   * SHA-256 of the whole, in hex.
   */
  'sha256'?: (string);
  /**
   * The caller does not compile it after all: another worker may.
   */
  'released'?: (boolean);
}

export interface ExecutableHeader__Output {
  'session': (string);
  'key': (_tessera_v1_ExecutableKey__Output | null);
  'bytes': (number);
  /**
   * SHA-256 of the whole, in hex.
   */
  'sha256': (string);
  /**
   * The caller does not compile it after all: another worker may.
   */
  'released': (boolean);
}
