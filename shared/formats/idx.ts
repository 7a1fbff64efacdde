/**
 * @file The idx format of MNIST: a magic number, the sizes, then the elements.
 *
 * Source  http://yann.lecun.com/exdb/mnist/, "File formats": two zero bytes, the type of the elements, the
 *         number of dimensions, the big-endian 32-bit sizes.
 */
import { TesseraError } from '../core/errors.ts';

const UNSIGNED_BYTE = 0x08;
const DIMENSIONS_MAX = 4;

/** An array of bytes with its shape. */
export interface IdxArray {
  readonly shape: readonly number[];
  /** Row-major elements: a view of the file's bytes. */
  readonly data: Uint8Array;
}

/**
 * Reads an idx file of unsigned bytes; `name` is for the messages.
 *
 * Throws  DATA_INVALID when the header is none, or its sizes are not those of the file.
 */
export function parseIdx(bytes: Uint8Array, name: string): IdxArray {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 4 || view.getUint16(0) !== 0) {
    throw invalid(name, 'is no idx file: it does not begin with the magic number');
  }
  const type = view.getUint8(2);
  const dimensions = view.getUint8(3);
  if (type !== UNSIGNED_BYTE) {
    throw invalid(
      name,
      `has elements of type 0x${type.toString(16).padStart(2, '0')}, not bytes (0x08)`,
    );
  }
  if (dimensions < 1 || dimensions > DIMENSIONS_MAX) {
    throw invalid(name, `has ${dimensions} dimensions, not 1 to ${DIMENSIONS_MAX}`);
  }
  const headerBytes = 4 + 4 * dimensions;
  if (bytes.length < headerBytes) {
    throw invalid(name, `ends within its header, after ${bytes.length} of ${headerBytes} bytes`);
  }
  const shape = Array.from({ length: dimensions }, (_, i) => view.getUint32(4 + 4 * i));
  // Doubles are exact enough here: a product past 2^53 is never the length of a file.
  const expectedBytes = headerBytes + shape.reduce((product, size) => product * size, 1);
  if (bytes.length !== expectedBytes) {
    throw invalid(
      name,
      `has ${bytes.length} bytes where its header (${shape.join(' x ')}) says ${expectedBytes}`,
    );
  }
  return {
    shape,
    data: new Uint8Array(bytes.buffer, bytes.byteOffset + headerBytes, bytes.length - headerBytes),
  };
}

function invalid(name: string, problem: string): TesseraError {
  return new TesseraError('DATA_INVALID', `${name} ${problem}`, {
    hint: 'download the file again; expected are unsigned-byte idx files such as train-images-idx3-ubyte.gz',
  });
}
