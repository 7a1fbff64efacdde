/**
 * @file A long byte sequence as chunks on the wire, and back.
 *
 * Cutting copies nothing: chunks are views. Assembling writes each chunk once, into a buffer whose size
 * the receiver chose; nothing that the wire says makes it larger, and nothing counts before it is whole.
 */
import { crc32 } from 'node:zlib';
import { TesseraError } from '../core/errors.ts';
import type { ValueType } from '../core/floats.ts';
import { firstNonFinite, fromBfloat16, toBfloat16 } from '../kernels/values.ts';

/** A piece of a flat byte sequence, as the contract's Chunk. */
export interface ChunkPiece {
  readonly offset: number;
  readonly totalBytes: number;
  readonly crc32: number;
  readonly data: Uint8Array;
}

/** The bytes under a vector, as a view. */
export function bytesOf(vector: Float32Array): Uint8Array {
  return new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength);
}

/** Cuts `bytes` into chunks of `chunkBytes`, the last one shorter. The chunks are views. */
export function* cutChunks(bytes: Uint8Array, chunkBytes: number): Generator<ChunkPiece> {
  const totalBytes = bytes.byteLength;
  for (let offset = 0; offset < totalBytes; offset += chunkBytes) {
    const data = bytes.subarray(offset, offset + chunkBytes);
    yield { offset, totalBytes, crc32: crc32(data), data };
  }
}

/** Bytes of a value on the wire. */
const VALUE_BYTES = { f32: 4, bf16: 2 } as const satisfies Record<ValueType, number>;

/** Cuts a vector into chunks; those of float32 are views. Values that are not bfloat16 yet are rounded to it. */
export function* cutVector(
  vector: Float32Array,
  chunkBytes: number,
  type: ValueType = 'f32',
): Generator<ChunkPiece> {
  if (type === 'f32') {
    yield* cutChunks(bytesOf(vector), chunkBytes);
    return;
  }
  const totalBytes = vector.length * VALUE_BYTES.bf16;
  const valuesEach = Math.max(1, Math.floor(chunkBytes / VALUE_BYTES.bf16));
  for (let first = 0; first < vector.length; first += valuesEach) {
    const data = packVector(vector.subarray(first, first + valuesEach), type);
    yield { offset: first * VALUE_BYTES.bf16, totalBytes, crc32: crc32(data), data };
  }
}

/** A vector as it is on the wire; float32 is a view. Values that are not bfloat16 yet are rounded to it. */
export function packVector(vector: Float32Array, type: ValueType = 'f32'): Uint8Array {
  if (type === 'f32') return bytesOf(vector);
  const halves = new Uint16Array(vector.length);
  toBfloat16(halves, vector);
  return new Uint8Array(halves.buffer);
}

/** A piece of a sample, as the contract's SampleChunk. */
export interface SamplePiece extends Pick<ChunkPiece, 'crc32' | 'data'> {
  readonly last: boolean;
}

/** Cuts a sample's bytes into pieces of `pieceBytes`, the last one marked; no bytes are one empty piece. */
export function* cutPieces(bytes: Uint8Array, pieceBytes: number): Generator<SamplePiece> {
  let offset = 0;
  do {
    const data = bytes.subarray(offset, offset + pieceBytes);
    offset += data.byteLength;
    yield { crc32: crc32(data), data, last: offset === bytes.byteLength };
  } while (offset < bytes.byteLength);
}

/** Puts the chunks of a byte sequence together, in order. */
export class ByteAssembler {
  readonly #target: Uint8Array;
  readonly #what: string;
  #received = 0;

  /** `target` receives the bytes; `what` names them in errors ("gradient of step 12"). */
  constructor(target: Uint8Array, what: string) {
    this.#target = target;
    this.#what = what;
  }

  /**
   * Takes the next chunk; returns how many bytes there are now.
   *
   * Throws  CHUNK_CORRUPT when it is not the next one, does not fit, or its checksum is wrong.
   */
  add(chunk: ChunkPiece): number {
    const { offset, totalBytes, data } = chunk;
    const expectedBytes = this.#target.byteLength;
    if (totalBytes !== expectedBytes) {
      throw this.#corrupt(`${totalBytes} bytes announced, ${expectedBytes} expected`);
    }
    if (offset !== this.#received) {
      throw this.#corrupt(`a chunk at byte ${offset}, the next one is ${this.#received}`);
    }
    if (data.byteLength === 0) throw this.#corrupt(`an empty chunk at byte ${offset}`);
    if (data.byteLength > expectedBytes - offset) {
      throw this.#corrupt(`a chunk at byte ${offset} runs over the end`);
    }
    if (crc32(data) !== chunk.crc32) throw this.#corrupt(`wrong checksum at byte ${offset}`);
    // Copying bytes also aligns them: what the transport hands out starts anywhere.
    this.#target.set(data, offset);
    this.#received += data.byteLength;
    return this.#received;
  }

  /** Ends the sequence. Throws  CHUNK_CORRUPT when bytes are missing. */
  finish(): void {
    const missing = this.#target.byteLength - this.#received;
    if (missing > 0) throw this.#corrupt(`the stream ended ${missing} bytes early`);
  }

  #corrupt(sentence: string): TesseraError {
    return new TesseraError('CHUNK_CORRUPT', `${this.#what}: ${sentence}`);
  }
}

/**
 * Puts the chunks of one vector together, in order.
 *
 * Values of 2 bytes come to the end of the target, and are widened from its beginning: a value is written to where only
 * values before it were, so that no other memory is needed.
 */
export class ChunkAssembler {
  readonly #target: Float32Array;
  /** Where bytes of the wire come, to be checked there. */
  readonly bytes: Uint8Array;
  readonly #bytes: ByteAssembler;
  readonly #what: string;
  readonly #valueBytes: number;
  /** The target's last bytes, where its values are widened. */
  readonly #halves: Uint16Array | undefined;
  #numValues = 0;

  /** `target` receives the values; `what` names the vector in errors ("gradient of step 12"). */
  constructor(target: Float32Array, what: string, type: ValueType = 'f32') {
    const bytes = bytesOf(target);
    this.#target = target;
    this.#what = what;
    this.#valueBytes = VALUE_BYTES[type];
    this.bytes = bytes.subarray(bytes.byteLength - target.length * this.#valueBytes);
    this.#bytes = new ByteAssembler(this.bytes, what);
    if (type === 'f32') return;
    this.#halves = new Uint16Array(bytes.buffer, this.bytes.byteOffset, target.length);
  }

  /**
   * Takes the next chunk.
   *
   * Throws  CHUNK_CORRUPT as `ByteAssembler` does; NON_FINITE when it completes a value that is NaN or infinite.
   */
  add(chunk: ChunkPiece): void {
    const first = this.#numValues;
    this.#numValues = Math.floor(this.#bytes.add(chunk) / this.#valueBytes);
    this.#widen(first, this.#numValues);
    this.#refuseNonFinite(first, this.#numValues);
  }

  /** Ends the sequence. Throws  CHUNK_CORRUPT when bytes are missing. */
  finish(): Float32Array {
    this.#bytes.finish();
    return this.#target;
  }

  #widen(first: number, limit: number): void {
    if (this.#halves === undefined) return;
    fromBfloat16(this.#target.subarray(first, limit), this.#halves.subarray(first, limit));
  }

  /** Checks the values [first, limit). */
  #refuseNonFinite(first: number, limit: number): void {
    const index = firstNonFinite(this.#target, first, limit);
    if (index < 0) return;
    throw new TesseraError(
      'NON_FINITE',
      `${this.#what}: value ${index} is ${this.#target[index]}`,
      {
        hint: 'lower the learning rate, or set training.clipNorm',
      },
    );
  }
}

/** Puts the pieces of one sample together. */
export class SampleAssembler {
  readonly #what: string;
  readonly #limitBytes: number;
  readonly #pieces: Uint8Array[] = [];
  #bytes = 0;

  /** `what` names the sample in errors; it may not grow beyond `limitBytes`. */
  constructor(what: string, limitBytes: number) {
    this.#what = what;
    this.#limitBytes = limitBytes;
  }

  /**
   * Takes the next piece; the last one returns the whole.
   *
   * Throws  CHUNK_CORRUPT when the checksum is wrong or the sample grows too large.
   */
  add(piece: SamplePiece): Uint8Array | undefined {
    if (crc32(piece.data) !== piece.crc32) {
      throw new TesseraError('CHUNK_CORRUPT', `${this.#what}: wrong checksum`);
    }
    this.#bytes += piece.data.byteLength;
    if (this.#bytes > this.#limitBytes) {
      throw new TesseraError('CHUNK_CORRUPT', `${this.#what}: more than ${this.#limitBytes} bytes`);
    }
    this.#pieces.push(piece.data);
    // Copied even when it is one piece: a small view would keep its whole message in memory.
    return piece.last ? Buffer.concat(this.#pieces, this.#bytes) : undefined;
  }
}
