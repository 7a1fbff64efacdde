// Original file: proto/tessera/v1/control.proto


export interface StatusRequest {
  /**
   * A caller that polls sends a unique name; a run that ends waits a moment until its watchers have received that.
   */
  'watcher'?: (string);
}

export interface StatusRequest__Output {
  /**
   * A caller that polls sends a unique name; a run that ends waits a moment until its watchers have received that.
   */
  'watcher': (string);
}
