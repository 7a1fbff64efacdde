// Original file: proto/tessera/v1/control.proto

import type { SharedMemory as _tessera_v1_SharedMemory, SharedMemory__Output as _tessera_v1_SharedMemory__Output } from '../../tessera/v1/SharedMemory.ts';

/**
 * Reply to `join`: everything a worker needs to build the same program.
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
   * A worker that receives nothing for this long treats the connection as dead.
   */
  'silenceMs'?: (number);
  /**
   * Identity of the run, the same after a resume. A worker serves one run.
   */
  'runId'?: (string);
  /**
   * Identity of the run's data set, as JSON (shared/data/identity). Workers that read their own files compare it;
   * empty if they do not.
   */
  'dataJson'?: (string);
  /**
   * 0 for a run without a validation split.
   */
  'validationSamples'?: (number);
  /**
   * Memory for the bulk of this session, for a worker of the same account on the same machine; absent for others.
   */
  'memory'?: (_tessera_v1_SharedMemory | null);
  /**
   * Ports of the same host that take ranges of large vectors, each by a thread of its own; empty: there are none.
   */
  'lanes'?: (number)[];
  /**
   * Heartbeats may carry lines of the worker's log, and the replies say which have arrived.
   */
  'takesLog'?: (boolean);
}

/**
 * Reply to `join`: everything a worker needs to build the same program.
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
   * A worker that receives nothing for this long treats the connection as dead.
   */
  'silenceMs': (number);
  /**
   * Identity of the run, the same after a resume. A worker serves one run.
   */
  'runId': (string);
  /**
   * Identity of the run's data set, as JSON (shared/data/identity). Workers that read their own files compare it;
   * empty if they do not.
   */
  'dataJson': (string);
  /**
   * 0 for a run without a validation split.
   */
  'validationSamples': (number);
  /**
   * Memory for the bulk of this session, for a worker of the same account on the same machine; absent for others.
   */
  'memory': (_tessera_v1_SharedMemory__Output | null);
  /**
   * Ports of the same host that take ranges of large vectors, each by a thread of its own; empty: there are none.
   */
  'lanes': (number)[];
  /**
   * Heartbeats may carry lines of the worker's log, and the replies say which have arrived.
   */
  'takesLog': (boolean);
}
