// Original file: proto/tessera/v1/control.proto


/**
 * The run is over; leave with exit code 0, or with the given error.
 */
export interface Finish {
  'errorCode'?: (string);
  'reason'?: (string);
  /**
   * What to do about it; may be empty.
   */
  'hint'?: (string);
}

/**
 * The run is over; leave with exit code 0, or with the given error.
 */
export interface Finish__Output {
  'errorCode': (string);
  'reason': (string);
  /**
   * What to do about it; may be empty.
   */
  'hint': (string);
}
