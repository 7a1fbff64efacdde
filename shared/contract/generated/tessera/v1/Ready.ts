// Original file: proto/tessera/v1/control.proto

import type { Devices as _tessera_v1_Devices, Devices__Output as _tessera_v1_Devices__Output } from '../../tessera/v1/Devices.ts';

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
  /**
   * Leaves that it computes at the same time, one on each device; 0 from an older worker, which computes one.
   */
  'slots'?: (number);
  /**
   * Absent where the engine does not report them.
   */
  'devices'?: (_tessera_v1_Devices | null);
  /**
   * Model and instruction sets of the processor that an engine of the CPU computes on; empty of other engines.
   */
  'processor'?: (string);
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
  /**
   * Leaves that it computes at the same time, one on each device; 0 from an older worker, which computes one.
   */
  'slots': (number);
  /**
   * Absent where the engine does not report them.
   */
  'devices': (_tessera_v1_Devices__Output | null);
  /**
   * Model and instruction sets of the processor that an engine of the CPU computes on; empty of other engines.
   */
  'processor': (string);
}
