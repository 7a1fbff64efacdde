// Original file: proto/tessera/v1/exchange.proto

import type { ExecutableOutcome as _tessera_v1_ExecutableOutcome, ExecutableOutcome__Output as _tessera_v1_ExecutableOutcome__Output } from '../../tessera/v1/ExecutableOutcome.ts';
import type { Long } from '@grpc/proto-loader';

export interface ExecutableReply {
  'outcome'?: (_tessera_v1_ExecutableOutcome);
  /**
   * Why it is refused; empty otherwise.
   */
  'reason'?: (string);
  /**
   * Of the executable that the run keeps: its bytes, and their SHA-256 in hex.
   */
  'bytes'?: (number | string | Long);
  'sha256'?: (string);
}

export interface ExecutableReply__Output {
  'outcome': (_tessera_v1_ExecutableOutcome__Output);
  /**
   * Why it is refused; empty otherwise.
   */
  'reason': (string);
  /**
   * Of the executable that the run keeps: its bytes, and their SHA-256 in hex.
   */
  'bytes': (number);
  'sha256': (string);
}
