// Original file: proto/tessera/v1/exchange.proto

import type { Node as _tessera_v1_Node, Node__Output as _tessera_v1_Node__Output } from '../../tessera/v1/Node.ts';
import type { Chunk as _tessera_v1_Chunk, Chunk__Output as _tessera_v1_Chunk__Output } from '../../tessera/v1/Chunk.ts';
import type { FeatureRows as _tessera_v1_FeatureRows, FeatureRows__Output as _tessera_v1_FeatureRows__Output } from '../../tessera/v1/FeatureRows.ts';

/**
 * The first chunk of a push carries `node`; an evaluation node has no data chunks.
 */
export interface NodeChunk {
  'node'?: (_tessera_v1_Node | null);
  /**
   * A piece of the gradient of the trained parameters.
   */
  'chunk'?: (_tessera_v1_Chunk | null);
  /**
   * Features that this worker computed for the node's samples, to be kept for later epochs.
   */
  'features'?: (_tessera_v1_FeatureRows | null);
}

/**
 * The first chunk of a push carries `node`; an evaluation node has no data chunks.
 */
export interface NodeChunk__Output {
  'node': (_tessera_v1_Node__Output | null);
  /**
   * A piece of the gradient of the trained parameters.
   */
  'chunk': (_tessera_v1_Chunk__Output | null);
  /**
   * Features that this worker computed for the node's samples, to be kept for later epochs.
   */
  'features': (_tessera_v1_FeatureRows__Output | null);
}
