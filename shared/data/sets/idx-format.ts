/**
 * @file The idx format of MNIST: a magic number, the sizes, then the elements.
 *
 * Source  http://yann.lecun.com/exdb/mnist/, "File formats": two zero bytes, the type of the elements, the
 *         number of dimensions, the big-endian 32-bit sizes.
 */
import { TesseraError } from '../../core/errors.ts';
import { formatBytes } from '../../core/units.ts';

const UNSIGNED_BYTE = 0x08;
const DIMENSIONS_MAX = 4;
const MAGIC_BYTES = 4;

/** An array of bytes with its shape. */
export interface IdxArray {
  readonly shape: readonly number[];
  /** Row-major elements. */
  readonly data: Uint8Array;
}

/**
 * Reads an idx file of unsigned bytes piece by piece. Its header states their number: memory is allocated once,
 * for that number, whatever a compressed file would unpack to.
 */
export class IdxAssembler {
  readonly #name: string;
  readonly #bytesMax: number;
  readonly #holdsMax: number;
  readonly #header = new Uint8Array(MAGIC_BYTES + 4 * DIMENSIONS_MAX);
  #headerBytes = MAGIC_BYTES;
  #array: IdxArray | undefined;
  /** Bytes received, with the header. */
  #come = 0;

  /** `name` is for the messages; elements may have `bytesMax` in all, and a file of its size can hold `holdsMax`. */
  constructor(name: string, bytesMax: number, holdsMax = Number.POSITIVE_INFINITY) {
    this.#name = name;
    this.#bytesMax = bytesMax;
    this.#holdsMax = holdsMax;
  }

  /** Throws  DATA_INVALID when this is not an idx file, is too large, or is longer than its header says. */
  add(piece: Uint8Array): void {
    let rest = piece;
    while (this.#array === undefined && rest.length > 0) rest = this.#addToHeader(rest);
    if (this.#array === undefined) return;
    const { data, shape } = this.#array;
    const filled = this.#come - this.#headerBytes;
    if (filled + rest.length > data.length) {
      throw this.#invalid(
        `has more than the ${this.#headerBytes + data.length} bytes that its header (${shape.join(' x ')}) says`,
      );
    }
    data.set(rest, filled);
    this.#come += rest.length;
  }

  /** The whole. Throws  DATA_INVALID when something is missing. */
  finish(): IdxArray {
    const array = this.#array;
    if (array === undefined) {
      if (this.#come < MAGIC_BYTES) throw this.#noMagic();
      throw this.#invalid(
        `ends inside its header, after ${this.#come} of ${this.#headerBytes} bytes`,
      );
    }
    const expected = this.#headerBytes + array.data.length;
    if (this.#come === expected) return array;
    throw this.#invalid(
      `has ${this.#come} bytes, but its header (${array.shape.join(' x ')}) says ${expected}`,
    );
  }

  /** Takes the missing part of the header; returns the rest. */
  #addToHeader(piece: Uint8Array): Uint8Array {
    const part = piece.subarray(0, this.#headerBytes - this.#come);
    this.#header.set(part, this.#come);
    this.#come += part.length;
    if (this.#come === MAGIC_BYTES) this.#headerBytes += 4 * this.#readMagic();
    else if (this.#come === this.#headerBytes) this.#array = this.#emptyArray();
    return piece.subarray(part.length);
  }

  /** The number of dimensions. */
  #readMagic(): number {
    const [zero, alsoZero, type = 0, dimensions = 0] = this.#header;
    if (zero !== 0 || alsoZero !== 0) throw this.#noMagic();
    if (type !== UNSIGNED_BYTE) {
      const shown = type.toString(16).padStart(2, '0');
      throw this.#invalid(`has elements of type 0x${shown}, not bytes (0x08)`);
    }
    if (dimensions >= 1 && dimensions <= DIMENSIONS_MAX) return dimensions;
    throw this.#invalid(`has ${dimensions} dimensions, not 1 to ${DIMENSIONS_MAX}`);
  }

  #emptyArray(): IdxArray {
    const view = new DataView(this.#header.buffer);
    const dimensions = this.#headerBytes / 4 - 1;
    const shape = Array.from({ length: dimensions }, (_, i) => view.getUint32(4 + 4 * i));
    // Doubles are exact enough here: a product past 2^53 is above any bound.
    const size = shape.reduce((product, side) => product * side, 1);
    if (size > this.#bytesMax) {
      throw this.#invalid(
        `says that it has ${shape.join(' x ')} elements, ${formatBytes(size)}; ${formatBytes(this.#bytesMax)} remain of the limit for a set`,
      );
    }
    if (size <= this.#holdsMax) return { shape, data: new Uint8Array(size) };
    throw this.#invalid(`is too short for the ${shape.join(' x ')} elements that its header says`);
  }

  #noMagic(): TesseraError {
    return this.#invalid('is not an idx file: it does not begin with the magic number');
  }

  #invalid(problem: string): TesseraError {
    return new TesseraError('DATA_INVALID', `${this.#name} ${problem}`, {
      hint: 'download the file again; expected an unsigned-byte idx file such as train-images-idx3-ubyte.gz',
    });
  }
}
