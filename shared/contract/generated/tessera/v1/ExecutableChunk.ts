// Original file: proto/tessera/v1/exchange.proto

import type { ExecutableHeader as _tessera_v1_ExecutableHeader, ExecutableHeader__Output as _tessera_v1_ExecutableHeader__Output } from '../../tessera/v1/ExecutableHeader.ts';
import type { Chunk as _tessera_v1_Chunk, Chunk__Output as _tessera_v1_Chunk__Output } from '../../tessera/v1/Chunk.ts';

/**
 * The first message of a push has the header. No chunks follow when it is `released`.
 */
export interface ExecutableChunk {
  'header'?: (_tessera_v1_ExecutableHeader | null);
  'chunk'?: (_tessera_v1_Chunk | null);
}

/**
 * The first message of a push has the header. No chunks follow when it is `released`.
 */
export interface ExecutableChunk__Output {
  'header': (_tessera_v1_ExecutableHeader__Output | null);
  'chunk': (_tessera_v1_Chunk__Output | null);
}
