// Original file: proto/tessera/v1/control.proto


/**
 * First message of a session.
 */
export interface Join {
  /**
   * Version of this contract; both sides must speak the same one.
   */
  'protocolVersion'?: (number);
  /**
   * A display name; the coordinator makes it unique.
   */
  'name'?: (string);
  /**
   * Random per process, kept over reconnects, so that a reconnecting worker does not count as a second one.
   */
  'instance'?: (string);
  /**
   * The engine that will run the compiled step, and its device ("onnxruntime-cpu, 1 thread").
   */
  'engine'?: (string);
  'host'?: (string);
  'pid'?: (number);
  /**
   * Model fingerprint that this worker has compiled already; empty on a first join.
   */
  'modelFingerprint'?: (string);
}

/**
 * First message of a session.
 */
export interface Join__Output {
  /**
   * Version of this contract; both sides must speak the same one.
   */
  'protocolVersion': (number);
  /**
   * A display name; the coordinator makes it unique.
   */
  'name': (string);
  /**
   * Random per process, kept over reconnects, so that a reconnecting worker does not count as a second one.
   */
  'instance': (string);
  /**
   * The engine that will run the compiled step, and its device ("onnxruntime-cpu, 1 thread").
   */
  'engine': (string);
  'host': (string);
  'pid': (number);
  /**
   * Model fingerprint that this worker has compiled already; empty on a first join.
   */
  'modelFingerprint': (string);
}
