// Original file: proto/tessera/v1/exchange.proto


/**
 * Features (outputs of a frozen backbone) of some samples of one split.
 */
export interface FeatureRows {
  'indices'?: (number)[];
  /**
   * Labels of the samples; 0 on the way to the coordinator, which knows them.
   */
  'labels'?: (number)[];
  /**
   * CRC-32 (zlib) of `data`.
   */
  'crc32'?: (number);
  /**
   * float32, little endian: one row for each index.
   */
  'data'?: (Buffer | Uint8Array | string);
}

/**
 * Features (outputs of a frozen backbone) of some samples of one split.
 */
export interface FeatureRows__Output {
  'indices': (number)[];
  /**
   * Labels of the samples; 0 on the way to the coordinator, which knows them.
   */
  'labels': (number)[];
  /**
   * CRC-32 (zlib) of `data`.
   */
  'crc32': (number);
  /**
   * float32, little endian: one row for each index.
   */
  'data': (Buffer);
}
