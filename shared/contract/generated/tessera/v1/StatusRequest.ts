// Original file: proto/tessera/v1/control.proto


export interface StatusRequest {
  /**
   * One who looks again and again says so by a name of its own: a run that ends waits a moment for it to hear of that.
   */
  'watcher'?: (string);
}

export interface StatusRequest__Output {
  /**
   * One who looks again and again says so by a name of its own: a run that ends waits a moment for it to hear of that.
   */
  'watcher': (string);
}
