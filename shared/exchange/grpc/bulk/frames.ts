/** @file gRPC's frames: before each message a flag of compression and its length. Pure; what comes may be cut anywhere. */
import { lengthOf } from '../../../contract/chunks.ts';
import { TesseraError } from '../../../core/errors.ts';

/** A message as it came: views of what the system read, in order. */
export type Pieces = readonly Uint8Array[];

const PREFIX_BYTES = 5;
/** Parts of a message below this are copied together: a write of its own costs more. */
const SMALL_BYTES = 4096;

/** The parts of a message behind its prefix. Large parts stay views. Throws  MESSAGE_INVALID above the limit. */
export function framed(parts: Pieces, messageBytesMax: number): Uint8Array[] {
  const length = lengthOf(parts);
  refuseAbove(length, messageBytesMax);
  const prefix = Buffer.alloc(PREFIX_BYTES);
  prefix.writeUInt32BE(length, 1);
  const out: Uint8Array[] = [];
  let small: Uint8Array[] = [prefix];
  for (const part of parts) {
    if (part.byteLength < SMALL_BYTES) {
      small.push(part);
      continue;
    }
    if (small.length > 0) out.push(Buffer.concat(small));
    out.push(part);
    small = [];
  }
  return small.length > 0 ? [...out, Buffer.concat(small)] : out;
}

/** Takes the messages out of a stream of bytes. Copies nothing but prefixes. */
export class FrameReader {
  readonly #messageBytesMax: number;
  readonly #prefix = Buffer.alloc(PREFIX_BYTES);
  #prefixBytes = 0;
  #pieces: Uint8Array[] = [];
  /** Of the message that is under way. */
  #missingBytes = 0;

  constructor(messageBytesMax: number) {
    this.#messageBytesMax = messageBytesMax;
  }

  /**
   * Takes the next bytes; returns the messages that they complete.
   *
   * Throws  MESSAGE_INVALID for a message above the limit, before it comes, and for a compressed one.
   */
  read(bytes: Uint8Array): Pieces[] {
    const whole: Pieces[] = [];
    let at = 0;
    while (at < bytes.byteLength) {
      if (this.#prefixBytes < PREFIX_BYTES) {
        at = this.#readPrefix(bytes, at);
      } else {
        const isWhole = at === 0 && bytes.byteLength <= this.#missingBytes;
        // A view costs more than all else here, and most of what comes is of one message.
        const piece = isWhole ? bytes : bytes.subarray(at, at + this.#missingBytes);
        this.#pieces.push(piece);
        this.#missingBytes -= piece.byteLength;
        at += piece.byteLength;
      }
      if (this.#prefixBytes === PREFIX_BYTES && this.#missingBytes === 0) {
        whole.push(this.#pieces);
        this.#pieces = [];
        this.#prefixBytes = 0;
      }
    }
    return whole;
  }

  /** The stream has ended. Throws  MESSAGE_INVALID within a message. */
  end(): void {
    if (this.#prefixBytes === 0) return;
    throw new TesseraError('MESSAGE_INVALID', 'the stream ended within a message');
  }

  #readPrefix(bytes: Uint8Array, at: number): number {
    const some = bytes.subarray(at, at + PREFIX_BYTES - this.#prefixBytes);
    this.#prefix.set(some, this.#prefixBytes);
    this.#prefixBytes += some.byteLength;
    if (this.#prefixBytes === PREFIX_BYTES) {
      if (this.#prefix[0] !== 0) {
        throw new TesseraError(
          'MESSAGE_INVALID',
          'a compressed message: only plain ones are taken',
        );
      }
      this.#missingBytes = this.#prefix.readUInt32BE(1);
      refuseAbove(this.#missingBytes, this.#messageBytesMax);
    }
    return at + some.byteLength;
  }
}

function refuseAbove(length: number, messageBytesMax: number): void {
  if (length <= messageBytesMax) return;
  const sentence = `a message of ${length} bytes, at most ${messageBytesMax} are taken`;
  const hint = 'use the same limits.messageBytes on both sides, above limits.chunkBytes';
  throw new TesseraError('MESSAGE_INVALID', sentence, { hint });
}
