// Original file: proto/tessera/v1/control.proto

import type { MemoryPlace as _tessera_v1_MemoryPlace, MemoryPlace__Output as _tessera_v1_MemoryPlace__Output } from '../../tessera/v1/MemoryPlace.ts';

/**
 * Files in memory, which the coordinator has open.
 */
export interface SharedMemory {
  /**
   * The worker writes the gradients of its pushes here.
   */
  'pushes'?: (_tessera_v1_MemoryPlace | null);
  /**
   * The coordinator writes parameters here.
   */
  'parameters'?: (_tessera_v1_MemoryPlace | null);
}

/**
 * Files in memory, which the coordinator has open.
 */
export interface SharedMemory__Output {
  /**
   * The worker writes the gradients of its pushes here.
   */
  'pushes': (_tessera_v1_MemoryPlace__Output | null);
  /**
   * The coordinator writes parameters here.
   */
  'parameters': (_tessera_v1_MemoryPlace__Output | null);
}
