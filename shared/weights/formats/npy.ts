/**
 * @file NumPy's array files (.npy), and archives of them (.npz): a line of text that describes the array, then its values.
 *
 * The line is a Python literal. It is read with one pattern, never evaluated, and its sizes are checked against the file.
 *
 * Source  https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
 */
import { TesseraError } from '../../core/errors.ts';
import type { SafeTensor } from './safetensors.ts';
import { gather } from './strided.ts';
import type { ZipEntries } from './zip.ts';

/** Arrays of an archive. */
export interface NpzFile {
  /** By their names, without `.npy`. */
  readonly tensors: ReadonlyMap<string, SafeTensor>;
  /** Arrays that cannot be read, with their kind. */
  readonly unread: ReadonlyMap<string, string>;
}

const MAGIC = '\x93NUMPY';
const SUFFIX = '.npy';
/** `{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }`, in any order. */
const DESCRIPTION = {
  descr: /'descr'\s*:\s*'([^']*)'/,
  order: /'fortran_order'\s*:\s*(True|False)/,
  shape: /'shape'\s*:\s*\(([\d,\sL]*)\)/,
} as const;

/** NumPy's types, little-endian; `V2` is what it makes of JAX's bfloat16. */
const DTYPES: Readonly<Record<string, readonly [dtype: string, bytes: number]>> = {
  f4: ['F32', 4],
  f2: ['F16', 2],
  f8: ['F64', 8],
  V2: ['BF16', 2],
  i8: ['I64', 8],
  i4: ['I32', 4],
  i2: ['I16', 2],
  i1: ['I8', 1],
  u8: ['U64', 8],
  u4: ['U32', 4],
  u2: ['U16', 2],
  u1: ['U8', 1],
  b1: ['BOOL', 1],
};

/** As many as NumPy allows. */
const DIMENSIONS_MAX = 64;

/** Whether a zip holds arrays and nothing else. */
export function isNpz(entries: ZipEntries): boolean {
  return entries.size > 0 && [...entries.keys()].every((name) => name.endsWith(SUFFIX));
}

/**
 * Reads an archive; arrays that are stored in one piece are views of it.
 *
 * Throws  DATA_INVALID, naming the array that is damaged.
 */
export function readNpz(entries: ZipEntries): NpzFile {
  const tensors = new Map<string, SafeTensor>();
  const unread = new Map<string, string>();
  for (const [entry, content] of entries) {
    const name = entry.slice(0, -SUFFIX.length);
    const array = readNpy(name, content());
    if (typeof array === 'string') unread.set(name, array);
    else tensors.set(name, array);
  }
  return { tensors, unread };
}

/** An array, or what it is where its type is not read. */
function readNpy(name: string, bytes: Uint8Array): SafeTensor | string {
  const { header, start } = headerOf(name, bytes);
  const descr = DESCRIPTION.descr.exec(header)?.[1];
  const order = DESCRIPTION.order.exec(header)?.[1];
  const sides = DESCRIPTION.shape.exec(header)?.[1]?.match(/\d+/g) ?? [];
  const shape = sides.map(Number);
  // A structured type has a list where others have a text.
  if (descr === undefined) return 'an array of a structured type';
  const isValid = order !== undefined && DESCRIPTION.shape.test(header);
  const size = shape.reduce((product, side) => product * side, 1);
  if (!isValid || shape.length > DIMENSIONS_MAX || !Number.isSafeInteger(size)) {
    throw damaged(name, 'has no valid description');
  }
  const type = /^[<|]/.test(descr) ? DTYPES[descr.slice(1)] : undefined;
  if (type === undefined) return `an array of NumPy's type ${descr.slice(0, 20)}`;
  const [dtype, width] = type;
  const stored = bytes.subarray(start);
  if (stored.length !== size * width) throw damaged(name, 'has another size than it says');
  if (order === 'False') return { dtype, shape, bytes: stored };
  const strides = shape.map((_, axis) => shape.slice(0, axis).reduce((a, b) => a * b, 1));
  const budget = { left: stored.length };
  const inOrder = gather(name, { shape, strides, offset: 0, width, stored }, budget);
  return { dtype, shape, bytes: inOrder };
}

function headerOf(name: string, bytes: Uint8Array): { header: string; start: number } {
  const latin1 = (from: number, to: number) => String.fromCharCode(...bytes.subarray(from, to));
  if (bytes.length < 12 || latin1(0, MAGIC.length) !== MAGIC)
    throw damaged(name, 'is not an array');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const isLong = (bytes[MAGIC.length] ?? 0) > 1;
  const length = isLong ? view.getUint32(8, true) : view.getUint16(8, true);
  const first = isLong ? 12 : 10;
  // The descriptions of plain arrays take some hundred bytes.
  if (length > 10_000 || first + length > bytes.length) {
    throw damaged(name, 'has no valid description');
  }
  return { header: latin1(first, first + length), start: first + length };
}

function damaged(name: string, what: string): TesseraError {
  return new TesseraError('DATA_INVALID', `the array ${JSON.stringify(name)} of the .npz ${what}`, {
    hint: 'copy or download the file again',
  });
}
