// Original file: proto/tessera/v1/exchange.proto


export interface ProbeRequest {
  /**
   * Bytes for the way there; they are dropped. At most 1 MiB.
   */
  'data'?: (Buffer | Uint8Array | string);
  /**
   * Bytes for the way back. At most 16 MiB.
   */
  'replyBytes'?: (number);
}

export interface ProbeRequest__Output {
  /**
   * Bytes for the way there; they are dropped. At most 1 MiB.
   */
  'data': (Buffer);
  /**
   * Bytes for the way back. At most 16 MiB.
   */
  'replyBytes': (number);
}
