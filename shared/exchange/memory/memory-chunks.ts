/** @file Chunks whose bytes are in memory that both ends have: how they are put there, and taken. */
import type { Bytes, ChunkPiece } from '../../contract/chunks.ts';
import { TesseraError } from '../../core/errors.ts';
import type { MemoryFile } from './memory-file.ts';
import type { SharedVector } from './shared-vector.ts';

/** Chunks of the wire that one in memory is as long as: each costs a call of the system, and a checksum of some milliseconds. */
export const PIECE_CHUNKS = 4;
const NO_BYTES = new Uint8Array();

/** A chunk; 0 `memoryBytes`: its bytes came along. */
export interface MemoryChunk<Data extends Bytes = Uint8Array> extends ChunkPiece<Data> {
  readonly memoryBytes: number;
}

/** Where a chunk's bytes are, and where they go. */
interface Taking {
  readonly file: MemoryFile | undefined;
  /** Where the whole begins in the file. */
  readonly start?: number;
  /** Receives the whole. */
  readonly target: Uint8Array | undefined;
}

/** Writes chunks to their places in a file, from its beginning; returns them once they are all there. Throws  SYSTEM. */
export async function putChunks(
  file: MemoryFile,
  chunks: Iterable<ChunkPiece>,
): Promise<MemoryChunk[]> {
  const written: MemoryChunk[] = [];
  for (const { offset, totalBytes, crc32: sum, data } of chunks) {
    await file.write(data, offset);
    written.push(chunkOf(offset, data.length, totalBytes, sum));
  }
  return written;
}

/** What `putParameters` puts, and where. Units  `start`: bytes of the whole vector. */
interface Parameters {
  readonly version: number;
  readonly start: number;
  readonly bytes: Uint8Array;
  readonly chunkBytes: number;
}

/** Puts parameters at their place in the vector, and gives the chunk of each piece that is there. Throws  SYSTEM. */
export async function* putParameters(
  vector: SharedVector,
  { version, start, bytes, chunkBytes }: Parameters,
): AsyncGenerator<MemoryChunk> {
  for (const { offset, piece } of piecesOf(bytes, chunkBytes)) {
    const sum = await vector.put(version, { offset: start + offset, bytes: piece });
    yield chunkOf(offset, piece.length, bytes.length, sum);
  }
}

/**
 * The chunk with its bytes: those that are in memory are read to their place in the target, where they are checked.
 *
 * Throws  MESSAGE_INVALID when no memory is shared; CHUNK_CORRUPT when they do not fit or are not there.
 */
export async function takeChunk<Chunk extends MemoryChunk<Bytes>>(
  chunk: Chunk,
  { file, start = 0, target }: Taking,
): Promise<Chunk> {
  const { offset, memoryBytes } = chunk;
  if (memoryBytes === 0) return chunk;
  if (file === undefined || target === undefined) {
    throw new TesseraError('MESSAGE_INVALID', 'a chunk in memory, and no memory is shared');
  }
  if (offset + memoryBytes > target.length) {
    throw new TesseraError('CHUNK_CORRUPT', `a chunk of ${memoryBytes} bytes at byte ${offset}`);
  }
  const data = target.subarray(offset, offset + memoryBytes);
  await file.read(data, start + offset);
  return { ...chunk, data };
}

function chunkOf(offset: number, memoryBytes: number, totalBytes: number, sum: number) {
  return { offset, totalBytes, crc32: sum, data: NO_BYTES, memoryBytes };
}

function* piecesOf(bytes: Uint8Array, chunkBytes: number) {
  const size = PIECE_CHUNKS * chunkBytes;
  for (let offset = 0; offset < bytes.length; offset += size) {
    yield { offset, piece: bytes.subarray(offset, offset + size) };
  }
}
