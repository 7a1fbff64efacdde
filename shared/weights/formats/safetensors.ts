/**
 * @file The safetensors format: an 8-byte length, a JSON header, and the tensors' bytes behind it.
 *
 * Reading is strict, since such files are untrusted: nothing is allocated from a number in the
 * file, and every byte of the data must belong to exactly one tensor.
 *
 * Source  https://github.com/huggingface/safetensors#format
 */

import { assert, TesseraError } from '../../core/errors.ts';
import { isRecord } from '../../core/text.ts';
import { type FloatDtype, quote } from './tensor-values.ts';

/** One tensor of a file; `bytes` is a view of the file, little-endian, row-major. */
export interface SafeTensor {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
}

/** The content of a file. */
export interface SafeTensors {
  readonly tensors: Map<string, SafeTensor>;
  readonly metadata: Record<string, string>;
}

/** A tensor to be written. */
export interface NamedTensor {
  readonly name: string;
  readonly dtype: FloatDtype;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
}

const LENGTH_BYTES = 8;
const OPENING_BRACE = 0x7b;
/** The reference implementation's own bound. */
const HEADER_BYTES_MAX = 100_000_000;
const METADATA_KEY = '__metadata__';

const DTYPE_BYTES: ReadonlyMap<unknown, number> = new Map([
  ['BOOL', 1],
  ['U8', 1],
  ['I8', 1],
  ['F8_E5M2', 1],
  ['F8_E4M3', 1],
  ['F8_E8M0', 1],
  ['F8_E4M3FNUZ', 1],
  ['F8_E5M2FNUZ', 1],
  ['U16', 2],
  ['I16', 2],
  ['F16', 2],
  ['BF16', 2],
  ['U32', 4],
  ['I32', 4],
  ['F32', 4],
  ['U64', 8],
  ['I64', 8],
  ['F64', 8],
  ['C64', 8],
]);

/** Whether bytes begin as such a file does: a length, and the brace of its header. */
export function isSafetensors(bytes: Uint8Array): boolean {
  if (bytes.length <= LENGTH_BYTES || bytes[LENGTH_BYTES] !== OPENING_BRACE) return false;
  // As a text, the length would be beyond any file.
  return bytes[LENGTH_BYTES - 1] === 0 && bytes[LENGTH_BYTES - 2] === 0;
}

/**
 * Reads a whole file; the tensors are views of `bytes`.
 *
 * Throws  DATA_INVALID, naming the tensor, when the file is not strictly valid.
 */
export function readSafetensors(bytes: Uint8Array): SafeTensors {
  const headerBytes = headerLength(bytes);
  const header = parseHeader(bytes.subarray(LENGTH_BYTES, LENGTH_BYTES + headerBytes));
  const data = bytes.subarray(LENGTH_BYTES + headerBytes);
  const { [METADATA_KEY]: metadata = {}, ...described } = header;
  const placed = Object.entries(described).map(([name, entry]) => place(name, entry, data.length));
  refuseHolesAndOverlaps(placed, data.length);
  const tensors = new Map(
    placed.map(({ name, dtype, shape, begin, end }) => [
      name,
      { dtype, shape, bytes: data.subarray(begin, end) },
    ]),
  );
  return { tensors, metadata: readMetadata(metadata) };
}

/**
 * Lays a file out as pieces: the header, then each tensor's own bytes, none of them copied.
 *
 * Throws  INTERNAL when a tensor's bytes do not fit its shape or a name is taken.
 */
export function encodeSafetensors(
  tensors: readonly NamedTensor[],
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array[] {
  const header = new Map<string, unknown>();
  if (Object.keys(metadata).length > 0) header.set(METADATA_KEY, metadata);
  let offset = 0;
  for (const { name, dtype, shape, bytes } of tensors) {
    const end = offset + bytes.length;
    assert(!header.has(name) && name !== METADATA_KEY, `tensor name ${quote(name)} is free`);
    assert(
      bytes.length === sizeOf(shape) * (dtype === 'F32' ? 4 : 2),
      `tensor ${quote(name)} fills its shape [${shape}]`,
    );
    header.set(name, { dtype, shape, data_offsets: [offset, end] });
    offset = end;
  }
  const json = new TextEncoder().encode(JSON.stringify(Object.fromEntries(header)));
  // Spaces bring the data to a multiple of 8, so that readers can view it in place.
  const padded = Math.ceil(json.length / LENGTH_BYTES) * LENGTH_BYTES;
  const head = new Uint8Array(LENGTH_BYTES + padded).fill(0x20);
  new DataView(head.buffer).setBigUint64(0, BigInt(padded), true);
  head.set(json, LENGTH_BYTES);
  return [head, ...tensors.map(({ bytes }) => bytes)];
}

interface PlacedTensor {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

function headerLength(bytes: Uint8Array): number {
  if (bytes.length < LENGTH_BYTES) throw invalid(`is only ${bytes.length} bytes long`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, LENGTH_BYTES);
  const length = view.getBigUint64(0, true);
  const most = Math.min(bytes.length - LENGTH_BYTES, HEADER_BYTES_MAX);
  if (length > BigInt(most)) {
    throw invalid(`states a header of ${length} bytes where at most ${most} can be`);
  }
  return Number(length);
}

/** A name given twice keeps its last entry in JSON; the bytes of the first are then a hole. */
function parseHeader(bytes: Uint8Array): Record<string, unknown> {
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw invalid('has a header that is not JSON', cause);
  }
  if (!isRecord(header)) throw invalid('has a header that is not a JSON object');
  return header;
}

function readMetadata(metadata: unknown): Record<string, string> {
  if (!isRecord(metadata)) throw invalid('has metadata that are not a JSON object');
  return Object.fromEntries(
    Object.entries(metadata).map(([key, value]) => {
      if (typeof value !== 'string') throw invalid(`has metadata ${quote(key)} that are not text`);
      return [key, value];
    }),
  );
}

function place(name: string, entry: unknown, dataBytes: number): PlacedTensor {
  if (!isRecord(entry)) throw invalidTensor(name, 'is not described by a JSON object');
  const { dtype, shape, data_offsets: offsets } = entry;
  const valueBytes = DTYPE_BYTES.get(dtype);
  if (typeof dtype !== 'string') throw invalidTensor(name, 'has a dtype that is not text');
  if (valueBytes === undefined) throw invalidTensor(name, `has the unknown dtype ${quote(dtype)}`);
  if (!isSizes(shape)) throw invalidTensor(name, 'has no valid shape');
  if (!isSizes(offsets) || offsets.length !== 2) throw invalidTensor(name, 'has no valid offsets');
  const [begin = 0, end = 0] = offsets;
  if (begin > end || end > dataBytes) {
    throw invalidTensor(
      name,
      `lies at ${begin} to ${end}, the file has ${dataBytes} bytes of data`,
    );
  }
  if (end - begin !== sizeOf(shape) * valueBytes) {
    throw invalidTensor(name, `has ${end - begin} bytes, its shape and dtype ask for others`);
  }
  return { name, dtype, shape, begin, end };
}

function refuseHolesAndOverlaps(placed: readonly PlacedTensor[], dataBytes: number): void {
  const inOrder = [...placed].sort((one, other) => one.begin - other.begin || one.end - other.end);
  let covered = 0;
  for (const { name, begin, end } of inOrder) {
    if (begin !== covered) {
      throw invalidTensor(name, `begins at ${begin}, the data before it ends at ${covered}`);
    }
    covered = end;
  }
  if (covered !== dataBytes) {
    throw invalid(`has ${dataBytes - covered} bytes behind its last tensor`);
  }
}

function sizeOf(shape: readonly number[]): number {
  return shape.reduce((size, side) => size * side, 1);
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((side) => Number.isSafeInteger(side) && side >= 0);
}

function invalidTensor(name: string, what: string): TesseraError {
  return invalid(`is damaged: tensor ${quote(name)} ${what}`);
}

function invalid(what: string, cause?: unknown): TesseraError {
  return new TesseraError('DATA_INVALID', `the safetensors file ${what}`, {
    hint: 'the file is damaged or of another format; copy or download it again',
    cause,
  });
}
