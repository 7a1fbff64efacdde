// Original file: proto/tessera/v1/control.proto


export interface Leave {
  /**
   * Error code and sentence when the worker goes because something failed; empty on a plain goodbye.
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
   * Error code and sentence when the worker goes because something failed; empty on a plain goodbye.
   */
  'errorCode': (string);
  'reason': (string);
  /**
   * What to do about it; may be empty.
   */
  'hint': (string);
}
