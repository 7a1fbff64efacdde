// Original file: proto/tessera/v1/control.proto


/**
 * The worker has built and compiled the model and can take work.
 */
export interface Ready {
  'modelFingerprint'?: (string);
  /**
   * For people, as in a join.
   */
  'engine'?: (string);
  /**
   * The part of it that decides bits ("onnxruntime-cpu"); empty from an older worker.
   */
  'engineId'?: (string);
}

/**
 * The worker has built and compiled the model and can take work.
 */
export interface Ready__Output {
  'modelFingerprint': (string);
  /**
   * For people, as in a join.
   */
  'engine': (string);
  /**
   * The part of it that decides bits ("onnxruntime-cpu"); empty from an older worker.
   */
  'engineId': (string);
}
