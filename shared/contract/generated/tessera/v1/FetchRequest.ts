// Original file: proto/tessera/v1/exchange.proto

import type { Split as _tessera_v1_Split, Split__Output as _tessera_v1_Split__Output } from '../../tessera/v1/Split.ts';

export interface FetchRequest {
  'session'?: (string);
  'split'?: (_tessera_v1_Split);
  /**
   * Indices of samples in the split; the coordinator never opens a path from the wire.
   */
  'indices'?: (number)[];
}

export interface FetchRequest__Output {
  'session': (string);
  'split': (_tessera_v1_Split__Output);
  /**
   * Indices of samples in the split; the coordinator never opens a path from the wire.
   */
  'indices': (number)[];
}
