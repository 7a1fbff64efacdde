// Original file: proto/tessera/v1/control.proto


export interface StopRequest {
  /**
   * One line for the log and for the workers; may be empty.
   */
  'reason'?: (string);
}

export interface StopRequest__Output {
  /**
   * One line for the log and for the workers; may be empty.
   */
  'reason': (string);
}
