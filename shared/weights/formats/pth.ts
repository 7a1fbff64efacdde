/**
 * @file PyTorch's files of tensors: a zip with a pickle in it (since 1.6), or several pickles in a row
 * with the bytes behind them (before).
 *
 * Nothing in the file is ever called, and no number in it decides an allocation before it was checked.
 *
 * Source  the layout that torch.save writes (torch/serialization.py).
 */
import { TesseraError } from '../../core/errors.ts';
import { readPickle } from './pickle.ts';
import type { PickledStorage, PickledTensor } from './pickle-objects.ts';
import { groupsIn, keyOf, type PickledGroup } from './pth-groups.ts';
import type { SafeTensor } from './safetensors.ts';
import { gather } from './strided.ts';
import { isZip, readZip } from './zip.ts';

/** The two layouts. */
export type PthFormat = 'PyTorch zip' | 'PyTorch legacy pickle';

/** Tensors that a file keeps together in one dictionary. */
export interface TensorGroup {
  /** Keys that lead to the dictionary, joined by points; empty for the outermost. */
  readonly path: string;
  /** Their bytes are put together when they are asked for. */
  readonly tensors: ReadonlyMap<string, SafeTensor>;
  /** Tensors that cannot be read, and what they are. */
  readonly unread: ReadonlyMap<string, string>;
}

/** What a file holds. */
export interface PthFile {
  readonly groups: readonly TensorGroup[];
  readonly format: PthFormat;
  /** Names of the skipped objects, with their counts. */
  readonly steppedOver: ReadonlyMap<string, number>;
  /** Skipped whole modules: their path and class. */
  readonly modules: readonly (readonly [path: string, name: string])[];
}

type Storages = (storage: PickledStorage) => Uint8Array;

/** Opcode PROTO: what a pickle of protocol 2 or later begins with. */
const PROTO = 0x80;
/** Opcode LONG1: an integer in the number of bytes that follows. */
const LONG1 = 0x8a;
/** Opcode FRAME, with the eight bytes of its length. */
const FRAME = 0x95;
const FRAME_BYTES = 9;
const LEGACY_MAGIC = 0x1950a86a20f9469cfc6cn;
const LEGACY_PROTOCOL = 1001;
/** A storage's number of values. */
const COUNT_BYTES = 8;
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
  // Not read, but skipped by their size in old files.
  ComplexFloatStorage: ['C64', 8],
  ComplexDoubleStorage: ['C128', 16],
  QInt8Storage: ['QI8', 1],
  QUInt8Storage: ['QU8', 1],
  QInt32Storage: ['QI32', 4],
};

/** Whether bytes begin like one of PyTorch's files: a zip, or the pickle of the magic number. */
export function isPth(bytes: Uint8Array): boolean {
  // From protocol 4 on, the length of a frame stands before the number.
  const at = bytes[2] === FRAME ? 2 + FRAME_BYTES : 2;
  return isZip(bytes) || (bytes[0] === PROTO && bytes[at] === LONG1 && bytes[at + 1] === 10);
}

/**
 * Reads a whole file; tensors that lie in one piece are views of `bytes`. A zip's checksums are checked
 * when an entry is read; the older layout has none.
 *
 * Throws  DATA_INVALID, naming what the pickle would call, or the invalid tensor when its bytes are read.
 */
export function readPth(bytes: Uint8Array): PthFile {
  const { root, storages, format, steppedOver } = isZip(bytes)
    ? readZipped(bytes)
    : readLegacy(bytes);
  const { groups, modules } = groupsIn(root);
  if (groups.length === 0) throw withoutTensors(root, modules[0]);
  // Tensors of one dictionary share no values, so together they never need more than the file has.
  const readable = groups.map((group) => readGroup(group, storages, { left: bytes.length }));
  return { groups: readable, format, steppedOver, modules };
}

function readGroup(
  { path, tensors, unread }: PickledGroup,
  storages: Storages,
  budget: { left: number },
): TensorGroup {
  const read = new Map<string, SafeTensor>();
  const others = new Map(unread);
  for (const [name, tensor] of tensors) {
    const type = STORAGES[tensor.storage.type];
    if (type === undefined) others.set(name, `a tensor of the type ${tensor.storage.type}`);
    else read.set(name, new LazyTensor(name, { tensor, type, storages, budget }));
  }
  return { path, tensors: read, unread: others };
}

interface LazyOptions {
  readonly tensor: PickledTensor;
  readonly type: readonly [dtype: string, bytes: number];
  readonly storages: Storages;
  readonly budget: { left: number };
}

/** A tensor whose bytes are put together once, when they are asked for. */
class LazyTensor implements SafeTensor {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly #name: string;
  readonly #options: LazyOptions;
  #bytes: Uint8Array | undefined;

  constructor(name: string, options: LazyOptions) {
    this.dtype = options.type[0];
    this.shape = options.tensor.shape;
    this.#name = name;
    this.#options = options;
  }

  get bytes(): Uint8Array {
    const { tensor, type, storages, budget } = this.#options;
    const { shape, strides, offset, storage } = tensor;
    this.#bytes ??= gather(
      this.#name,
      { shape, strides, offset, width: type[1], stored: storages(storage) },
      budget,
    );
    return this.#bytes;
  }
}

interface Opened {
  readonly root: unknown;
  readonly storages: Storages;
  readonly format: PthFormat;
  readonly steppedOver: ReadonlyMap<string, number>;
}

function readZipped(bytes: Uint8Array): Opened {
  const files = readZip(bytes);
  const pickle = [...files.keys()].find((name) => /^(?:[^/]+\/)?data\.pkl$/.test(name));
  if (pickle === undefined) {
    throw invalid('is a zip without data.pkl', 'torch.save did not write this file');
  }
  const folder = pickle.slice(0, -'data.pkl'.length);
  const order = files.get(`${folder}byteorder`);
  if (order !== undefined && new TextDecoder().decode(order()) === 'big') {
    throw bigEndian();
  }
  const { value, steppedOver } = readPickle((files.get(pickle) as () => Uint8Array)());
  const opened = new Map<string, Uint8Array>();
  const storages = ({ key }: PickledStorage) => {
    const stored = opened.get(key) ?? files.get(`${folder}data/${key}`)?.() ?? missingStorage(key);
    opened.set(key, stored);
    return stored;
  };
  return { root: value, storages, steppedOver, format: 'PyTorch zip' };
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
  const { value, steppedOver } = root;
  return { root: value, storages, steppedOver, format: 'PyTorch legacy pickle' };
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
    const storage = storages.get(keyOf(key));
    if (storage === undefined) throw missingStorage(keyOf(key));
    const first = offset + COUNT_BYTES;
    if (first > bytes.length) throw cutShort();
    const size = view.getBigUint64(offset, true) * BigInt(typeOf(storage).bytes);
    if (size > BigInt(bytes.length - first)) throw cutShort();
    offset = first + Number(size);
    stored.set(storage.key, bytes.subarray(first, offset));
  }
  return stored;
}

/** The error for a file without a dictionary of tensors. */
function withoutTensors(
  root: unknown,
  module: readonly [path: string, name: string] | undefined,
): TesseraError {
  if (module !== undefined) {
    const [path, name] = module;
    const place = path === '' ? '' : ` under ${JSON.stringify(path.slice(0, 100))}`;
    return invalid(
      `holds a whole module${place}, a ${name.slice(0, 100)}, which only its own code can run`,
      'in Python: torch.save(model.state_dict(), PATH)',
    );
  }
  const keys = root instanceof Map ? [...root.keys()].slice(0, 5).map(keyOf).join(', ') : 'none';
  return invalid(
    `holds no dictionary of tensors (its keys: ${keys})`,
    'save the weights alone: torch.save(model.state_dict(), PATH)',
  );
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
  return invalid('is truncated: a storage ends after the end of the file');
}

function invalid(what: string, hint = 'copy or download the file again'): TesseraError {
  return new TesseraError('DATA_INVALID', `the PyTorch file ${what}`, { hint });
}
