// Original file: proto/tessera/v1/control.proto


/**
 * Answer to `join`: everything a worker needs to build the same program.
 */
export interface Welcome {
  'worker'?: (string);
  'run'?: (string);
  /**
   * Shared secret of this session for the exchange calls.
   */
  'session'?: (string);
  /**
   * The run's whole configuration, as canonical JSON.
   */
  'configJson'?: (string);
  'modelFingerprint'?: (string);
  'classes'?: (string)[];
  'trainSamples'?: (number);
  'testSamples'?: (number);
  'heartbeatMs'?: (number);
  /**
   * A worker that hears nothing for so long takes the connection for dead.
   */
  'silenceMs'?: (number);
  /**
   * Which run this is, from its beginning to its end, resumes included: a worker serves one.
   */
  'runId'?: (string);
  /**
   * Which data set the run has, as JSON (shared/data/identity): workers that read their own compare it. Empty where they do not.
   */
  'dataJson'?: (string);
  /**
   * 0 for a run without a validation split.
   */
  'validationSamples'?: (number);
}

/**
 * Answer to `join`: everything a worker needs to build the same program.
 */
export interface Welcome__Output {
  'worker': (string);
  'run': (string);
  /**
   * Shared secret of this session for the exchange calls.
   */
  'session': (string);
  /**
   * The run's whole configuration, as canonical JSON.
   */
  'configJson': (string);
  'modelFingerprint': (string);
  'classes': (string)[];
  'trainSamples': (number);
  'testSamples': (number);
  'heartbeatMs': (number);
  /**
   * A worker that hears nothing for so long takes the connection for dead.
   */
  'silenceMs': (number);
  /**
   * Which run this is, from its beginning to its end, resumes included: a worker serves one.
   */
  'runId': (string);
  /**
   * Which data set the run has, as JSON (shared/data/identity): workers that read their own compare it. Empty where they do not.
   */
  'dataJson': (string);
  /**
   * 0 for a run without a validation split.
   */
  'validationSamples': (number);
}
