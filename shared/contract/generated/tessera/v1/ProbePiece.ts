// Original file: proto/tessera/v1/exchange.proto


/**
 * The first piece has everything but `data`; pieces with `data` follow, `reply_bytes` in all.
 */
export interface ProbePiece {
  /**
   * Version of this contract, as in a join.
   */
  'protocolVersion'?: (number);
  'tesseraVersion'?: (string);
  /**
   * What the caller's credential may do: worker or operator. Empty where every call is open.
   */
  'role'?: (string);
  'data'?: (Buffer | Uint8Array | string);
}

/**
 * The first piece has everything but `data`; pieces with `data` follow, `reply_bytes` in all.
 */
export interface ProbePiece__Output {
  /**
   * Version of this contract, as in a join.
   */
  'protocolVersion': (number);
  'tesseraVersion': (string);
  /**
   * What the caller's credential may do: worker or operator. Empty where every call is open.
   */
  'role': (string);
  'data': (Buffer);
}
