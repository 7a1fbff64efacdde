// Original file: proto/tessera/v1/control.proto

import type { WorkKind as _tessera_v1_WorkKind, WorkKind__Output as _tessera_v1_WorkKind__Output } from '../../tessera/v1/WorkKind.ts';
import type { LeafRange as _tessera_v1_LeafRange, LeafRange__Output as _tessera_v1_LeafRange__Output } from '../../tessera/v1/LeafRange.ts';
import type { Long } from '@grpc/proto-loader';

/**
 * The work that this worker holds now. Each assignment replaces the one before it (level-, not edge-triggered).
 */
export interface Assignment {
  'sequence'?: (number | string | Long);
  'kind'?: (_tessera_v1_WorkKind);
  /**
   * The step being computed (training), or the newest version when the evaluation began.
   */
  'step'?: (number | string | Long);
  /**
   * Parameter version to compute with.
   */
  'version'?: (number | string | Long);
  'epoch'?: (number);
  /**
   * Position of the batch in its epoch.
   */
  'batch'?: (number);
  /**
   * Leaves to compute, as half-open ranges. Empty: nothing to do for now.
   */
  'ranges'?: (_tessera_v1_LeafRange)[];
}

/**
 * The work that this worker holds now. Each assignment replaces the one before it (level-, not edge-triggered).
 */
export interface Assignment__Output {
  'sequence': (number);
  'kind': (_tessera_v1_WorkKind__Output);
  /**
   * The step being computed (training), or the newest version when the evaluation began.
   */
  'step': (number);
  /**
   * Parameter version to compute with.
   */
  'version': (number);
  'epoch': (number);
  /**
   * Position of the batch in its epoch.
   */
  'batch': (number);
  /**
   * Leaves to compute, as half-open ranges. Empty: nothing to do for now.
   */
  'ranges': (_tessera_v1_LeafRange__Output)[];
}
