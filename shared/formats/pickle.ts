/**
 * @file A reader of Python pickles that runs nothing: the opcodes and the five callables that tensors need.
 *
 * A pickle is a program, and one from a stranger may call anything. Here a name is looked up in a short
 * list and never called; every other name, and every other opcode, is refused by name.
 *
 * Source  Lib/pickletools.py of CPython for the opcodes; torch/_utils.py for what the callables take.
 */
import { TesseraError } from '../core/errors.ts';

/** Where some tensors' values are. */
export interface PickledStorage {
  readonly key: string;
  /** torch's name of the type, such as `FloatStorage`. */
  readonly type: string;
}

/** A tensor: its place in a storage. Units  offset and strides in values. */
export class PickledTensor {
  readonly storage: PickledStorage;
  readonly offset: number;
  readonly shape: readonly number[];
  readonly strides: readonly number[];

  constructor(storage: PickledStorage, offset: number, shape: number[], strides: number[]) {
    this.storage = storage;
    this.offset = offset;
    this.shape = shape;
    this.strides = strides;
  }
}

/** What a pickle holds. Dictionaries are Maps; lists and tuples are arrays. */
export interface Pickle {
  readonly value: unknown;
  /** All that its tensors refer to, by key. */
  readonly storages: ReadonlyMap<string, PickledStorage>;
  /** Index behind its last byte. */
  readonly end: number;
}

/**
 * Reads one pickle at the beginning of `bytes`.
 *
 * Throws  DATA_INVALID, naming what it wants to call, or the opcode.
 */
export function readPickle(bytes: Uint8Array): Pickle {
  return new Unpickler(bytes).read();
}

/** A name that may appear, and what stands for it. */
type Callable = (args: readonly unknown[]) => unknown;

class Global {
  readonly name: string;
  constructor(name: string) {
    this.name = name;
  }
}

const CALLABLES: Readonly<Record<string, Callable>> = {
  'collections.OrderedDict': (args) => orderedDict(args),
  'torch._utils._rebuild_tensor': rebuildTensor,
  'torch._utils._rebuild_tensor_v2': rebuildTensor,
  'torch._utils._rebuild_parameter': ([tensor]) => tensor,
  'torch.Size': ([sizes]) => sizes,
};

/** torch.FloatStorage and its like are named, never called. */
const STORAGE_TYPE = /^torch\.([A-Za-z0-9]+Storage)$/;

/** As many as torch allows: each value of a tensor costs a step for each of them. */
const DIMENSIONS_MAX = 64;

/** What stands on the stack where a group begins. */
const MARK = Symbol('mark');

/** Names of opcodes that are refused and that a reader may have met. */
const REFUSED: ReadonlyMap<number, string> = new Map([
  [0x69, 'INST'],
  [0x6f, 'OBJ'],
  [0x81, 'NEWOBJ'],
  [0x82, 'EXT1'],
  [0x83, 'EXT2'],
  [0x84, 'EXT4'],
  [0x92, 'NEWOBJ_EX'],
  [0x97, 'NEXT_BUFFER'],
]);

class Unpickler {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #stack: unknown[] = [];
  readonly #memo = new Map<number, unknown>();
  readonly #storages = new Map<string, PickledStorage>();
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  read(): Pickle {
    for (;;) {
      const opcode = this.#view.getUint8(this.#take(1));
      if (opcode === STOP) break;
      const run = this.#opcodes.get(opcode);
      if (run === undefined) throw refusedOpcode(opcode);
      run();
    }
    return { value: this.#pop(), storages: this.#storages, end: this.#at };
  }

  readonly #opcodes: ReadonlyMap<number, () => void> = new Map<number, () => void>([
    // PROTO and FRAME say nothing that changes the reading.
    [0x80, () => void this.#take(1)],
    [0x95, () => void this.#take(8)],
    // Constants.
    [code('N'), () => this.#push(null)],
    [0x88, () => this.#push(true)],
    [0x89, () => this.#push(false)],
    [code('J'), () => this.#push(this.#view.getInt32(this.#take(4), true))],
    [code('K'), () => this.#push(this.#view.getUint8(this.#take(1)))],
    [code('M'), () => this.#push(this.#view.getUint16(this.#take(2), true))],
    [code('G'), () => this.#push(this.#view.getFloat64(this.#take(8)))],
    [0x8a, () => this.#push(this.#long(this.#byte()))],
    [code('X'), () => this.#push(this.#text(this.#uint32()))],
    [0x8c, () => this.#push(this.#text(this.#byte()))],
    // Python 2 wrote its texts so.
    [code('U'), () => this.#push(this.#text(this.#byte()))],
    [code('T'), () => this.#push(this.#text(this.#uint32()))],
    // Collections.
    [code('('), () => this.#push(MARK)],
    [code('}'), () => this.#push(new Map())],
    [code(']'), () => this.#push([])],
    [code(')'), () => this.#push([])],
    [code('t'), () => this.#push(this.#popToMark())],
    [code('l'), () => this.#push(this.#popToMark())],
    [0x85, () => this.#push(this.#popMany(1))],
    [0x86, () => this.#push(this.#popMany(2))],
    [0x87, () => this.#push(this.#popMany(3))],
    [code('a'), () => this.#append(this.#popMany(1))],
    [code('e'), () => this.#append(this.#popToMark())],
    [code('s'), () => this.#set(this.#popMany(2))],
    [code('u'), () => this.#set(this.#popToMark())],
    [code('0'), () => void this.#pop()],
    // The memo.
    [code('q'), () => void this.#memo.set(this.#byte(), this.#top())],
    [code('r'), () => void this.#memo.set(this.#uint32(), this.#top())],
    [0x94, () => void this.#memo.set(this.#memo.size, this.#top())],
    [code('h'), () => this.#push(this.#recall(this.#byte()))],
    [code('j'), () => this.#push(this.#recall(this.#uint32()))],
    // What could run code in Python.
    [code('c'), () => this.#global(`${this.#line()}.${this.#line()}`)],
    [0x93, () => this.#stackGlobal()],
    [code('R'), () => this.#reduce()],
    [code('b'), () => this.#build()],
    [code('Q'), () => this.#persistent()],
  ]);

  #global(name: string): void {
    if (!Object.hasOwn(CALLABLES, name) && !STORAGE_TYPE.test(name)) throw refusedName(name);
    this.#push(new Global(name));
  }

  #stackGlobal(): void {
    const [module, name] = this.#popMany(2);
    if (typeof module !== 'string' || typeof name !== 'string') throw damaged('it calls no name');
    this.#global(`${module}.${name}`);
  }

  #reduce(): void {
    const [callable, args] = this.#popMany(2);
    if (!(callable instanceof Global) || !Array.isArray(args)) throw damaged('it calls no name');
    const call = Object.hasOwn(CALLABLES, callable.name) ? CALLABLES[callable.name] : undefined;
    if (call === undefined) throw refusedName(callable.name);
    this.#push(call(args));
  }

  /** State of an OrderedDict (a state_dict's `_metadata`) says nothing of its tensors; others have none. */
  #build(): void {
    this.#pop();
    if (!(this.#top() instanceof Map)) throw damaged('it sets the state of something unknown');
  }

  /** `('storage', type, key, device, count)`, in old files with a sixth value for a view. */
  #persistent(): void {
    const id = this.#pop();
    const [kind, type, key, , , view = null] = Array.isArray(id) ? id : [];
    const storageType = type instanceof Global ? STORAGE_TYPE.exec(type.name)?.[1] : undefined;
    if (kind !== 'storage' || storageType === undefined || typeof key !== 'string') {
      throw damaged('it refers to something that is no storage');
    }
    if (view !== null) throw damaged('it has a view of a storage, which is not supported');
    const storage = this.#storages.get(key) ?? { key, type: storageType };
    this.#storages.set(key, storage);
    this.#push(storage);
  }

  #append(items: readonly unknown[]): void {
    const list = this.#top();
    if (!Array.isArray(list)) throw damaged('it appends to no list');
    for (const item of items) list.push(item);
  }

  #set(items: readonly unknown[]): void {
    const dictionary = this.#top();
    if (!(dictionary instanceof Map) || items.length % 2 !== 0) {
      throw damaged('it sets items of no dictionary');
    }
    for (let at = 0; at < items.length; at += 2) dictionary.set(items[at], items[at + 1]);
  }

  #recall(index: number): unknown {
    if (!this.#memo.has(index)) throw damaged(`it recalls ${index}, which it never stored`);
    return this.#memo.get(index);
  }

  #push(value: unknown): void {
    this.#stack.push(value);
  }

  #top(): unknown {
    if (this.#stack.length === 0) throw damaged('its stack runs empty');
    return this.#stack[this.#stack.length - 1];
  }

  #pop(): unknown {
    const top = this.#top();
    this.#stack.pop();
    return top;
  }

  #popMany(count: number): unknown[] {
    if (this.#stack.length < count) throw damaged('its stack runs empty');
    return this.#stack.splice(-count, count);
  }

  #popToMark(): unknown[] {
    const mark = this.#stack.lastIndexOf(MARK);
    if (mark < 0) throw damaged('a group has no beginning');
    return this.#stack.splice(mark).slice(1);
  }

  /** Index of the next `count` bytes. */
  #take(count: number): number {
    const at = this.#at;
    if (at + count > this.#bytes.length) throw damaged('it is cut short');
    this.#at += count;
    return at;
  }

  #byte(): number {
    return this.#view.getUint8(this.#take(1));
  }

  #uint32(): number {
    return this.#view.getUint32(this.#take(4), true);
  }

  #text(length: number): string {
    const at = this.#take(length);
    return new TextDecoder().decode(this.#bytes.subarray(at, at + length));
  }

  /** A text up to the end of its line. */
  #line(): string {
    const end = this.#bytes.indexOf(0x0a, this.#at);
    if (end < 0) throw damaged('it is cut short');
    const text = this.#text(end - this.#at);
    this.#take(1);
    return text;
  }

  /** A little-endian two's complement integer; a bigint where a number would round it. */
  #long(length: number): number | bigint {
    const at = this.#take(length);
    let value = 0n;
    for (let i = length - 1; i >= 0; i -= 1)
      value = (value << 8n) | BigInt(this.#bytes[at + i] ?? 0);
    const signed = BigInt.asIntN(8 * length, value);
    return Number.isSafeInteger(Number(signed)) ? Number(signed) : signed;
  }
}

const STOP = code('.');

function code(letter: string): number {
  return letter.charCodeAt(0);
}

function orderedDict([items]: readonly unknown[]): Map<unknown, unknown> {
  if (items === undefined) return new Map();
  if (!Array.isArray(items) || !items.every(Array.isArray)) {
    throw damaged('it makes a dictionary of something unknown');
  }
  return new Map(items.map(([key, value]) => [key, value]));
}

function rebuildTensor([storage, offset, shape, strides]: readonly unknown[]): PickledTensor {
  const isValid =
    isStorage(storage) &&
    isSize(offset) &&
    isSizes(shape) &&
    isSizes(strides) &&
    shape.length === strides.length &&
    shape.length <= DIMENSIONS_MAX;
  if (!isValid) throw damaged('it describes a tensor badly');
  return new PickledTensor(storage, offset, shape, strides);
}

function isStorage(value: unknown): value is PickledStorage {
  return typeof value === 'object' && value !== null && 'key' in value && 'type' in value;
}

function isSize(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every(isSize);
}

function refusedName(name: string): TesseraError {
  return new TesseraError('DATA_INVALID', `the pickle wants to call ${name.slice(0, 100)}`, {
    hint: 'only tensors are read, and nothing is run; in Python: torch.save(model.state_dict(), PATH)',
  });
}

function refusedOpcode(opcode: number): TesseraError {
  const hex = `0x${opcode.toString(16).padStart(2, '0')}`;
  const name = REFUSED.get(opcode);
  return new TesseraError(
    'DATA_INVALID',
    `the pickle uses the opcode ${name === undefined ? hex : `${name} (${hex})`}`,
    {
      hint: 'only what tensors need is read; in Python: torch.save(model.state_dict(), PATH)',
    },
  );
}

function damaged(what: string): TesseraError {
  return new TesseraError('DATA_INVALID', `the pickle is damaged: ${what}`, {
    hint: 'copy or download the file again',
  });
}
