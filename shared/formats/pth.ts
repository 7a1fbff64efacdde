/**
 * @file PyTorch's files of tensors: a zip with a pickle in it (since 1.6), or several pickles in a row
 * with the bytes behind them (before).
 *
 * Nothing in the file is ever called, and no number in it decides an allocation before it was checked.
 *
 * Source  the layout that torch.save writes (torch/serialization.py).
 */
import { TesseraError } from '../core/errors.ts';
import { type PickledStorage, PickledTensor, readPickle } from './pickle.ts';
import type { SafeTensor } from './safetensors.ts';
import { type Crc32, isZip, readZip } from './zip.ts';

/** The two layouts. */
export type PthFormat = 'PyTorch zip' | 'PyTorch legacy pickle';

/** The tensors of a file. */
export interface PthFile {
  readonly tensors: Map<string, SafeTensor>;
  readonly format: PthFormat;
  /** Key of the dictionary that they were in, when it was not the outermost. */
  readonly nesting?: string | undefined;
}

type Storages = (storage: PickledStorage) => Uint8Array;

/** Opcode PROTO: what a pickle of protocol 2 or later begins with. */
const PROTO = 0x80;
/** Opcode LONG1: an integer in the number of bytes that follows. */
const LONG1 = 0x8a;
const LEGACY_MAGIC = 0x1950a86a20f9469cfc6cn;
const LEGACY_PROTOCOL = 1001;
/** A storage's number of values. */
const COUNT_BYTES = 8;
/** A training checkpoint's weights, the averaged ones first, as timm prefers them. */
const NESTINGS = ['state_dict_ema', 'model_ema', 'state_dict', 'model', 'model_state_dict', 'net'];

/** Bytes of a value, and safetensors' name of its type. */
const STORAGES: Readonly<Record<string, readonly [dtype: string, bytes: number]>> = {
  FloatStorage: ['F32', 4],
  HalfStorage: ['F16', 2],
  BFloat16Storage: ['BF16', 2],
  DoubleStorage: ['F64', 8],
  LongStorage: ['I64', 8],
  IntStorage: ['I32', 4],
  ShortStorage: ['I16', 2],
  CharStorage: ['I8', 1],
  ByteStorage: ['U8', 1],
  BoolStorage: ['BOOL', 1],
};

/** Whether bytes begin like one of PyTorch's files: a zip, or the pickle of the magic number. */
export function isPth(bytes: Uint8Array): boolean {
  return isZip(bytes) || (bytes[0] === PROTO && bytes[2] === LONG1 && bytes[3] === 10);
}

/**
 * Reads the tensors of a whole file; those that lie in one piece are views of `bytes`. A zip's checksums are checked
 * with `crc32`; the older layout has none.
 *
 * Throws  DATA_INVALID, naming what the pickle wants or which tensor is wrong.
 */
export function readPth(bytes: Uint8Array, crc32: Crc32): PthFile {
  const { root, storages, format } = isZip(bytes) ? readZipped(bytes, crc32) : readLegacy(bytes);
  const { found, nesting } = findTensors(root);
  // Tensors of one file share no values, so together they never need more than the file has.
  const budget = { left: bytes.length };
  const tensors = new Map(
    [...found].map(([name, tensor]) => [
      name,
      gather(name, tensor, storages(tensor.storage), budget),
    ]),
  );
  return { tensors, format, nesting };
}

interface Opened {
  readonly root: unknown;
  readonly storages: Storages;
  readonly format: PthFormat;
}

function readZipped(bytes: Uint8Array, crc32: Crc32): Opened {
  const files = readZip(bytes, crc32);
  const pickle = [...files.keys()].find((name) => /^(?:[^/]+\/)?data\.pkl$/.test(name));
  if (pickle === undefined) {
    throw invalid('is a zip without data.pkl', 'this is no file that torch.save wrote');
  }
  const folder = pickle.slice(0, -'data.pkl'.length);
  const order = files.get(`${folder}byteorder`);
  if (order !== undefined && new TextDecoder().decode(order()) === 'big') {
    throw bigEndian();
  }
  const { value } = readPickle((files.get(pickle) as () => Uint8Array)());
  const opened = new Map<string, Uint8Array>();
  const storages = ({ key }: PickledStorage) => {
    const stored = opened.get(key) ?? files.get(`${folder}data/${key}`)?.() ?? missingStorage(key);
    opened.set(key, stored);
    return stored;
  };
  return { root: value, storages, format: 'PyTorch zip' };
}

/** Magic number, protocol, system, the object, the keys of its storages: five pickles; then the bytes. */
function readLegacy(bytes: Uint8Array): Opened {
  let offset = 0;
  const next = () => {
    const pickle = readPickle(bytes.subarray(offset));
    offset += pickle.end;
    return pickle;
  };
  if (next().value !== LEGACY_MAGIC || next().value !== LEGACY_PROTOCOL) {
    throw invalid('is a pickle that torch.save did not write', 'give a file of weights');
  }
  const system = next().value;
  if (system instanceof Map && system.get('little_endian') === false) throw bigEndian();
  const root = next();
  const keys = next().value;
  if (!Array.isArray(keys)) throw invalid('has no list of storages');
  const stored = legacyStorages(bytes, offset, { keys, storages: root.storages });
  const storages = ({ key }: PickledStorage) => stored.get(key) ?? missingStorage(key);
  return { root: root.value, storages, format: 'PyTorch legacy pickle' };
}

/** Storages one behind the other, each with its number of values before it. */
function legacyStorages(
  bytes: Uint8Array,
  start: number,
  { keys, storages }: { keys: readonly unknown[]; storages: ReadonlyMap<string, PickledStorage> },
): Map<string, Uint8Array> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const stored = new Map<string, Uint8Array>();
  let offset = start;
  for (const key of keys) {
    const storage = storages.get(textOf(key));
    if (storage === undefined) throw missingStorage(textOf(key));
    const first = offset + COUNT_BYTES;
    if (first > bytes.length) throw cutShort();
    const size = view.getBigUint64(offset, true) * BigInt(typeOf(storage).bytes);
    if (size > BigInt(bytes.length - first)) throw cutShort();
    offset = first + Number(size);
    stored.set(storage.key, bytes.subarray(first, offset));
  }
  return stored;
}

/** The dictionary of tensors: the outermost, or one inside it. What is no tensor (an epoch) is left out. */
function findTensors(root: unknown): { found: Map<string, PickledTensor>; nesting?: string } {
  const direct = tensorsIn(root);
  if (direct.size > 0) return { found: direct };
  if (root instanceof Map) {
    for (const nesting of NESTINGS) {
      const found = tensorsIn(root.get(nesting));
      if (found.size > 0) return { found, nesting };
    }
  }
  const keys = root instanceof Map ? [...root.keys()].slice(0, 5).map(textOf).join(', ') : 'none';
  throw invalid(
    `holds no dictionary of tensors (its keys: ${keys})`,
    'save the weights alone: torch.save(model.state_dict(), PATH)',
  );
}

/** A key for messages and look-ups. What is in a list is left out: a few bytes can nest it beyond any time. */
function textOf(key: unknown): string {
  return typeof key === 'object' ? 'an object' : String(key);
}

function tensorsIn(value: unknown): Map<string, PickledTensor> {
  const found = new Map<string, PickledTensor>();
  if (!(value instanceof Map)) return found;
  for (const [name, entry] of value) {
    if (typeof name === 'string' && entry instanceof PickledTensor) found.set(name, entry);
  }
  return found;
}

/** A tensor's bytes in row-major order: a view where it lies so, else a copy. */
function gather(
  name: string,
  tensor: PickledTensor,
  stored: Uint8Array,
  budget: { left: number },
): SafeTensor {
  const { shape, strides, offset, storage } = tensor;
  const { dtype, bytes: width } = typeOf(storage);
  const size = shape.reduce((product, side) => product * side, 1);
  const span = shape.reduce((sum, side, axis) => sum + (side - 1) * (strides[axis] ?? 0), 1);
  const isInside = size === 0 || (offset + span) * width <= stored.length;
  if (!isInside || !Number.isSafeInteger(size)) {
    throw invalid(`is damaged: tensor ${JSON.stringify(name)} reaches beyond its storage`);
  }
  if (size === 0 || isRowMajor(shape, strides)) {
    return { dtype, shape, bytes: stored.subarray(offset * width, (offset + size) * width) };
  }
  budget.left -= size * width;
  if (budget.left < 0) {
    throw invalid(`has tensors that together are larger than itself, ${JSON.stringify(name)} last`);
  }
  const bytes = new Uint8Array(size * width);
  const at = new Array<number>(shape.length).fill(0);
  for (let target = 0; target < bytes.length; target += width) {
    const source = at.reduce((sum, index, axis) => sum + index * (strides[axis] ?? 0), offset);
    bytes.set(stored.subarray(source * width, (source + 1) * width), target);
    advance(at, shape);
  }
  return { dtype, shape, bytes };
}

/** The next index in row-major order. */
function advance(at: number[], shape: readonly number[]): void {
  for (let axis = shape.length - 1; axis >= 0; axis -= 1) {
    const next = (at[axis] ?? 0) + 1;
    at[axis] = next === shape[axis] ? 0 : next;
    if (at[axis] !== 0) return;
  }
}

function isRowMajor(shape: readonly number[], strides: readonly number[]): boolean {
  let expected = 1;
  for (let axis = shape.length - 1; axis >= 0; axis -= 1) {
    const side = shape[axis] ?? 1;
    // The stride of an axis of one value is never used.
    if (side !== 1 && strides[axis] !== expected) return false;
    expected *= side;
  }
  return true;
}

function typeOf({ type, key }: PickledStorage): { dtype: string; bytes: number } {
  const known = STORAGES[type];
  if (known !== undefined) return { dtype: known[0], bytes: known[1] };
  throw invalid(`has a storage ${JSON.stringify(key)} of the unknown type ${type}`);
}

function missingStorage(key: string): never {
  throw invalid(`is damaged: it has no storage ${JSON.stringify(key)}`);
}

function bigEndian(): TesseraError {
  return invalid('has its values in big-endian order', 'save it again on a little-endian machine');
}

function cutShort(): TesseraError {
  return invalid('is cut short: a storage ends behind the end of the file');
}

function invalid(what: string, hint = 'copy or download the file again'): TesseraError {
  return new TesseraError('DATA_INVALID', `the PyTorch file ${what}`, { hint });
}
