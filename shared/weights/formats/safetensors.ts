/**
 * @file The safetensors format: an 8-byte length, a JSON header, and the tensors' bytes behind it.
 *
 * Reading is strict, since such files are untrusted: nothing is allocated from a number in the
 * file, and every byte of the data must belong to exactly one tensor.
 *
 * Source  https://github.com/huggingface/safetensors#format
 */
import { assert, TesseraError } from '../../core/errors.ts';

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

/** The floats that are read as float32 and written. */
export type FloatDtype = 'F32' | 'F16' | 'BF16';

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
const HALF_INFINITY = 0x7c00;
/** Float32 bits of 65536 and of 2 ** -14, the smallest normal half. */
const HALF_OVERFLOW = 0x4780_0000;
const HALF_NORMAL = 0x3880_0000;
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

/**
 * The values of a tensor as float32: a view where dtype and alignment allow, else a copy; F64 is rounded.
 *
 * Throws  DATA_INVALID when the dtype is not F32, F16, BF16 or F64, or a finite value is too large for float32.
 */
export function float32Of(tensor: SafeTensor, name = 'tensor'): Float32Array {
  const { dtype, bytes } = tensor;
  switch (dtype) {
    case 'F32': {
      const aligned = bytes.byteOffset % 4 === 0 ? bytes : new Uint8Array(bytes);
      return new Float32Array(aligned.buffer, aligned.byteOffset, aligned.length / 4);
    }
    case 'F16':
      return from16(bytes, halfToFloat32Bits);
    case 'BF16':
      return from16(bytes, (half) => half << 16);
    case 'F64':
      return from64(bytes, name);
    default:
      throw new TesseraError('DATA_INVALID', `${quote(name)} has dtype ${dtype}`, {
        hint: 'parameters must be F32, F16, BF16 or F64',
      });
  }
}

/**
 * The bytes of float32 values in a dtype: a view for F32, else rounded to nearest, ties to even.
 *
 * Throws  DATA_INVALID when a finite value is too large for F16.
 */
export function bytesOf(values: Float32Array, dtype: FloatDtype, name = 'tensor'): Uint8Array {
  if (dtype === 'F32') return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const narrow = dtype === 'F16' ? halfOf : brainFloatOf;
  const bytes = new Uint8Array(2 * bits.length);
  for (let index = 0; index < bits.length; index += 1) {
    const half = narrow(bits[index] ?? 0);
    bytes[2 * index] = half;
    bytes[2 * index + 1] = half >> 8;
    if (dtype === 'F16' && (half & 0x7fff) === HALF_INFINITY && Number.isFinite(values[index])) {
      throw new TesseraError(
        'DATA_INVALID',
        `${quote(name)} has ${values[index]}: too large for F16`,
        {
          hint: 'write BF16 or F32',
        },
      );
    }
  }
  return bytes;
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

function from16(bytes: Uint8Array, float32Bits: (half: number) => number): Float32Array {
  const bits = new Int32Array(bytes.length / 2);
  for (let index = 0; index < bits.length; index += 1) {
    const low = bytes[2 * index] ?? 0;
    const high = bytes[2 * index + 1] ?? 0;
    bits[index] = float32Bits(low | (high << 8));
  }
  return new Float32Array(bits.buffer);
}

function from64(bytes: Uint8Array, name: string): Float32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const values = new Float32Array(bytes.length / 8);
  for (let index = 0; index < values.length; index += 1) {
    const value = view.getFloat64(8 * index, true);
    values[index] = value;
    if (Number.isFinite(value) && !Number.isFinite(values[index])) {
      throw new TesseraError('DATA_INVALID', `${quote(name)} has ${value}: too large for F32`);
    }
  }
  return values;
}

/** Source  IEEE 754 binary16: 1 sign, 5 exponent (bias 15) and 10 fraction bits. */
function halfToFloat32Bits(half: number): number {
  const sign = (half & 0x8000) << 16;
  const exponent = (half >> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0x1f) return sign | 0x7f80_0000 | (fraction << 13);
  if (exponent > 0) return sign | ((exponent + 112) << 23) | (fraction << 13);
  if (fraction === 0) return sign;
  // A subnormal half is a normal float32: shift its leading 1 into the place of the implicit one.
  const shift = Math.clz32(fraction) - 21;
  return sign | ((113 - shift) << 23) | (((fraction << shift) & 0x3ff) << 13);
}

/** The binary16 nearest to a float32, both as bits. */
function halfOf(bits: number): number {
  const sign = (bits >>> 16) & 0x8000;
  const size = bits & 0x7fff_ffff;
  if (size > 0x7f80_0000) return sign | 0x7e00;
  if (size >= HALF_OVERFLOW) return sign | HALF_INFINITY;
  if (size >= HALF_NORMAL)
    return sign | ((size - 0x3800_0000 + 0xfff + ((size >>> 13) & 1)) >>> 13);
  // Below the normal ones, halves are multiples of 2 ** -24.
  const shift = 126 - (size >>> 23);
  if (shift > 24) return sign;
  const fraction = (size & 0x7f_ffff) | 0x80_0000;
  const whole = fraction >>> shift;
  const rest = fraction & ((1 << shift) - 1);
  const tie = 1 << (shift - 1);
  return sign | (whole + Number(rest > tie || (rest === tie && (whole & 1) === 1)));
}

/** The bfloat16 nearest to a float32, both as bits. */
function brainFloatOf(bits: number): number {
  if ((bits & 0x7fff_ffff) > 0x7f80_0000) return (bits >>> 16) | 0x40;
  return (bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16;
}

function sizeOf(shape: readonly number[]): number {
  return shape.reduce((size, side) => size * side, 1);
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((side) => Number.isSafeInteger(side) && side >= 0);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Untrusted text for a message: short, and without control characters. */
function quote(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}...` : text);
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
