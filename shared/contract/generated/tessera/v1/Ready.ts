// Original file: proto/tessera/v1/control.proto


/**
 * The worker has built and compiled the model and can take work.
 */
export interface Ready {
  'modelFingerprint'?: (string);
  'engine'?: (string);
}

/**
 * The worker has built and compiled the model and can take work.
 */
export interface Ready__Output {
  'modelFingerprint': (string);
  'engine': (string);
}
