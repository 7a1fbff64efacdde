/**
 * @file A long byte sequence as chunks on the wire, and back.
 *
 * Cutting copies nothing: chunks are views. Assembling writes each chunk once, into a buffer whose size
 * the receiver chose; nothing that the wire says makes it larger, and nothing counts before it is whole and checked.
 */
import { crc32 } from 'node:zlib';
import { TesseraError } from '../core/errors.ts';
import type { ValueType } from '../core/floats.ts';
import { firstNonFinite, fromBfloat16, toBfloat16 } from '../kernels/values.ts';

/** Bytes whole, or as they came: in pieces, each a view of what the system read. */
export type Bytes = Uint8Array | readonly Uint8Array[];

/** A piece of a flat byte sequence, as the contract's Chunk. */
export interface ChunkPiece<Data extends Bytes = Uint8Array> {
  readonly offset: number;
  readonly totalBytes: number;
  readonly crc32: number;
  readonly data: Data;
}

/** Bytes as pieces. */
export function piecesOf(bytes: Bytes): readonly Uint8Array[] {
  return bytes instanceof Uint8Array ? [bytes] : bytes;
}

/** How many bytes there are. */
export function lengthOf(bytes: Bytes): number {
  if (bytes instanceof Uint8Array) return bytes.byteLength;
  return bytes.reduce((sum, { byteLength }) => sum + byteLength, 0);
}

/** CRC-32 (zlib) of bytes. */
function checksumOf(bytes: Bytes): number {
  if (bytes instanceof Uint8Array) return crc32(bytes);
  return bytes.reduce((sum, piece) => crc32(piece, sum), 0);
}

/** The bytes under a vector, as a view. */
export function bytesOf(vector: Float32Array | Uint16Array): Uint8Array {
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

/**
 * Cuts a vector into chunks; those of float32 are views. Values that are not bfloat16 yet are rounded to it, into `room` as
 * `roomFor` makes it: the system gives memory that was not used before at a price that is a third of packing.
 */
export function* cutVector(
  vector: Float32Array,
  chunkBytes: number,
  type: ValueType = 'f32',
  room = roomFor(vector, type),
): Generator<ChunkPiece> {
  if (type === 'f32') {
    yield* cutChunks(bytesOf(vector), chunkBytes);
    return;
  }
  const totalBytes = vector.length * VALUE_BYTES.bf16;
  const valuesEach = Math.max(1, Math.floor(chunkBytes / VALUE_BYTES.bf16));
  for (let first = 0; first < vector.length; first += valuesEach) {
    const limit = Math.min(first + valuesEach, vector.length);
    const halves = room.subarray(first, limit);
    toBfloat16(halves, vector.subarray(first, limit));
    const data = bytesOf(halves);
    yield { offset: first * VALUE_BYTES.bf16, totalBytes, crc32: crc32(data), data };
  }
}

/** Memory for the bfloat16 of a vector; of float32 nothing is copied. */
export function roomFor(vector: Float32Array, type: ValueType): Uint16Array {
  // Every byte is written before it is read.
  const numBytes = type === 'f32' ? 0 : vector.length * VALUE_BYTES.bf16;
  const { buffer, byteOffset } = Buffer.allocUnsafeSlow(numBytes);
  return new Uint16Array(buffer, byteOffset, numBytes / VALUE_BYTES.bf16);
}

/** A piece of a sample, as the contract's SampleChunk. */
export interface SamplePiece<Data extends Bytes = Uint8Array>
  extends Pick<ChunkPiece<Data>, 'crc32' | 'data'> {
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
  add(chunk: ChunkPiece<Bytes>): number {
    const { offset, totalBytes } = chunk;
    const numBytes = lengthOf(chunk.data);
    const expectedBytes = this.#target.byteLength;
    if (totalBytes !== expectedBytes) {
      throw this.#corrupt(`${totalBytes} bytes announced, ${expectedBytes} expected`);
    }
    if (offset !== this.#received) {
      throw this.#corrupt(`a chunk at byte ${offset}, the next one is ${this.#received}`);
    }
    if (numBytes === 0) throw this.#corrupt(`an empty chunk at byte ${offset}`);
    if (numBytes > expectedBytes - offset) {
      throw this.#corrupt(`a chunk at byte ${offset} runs over the end`);
    }
    if (this.#copy(chunk) !== chunk.crc32) throw this.#corrupt(`wrong checksum at byte ${offset}`);
    this.#received += numBytes;
    return this.#received;
  }

  /**
   * Copies a chunk to its place; returns its checksum. Piece by piece, while one is in the processor's cache.
   *
   * Copying bytes also aligns them: what the transport hands out starts anywhere.
   */
  #copy({ offset, data }: ChunkPiece<Bytes>): number {
    let [place, sum] = [offset, 0];
    for (const piece of piecesOf(data)) {
      sum = crc32(piece, sum);
      this.#target.set(piece, place);
      place += piece.byteLength;
    }
    return sum;
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
  /** Where the target begins in the vector. */
  readonly #firstValue: number;
  #numValues = 0;

  /** `target` receives the values; `what` names the vector in errors ("gradient of step 12"), of which it is a part. */
  constructor(target: Float32Array, what: string, type: ValueType = 'f32', firstValue = 0) {
    const bytes = bytesOf(target);
    this.#target = target;
    this.#firstValue = firstValue;
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
  add(chunk: ChunkPiece<Bytes>): void {
    const first = this.#numValues;
    this.#numValues = Math.floor(this.#bytes.add(chunk) / this.#valueBytes);
    if (!this.#widen(first, this.#numValues)) this.#refuseNonFinite(first, this.#numValues);
  }

  /** Ends the sequence. Throws  CHUNK_CORRUPT when bytes are missing. */
  finish(): Float32Array {
    this.#bytes.finish();
    return this.#target;
  }

  /** Widens the values [first, limit), where they are bfloat16; whether it has found them finite. */
  #widen(first: number, limit: number): boolean {
    if (this.#halves === undefined) return false;
    return fromBfloat16(this.#target.subarray(first, limit), this.#halves.subarray(first, limit));
  }

  /** Checks the values [first, limit). */
  #refuseNonFinite(first: number, limit: number): void {
    const index = firstNonFinite(this.#target, first, limit);
    if (index < 0) return;
    throw new TesseraError(
      'NON_FINITE',
      `${this.#what}: value ${this.#firstValue + index} is ${this.#target[index]}`,
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
  add(piece: SamplePiece<Bytes>): Uint8Array | undefined {
    if (checksumOf(piece.data) !== piece.crc32) {
      throw new TesseraError('CHUNK_CORRUPT', `${this.#what}: wrong checksum`);
    }
    this.#bytes += lengthOf(piece.data);
    if (this.#bytes > this.#limitBytes) {
      throw new TesseraError('CHUNK_CORRUPT', `${this.#what}: more than ${this.#limitBytes} bytes`);
    }
    this.#pieces.push(...piecesOf(piece.data));
    // Copied even when it is one piece: a small view would keep its whole message in memory.
    return piece.last ? Buffer.concat(this.#pieces, this.#bytes) : undefined;
  }
}
