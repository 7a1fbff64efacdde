// Original file: proto/tessera/v1/exchange.proto

import type { ExecutableReply as _tessera_v1_ExecutableReply, ExecutableReply__Output as _tessera_v1_ExecutableReply__Output } from '../../tessera/v1/ExecutableReply.ts';
import type { Chunk as _tessera_v1_Chunk, Chunk__Output as _tessera_v1_Chunk__Output } from '../../tessera/v1/Chunk.ts';

/**
 * The first piece has an outcome; pieces with chunks follow where the executable is kept.
 */
export interface ExecutablePiece {
  'reply'?: (_tessera_v1_ExecutableReply | null);
  'chunk'?: (_tessera_v1_Chunk | null);
}

/**
 * The first piece has an outcome; pieces with chunks follow where the executable is kept.
 */
export interface ExecutablePiece__Output {
  'reply': (_tessera_v1_ExecutableReply__Output | null);
  'chunk': (_tessera_v1_Chunk__Output | null);
}
