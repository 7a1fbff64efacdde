// Original file: proto/tessera/v1/exchange.proto

import type { Long } from '@grpc/proto-loader';

/**
 * A piece of a flat byte sequence.
 */
export interface Chunk {
  /**
   * First byte of this piece in the whole.
   */
  'offset'?: (number | string | Long);
  'totalBytes'?: (number | string | Long);
  /**
   * CRC-32 (zlib) of `data`.
   */
  'crc32'?: (number);
  'data'?: (Buffer | Uint8Array | string);
  /**
   * Bytes that are in the memory of the session in place of `data`: a push's at `offset` of its data, parameters at
   * their place in the whole vector. 0: they are in `data`.
   */
  'memoryBytes'?: (number);
}

/**
 * A piece of a flat byte sequence.
 */
export interface Chunk__Output {
  /**
   * First byte of this piece in the whole.
   */
  'offset': (number);
  'totalBytes': (number);
  /**
   * CRC-32 (zlib) of `data`.
   */
  'crc32': (number);
  'data': (Buffer);
  /**
   * Bytes that are in the memory of the session in place of `data`: a push's at `offset` of its data, parameters at
   * their place in the whole vector. 0: they are in `data`.
   */
  'memoryBytes': (number);
}
