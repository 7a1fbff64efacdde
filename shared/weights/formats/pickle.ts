/**
 * @file A reader of Python pickles that runs nothing: all opcodes, and a list of the callables that tensors need.
 *
 * A pickle is a program, and an untrusted one may call anything. Here a name is looked up in a short
 * list and never called; an unknown name becomes an object that is skipped and counted.
 *
 * Source  Lib/pickletools.py of CPython for the opcodes.
 */
import { TesseraError } from '../../core/errors.ts';
import { PickleBytes } from './pickle-bytes.ts';
import {
  damaged,
  Global,
  isUnderstood,
  made,
  OpaqueObject,
  type PickledStorage,
  refuseDangerous,
  STORAGE_TYPE,
  UnreadTensor,
} from './pickle-objects.ts';

/** What a pickle holds. Dictionaries are Maps; lists and tuples are arrays. */
export interface Pickle {
  readonly value: unknown;
  /** All that its tensors refer to, by key. */
  readonly storages: ReadonlyMap<string, PickledStorage>;
  /** Names of the skipped objects, with their counts. */
  readonly steppedOver: ReadonlyMap<string, number>;
  /** Index behind its last byte. */
  readonly end: number;
}

/**
 * Reads one pickle at the beginning of `bytes`.
 *
 * Throws  DATA_INVALID, naming the callable that would start a program, or the unknown opcode.
 */
export function readPickle(bytes: Uint8Array): Pickle {
  return new Unpickler(bytes).read();
}

/** What stands on the stack where a group begins. */
const MARK = Symbol('mark');

class Unpickler {
  readonly #in: PickleBytes;
  readonly #stack: unknown[] = [];
  readonly #memo = new Map<number, unknown>();
  readonly #storages = new Map<string, PickledStorage>();
  readonly #made = new Map<string, number>();

  constructor(bytes: Uint8Array) {
    this.#in = new PickleBytes(bytes);
  }

  read(): Pickle {
    for (;;) {
      const opcode = this.#in.byte();
      if (opcode === STOP) break;
      const run = this.#opcodes.get(opcode);
      if (run === undefined) throw refusedOpcode(opcode);
      run();
    }
    // A name that is only mentioned, such as torch.float32, is a thing too.
    const steppedOver = new Map([...this.#made].map(([name, n]) => [name, Math.max(1, n)]));
    return { value: this.#pop(), storages: this.#storages, steppedOver, end: this.#in.at };
  }

  readonly #opcodes: ReadonlyMap<number, () => void> = new Map<number, () => void>([
    // PROTO and FRAME do not change the reading.
    [0x80, () => void this.#in.take(1)],
    [0x95, () => void this.#in.take(8)],
    // Constants.
    [code('N'), () => this.#push(null)],
    [0x88, () => this.#push(true)],
    [0x89, () => this.#push(false)],
    [code('J'), () => this.#push(this.#in.int32())],
    [code('K'), () => this.#push(this.#in.byte())],
    [code('M'), () => this.#push(this.#in.uint16())],
    [code('G'), () => this.#push(this.#in.float64())],
    [0x8a, () => this.#push(this.#in.long(this.#in.byte()))],
    [0x8b, () => this.#push(this.#in.long(this.#in.uint32()))],
    [code('I'), () => this.#push(this.#in.number(this.#in.line()))],
    [code('L'), () => this.#push(this.#in.number(this.#in.line().replace(/L$/, '')))],
    [code('F'), () => this.#push(Number(this.#in.line()))],
    [code('X'), () => this.#push(this.#in.text(this.#in.uint32()))],
    [0x8c, () => this.#push(this.#in.text(this.#in.byte()))],
    [0x8d, () => this.#push(this.#in.text(this.#in.uint64()))],
    [code('V'), () => this.#push(this.#in.line())],
    // Bytes are never interpreted.
    [code('C'), () => this.#bytesOf(this.#in.byte())],
    [code('B'), () => this.#bytesOf(this.#in.uint32())],
    [0x8e, () => this.#bytesOf(this.#in.uint64())],
    [0x96, () => this.#bytesOf(this.#in.uint64())],
    // Python 2 wrote its texts so.
    [code('S'), () => this.#push(this.#in.line().replace(/^(['"])(.*)\1$/, '$2'))],
    [code('U'), () => this.#push(this.#in.text(this.#in.byte()))],
    [code('T'), () => this.#push(this.#in.text(this.#in.uint32()))],
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
    [code('d'), () => this.#push(this.#dictionary(this.#popToMark()))],
    [0x8f, () => this.#push(new OpaqueObject('set'))],
    [0x90, () => this.#append(this.#popToMark())],
    [0x91, () => this.#frozenSet()],
    [code('a'), () => this.#append(this.#popMany(1))],
    [code('e'), () => this.#append(this.#popToMark())],
    [code('s'), () => this.#set(this.#popMany(2))],
    [code('u'), () => this.#set(this.#popToMark())],
    [code('0'), () => void this.#pop()],
    [code('1'), () => void this.#popToMark()],
    [code('2'), () => this.#push(this.#top())],
    // The memo.
    [code('q'), () => void this.#memo.set(this.#in.byte(), this.#top())],
    [code('r'), () => void this.#memo.set(this.#in.uint32(), this.#top())],
    [code('p'), () => void this.#memo.set(Number(this.#in.line()), this.#top())],
    [0x94, () => void this.#memo.set(this.#memo.size, this.#top())],
    [code('h'), () => this.#push(this.#recall(this.#in.byte()))],
    [code('j'), () => this.#push(this.#recall(this.#in.uint32()))],
    [code('g'), () => this.#push(this.#recall(Number(this.#in.line())))],
    // What could run code in Python.
    [code('c'), () => this.#global(`${this.#in.line()}.${this.#in.line()}`)],
    [0x93, () => this.#stackGlobal()],
    [code('R'), () => this.#reduce()],
    [0x81, () => this.#reduce()],
    [0x92, () => this.#newWithKeywords()],
    [
      code('i'),
      () => this.#make(this.#named(`${this.#in.line()}.${this.#in.line()}`), this.#popToMark()),
    ],
    [code('o'), () => this.#object()],
    [0x82, () => this.#push(new OpaqueObject(`extension ${this.#in.byte()}`))],
    [0x83, () => this.#push(new OpaqueObject(`extension ${this.#in.uint16()}`))],
    [0x84, () => this.#push(new OpaqueObject(`extension ${this.#in.uint32()}`))],
    [code('b'), () => this.#build()],
    [code('Q'), () => this.#persistent()],
  ]);

  #global(name: string): void {
    this.#push(this.#named(name));
  }

  #named(name: string): Global {
    refuseDangerous(name);
    if (!isUnderstood(name) && !this.#made.has(name)) this.#made.set(name, 0);
    return new Global(name);
  }

  #stackGlobal(): void {
    const [module, name] = this.#popMany(2);
    if (typeof module !== 'string' || typeof name !== 'string') throw damaged('it calls no name');
    this.#global(`${module}.${name}`);
  }

  #reduce(): void {
    const [callable, args] = this.#popMany(2);
    if (!Array.isArray(args)) throw damaged('it calls no name');
    this.#make(callable, args);
  }

  #newWithKeywords(): void {
    const [callable, args] = this.#popMany(3);
    if (!Array.isArray(args)) throw damaged('it calls no name');
    this.#make(callable, args);
  }

  #object(): void {
    const [callable, ...args] = this.#popToMark();
    this.#make(callable, args);
  }

  /** Nothing is called: an unknown callable becomes an object with a name. */
  #make(callable: unknown, args: readonly unknown[]): void {
    if (callable instanceof OpaqueObject) {
      this.#push(new OpaqueObject(callable.name));
      return;
    }
    if (!(callable instanceof Global)) throw damaged('it calls no name');
    const { name } = callable;
    if (!isUnderstood(name)) this.#made.set(name, (this.#made.get(name) ?? 0) + 1);
    this.#push(made(name, args));
  }

  /** State of an OrderedDict (a state_dict's `_metadata`) does not concern its tensors; other state is ignored. */
  #build(): void {
    const state = this.#pop();
    const target = this.#top();
    if (target instanceof OpaqueObject) {
      target.isModule ||= state instanceof Map && state.has('_modules') && state.has('_parameters');
      return;
    }
    const isHarmless = target instanceof Map || target instanceof UnreadTensor;
    if (!isHarmless) throw damaged('it sets the state of something unknown');
  }

  #bytesOf(length: number): void {
    this.#in.take(length);
    this.#push(new OpaqueObject('bytes'));
  }

  #frozenSet(): void {
    this.#popToMark();
    this.#push(new OpaqueObject('frozenset'));
  }

  /** `('storage', type, key, device, count)`, in old files with a sixth value for a view. */
  #persistent(): void {
    const id = this.#pop();
    const [kind, type, key, , , view = null] = Array.isArray(id) ? id : [];
    // Old files keep the source code of a module's class beside it.
    if (kind === 'module' && type instanceof Global) {
      this.#push(type);
      return;
    }
    const storageType = type instanceof Global ? STORAGE_TYPE.exec(type.name)?.[1] : undefined;
    if (kind !== 'storage' || storageType === undefined || typeof key !== 'string') {
      throw damaged('it refers to something that is not a storage');
    }
    if (view !== null) throw damaged('it has a view of a storage, which is not supported');
    const storage = this.#storages.get(key) ?? { key, type: storageType };
    this.#storages.set(key, storage);
    this.#push(storage);
  }

  #append(items: readonly unknown[]): void {
    const top = this.#top();
    const list = top instanceof OpaqueObject ? top.items : top;
    if (!Array.isArray(list)) throw damaged('it appends to no list');
    for (const item of items) list.push(item);
  }

  #set(items: readonly unknown[]): void {
    const top = this.#top();
    const dictionary = top instanceof OpaqueObject ? top.entries : top;
    if (!(dictionary instanceof Map)) throw damaged('it sets items of no dictionary');
    for (const [key, value] of this.#dictionary(items)) dictionary.set(key, value);
  }

  #dictionary(items: readonly unknown[]): Map<unknown, unknown> {
    if (items.length % 2 !== 0) throw damaged('it sets items of no dictionary');
    const dictionary = new Map<unknown, unknown>();
    for (let at = 0; at < items.length; at += 2) dictionary.set(items[at], items[at + 1]);
    return dictionary;
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
}

const STOP = code('.');

function code(letter: string): number {
  return letter.charCodeAt(0);
}

function refusedOpcode(opcode: number): TesseraError {
  const hex = `0x${opcode.toString(16).padStart(2, '0')}`;
  return new TesseraError('DATA_INVALID', `the pickle uses the unknown opcode ${hex}`, {
    hint: 'the file is damaged; in Python: torch.save(model.state_dict(), PATH)',
  });
}
