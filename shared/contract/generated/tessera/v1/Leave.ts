// Original file: proto/tessera/v1/control.proto


export interface Leave {
  /**
   * Error code and message if the worker leaves because of a failure; empty otherwise.
   */
  'errorCode'?: (string);
  'reason'?: (string);
  /**
   * What to do about it; may be empty.
   */
  'hint'?: (string);
}

export interface Leave__Output {
  /**
   * Error code and message if the worker leaves because of a failure; empty otherwise.
   */
  'errorCode': (string);
  'reason': (string);
  /**
   * What to do about it; may be empty.
   */
  'hint': (string);
}
