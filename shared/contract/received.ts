/** @file Messages that carry bulk, as they came: their bytes may be in pieces, as the system read them. */
import type { Bytes } from './chunks.ts';
import type { Chunk__Output } from './generated/tessera/v1/Chunk.ts';
import type { ExecutableChunk__Output } from './generated/tessera/v1/ExecutableChunk.ts';
import type { ExecutablePiece__Output } from './generated/tessera/v1/ExecutablePiece.ts';
import type { FeatureRows__Output } from './generated/tessera/v1/FeatureRows.ts';
import type { NodeChunk__Output } from './generated/tessera/v1/NodeChunk.ts';
import type { SampleChunk__Output } from './generated/tessera/v1/SampleChunk.ts';

type InPieces<Message> = Omit<Message, 'data'> & { readonly data: Bytes };

/** A piece of a flat byte sequence. */
export type ReceivedChunk = InPieces<Chunk__Output>;

/** A piece of a sample. */
export type ReceivedSample = InPieces<SampleChunk__Output>;

/** Features of some samples. */
export type ReceivedFeatures = InPieces<FeatureRows__Output>;

/** A message of a push. */
export type ReceivedNodeChunk = Omit<NodeChunk__Output, 'chunk' | 'features'> & {
  readonly chunk: ReceivedChunk | null;
  readonly features: ReceivedFeatures | null;
};

/** A message of a pushed executable. */
export type ReceivedExecutableChunk = Omit<ExecutableChunk__Output, 'chunk'> & {
  readonly chunk: ReceivedChunk | null;
};

/** A message of a fetched executable. */
export type ReceivedExecutablePiece = Omit<ExecutablePiece__Output, 'chunk'> & {
  readonly chunk: ReceivedChunk | null;
};
