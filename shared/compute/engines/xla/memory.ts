/**
 * @file Memory that JavaScript and C share: structs, addresses, copies; libraries and their environment.
 *
 * An address keeps nothing alive: what a struct points at stays referenced by the struct.
 */
import koffi from 'koffi';
import { assert } from '../../../core/errors.ts';
import type { FieldKind, Fields } from './abi.ts';

/** What a pointer may be made of. */
export type Pointed = bigint | ArrayBufferView | Struct<Fields>;

/** Values to write into a struct; a field that is missing is 0. */
export type Values<F extends Fields> = {
  readonly [N in keyof F]?:
    | (F[N] extends 'p' ? Pointed : F[N] extends 'b' ? boolean : number | bigint)
    | undefined;
};

type Read<K extends FieldKind> = K extends 'p' ? bigint : K extends 'b' ? boolean : number;

const SIZES: Readonly<Record<FieldKind, number>> = { p: 8, n: 8, i: 4, b: 1 };
/** struct_size and extension_start. */
const HEAD_SIZE = 16;

interface Layout {
  readonly offsets: ReadonlyMap<string, number>;
  /** Up to the end of the last field, as PJRT counts: not sizeof. */
  readonly size: number;
}

const layouts = new WeakMap<Fields, Layout>();

function layoutOf(fields: Fields): Layout {
  const known = layouts.get(fields);
  if (known !== undefined) return known;
  let size = HEAD_SIZE;
  const offsets = new Map<string, number>();
  for (const [name, kind] of Object.entries(fields)) {
    const offset = Math.ceil(size / SIZES[kind]) * SIZES[kind];
    offsets.set(name, offset);
    size = offset + SIZES[kind];
  }
  const layout = { offsets, size };
  layouts.set(fields, layout);
  return layout;
}

/** A C struct in memory of JavaScript's. */
export class Struct<F extends Fields> {
  /** Its memory, a multiple of 8 bytes. */
  readonly bytes: Uint8Array;
  readonly #fields: F;
  readonly #layout: Layout;
  readonly #view: DataView;
  /** What its pointers point at. */
  readonly #kept: unknown[] = [];

  constructor(fields: F, values: Values<F> = {}) {
    this.#fields = fields;
    this.#layout = layoutOf(fields);
    this.bytes = new Uint8Array(new ArrayBuffer(Math.ceil(this.#layout.size / 8) * 8));
    this.#view = new DataView(this.bytes.buffer);
    this.#view.setBigUint64(0, BigInt(this.#layout.size), true);
    for (const [name, value] of Object.entries(values)) {
      if (value !== undefined) this.#set(name, value as Pointed | number | boolean);
    }
  }

  /** Reads a field. */
  get<N extends keyof F & string>(name: N): Read<F[N]> {
    const offset = this.#layout.offsets.get(name) as number;
    const read = () => {
      switch (this.#fields[name] as FieldKind) {
        case 'p':
          return this.#view.getBigUint64(offset, true);
        case 'n':
          return Number(this.#view.getBigInt64(offset, true));
        case 'i':
          return this.#view.getInt32(offset, true);
        case 'b':
          return this.#view.getUint8(offset) !== 0;
      }
    };
    return read() as Read<F[N]>;
  }

  #set(name: string, value: Pointed | number | boolean): void {
    const offset = this.#layout.offsets.get(name);
    assert(offset !== undefined, `a struct has a field ${name}`);
    switch (this.#fields[name] as FieldKind) {
      case 'p':
        this.#view.setBigUint64(offset, this.#addressOf(value as Pointed), true);
        break;
      case 'n':
        this.#view.setBigInt64(offset, BigInt(value as number | bigint), true);
        break;
      case 'i':
        this.#view.setInt32(offset, value as number, true);
        break;
      case 'b':
        this.#view.setUint8(offset, value === true ? 1 : 0);
    }
  }

  #addressOf(value: Pointed): bigint {
    if (typeof value === 'bigint') return value;
    this.#kept.push(value);
    return addressOf(value instanceof Struct ? value.bytes : value);
  }
}

/** Address of a typed array's first value; the caller keeps the array referenced. */
export function addressOf(array: ArrayBufferView): bigint {
  // Asking for its buffer moves a small array off V8's heap for good.
  void array.buffer;
  return koffi.address(array);
}

/** What arrays of addresses point at. */
const keptBy = new WeakMap<ArrayBufferView, unknown>();

/** Keeps `things` alive as long as `owner` is; returns `owner`. */
export function keep<A extends ArrayBufferView>(owner: A, things: unknown): A {
  keptBy.set(owner, things);
  return owner;
}

/** Copies memory that is not JavaScript's. */
export function copyFrom(address: bigint, size: number): Uint8Array<ArrayBuffer> {
  return size === 0 ? new Uint8Array(0) : new Uint8Array(koffi.view(address, size)).slice();
}

/** Copies text. */
export function textFrom(address: bigint, size: number): string {
  return Buffer.from(copyFrom(address, size)).toString();
}

/** Copies 64-bit numbers, such as pointers. */
export function wordsFrom(address: bigint, count: number): bigint[] {
  return [...new BigUint64Array(copyFrom(address, 8 * count).buffer)];
}

/** Copies 32-bit numbers, such as enums. */
export function intsFrom(address: bigint, count: number): number[] {
  return [...new Int32Array(copyFrom(address, 4 * count).buffer)];
}

/** 64-bit numbers for C; never without memory. */
export function words(values: readonly (number | bigint)[]): BigUint64Array {
  return BigUint64Array.from(values.length === 0 ? [0n] : values.map(BigInt));
}

/** The address of an array, for C to follow; keeps the array alive. */
export function pointerTo(array: ArrayBufferView): BigUint64Array {
  return keep(words([addressOf(array)]), array);
}

/** A function of a C library that takes one pointer and returns one. */
export type Entry = (argument: Uint8Array) => unknown;

// Nameless: names of koffi's types are global, and tests load modules again.
const ENTRY = koffi.proto('void *', ['void *']);
const DELETER = koffi.proto('void', ['void *']);

/** The function at an address. */
export function entryAt(address: bigint): Entry {
  return koffi.decode(address, ENTRY) as Entry;
}

/** Calls a function that frees what it is given. */
export function callDeleter(deleter: bigint, argument: bigint): void {
  koffi.call(deleter, DELETER, argument);
}

const RTLD_NOW = 2;
const RTLD_NODELETE = 0x1000;

/**
 * Loads a library for the life of the process; returns one of its functions, which takes nothing and returns a pointer.
 *
 * koffi closes its libraries when their thread ends. The threads and exit handlers of XLA would then run in memory that
 * is not there any more: a segmentation fault at the end of every process. So the library is opened a second time, never
 * to be unloaded.
 *
 * Throws  what the dynamic linker says.
 */
export function loadLibrary(path: string, name: string): () => bigint {
  const libc = koffi.load('libc.so.6');
  const library = koffi.load(path);
  libc.func('void *dlopen(const char *path, int flags)')(path, RTLD_NOW | RTLD_NODELETE);
  return library.func(name, 'void *', []) as () => bigint;
}

/**
 * Gives memory that C code has freed back to the system. glibc keeps it in a pool for each thread, and with many threads
 * more of it with every step.
 */
export function returnFreeMemory(): void {
  koffi.load('libc.so.6').func('int malloc_trim(size_t pad)')(0);
}

/**
 * Sets a variable of the process's real environment, which libraries read; undefined removes it. `process.env` of a
 * thread is a copy, which they do not see.
 */
export function setEnvironment(name: string, value: string | undefined): void {
  const libc = koffi.load('libc.so.6');
  if (value === undefined) libc.func('int unsetenv(const char *name)')(name);
  else libc.func('int setenv(const char *name, const char *value, int overwrite)')(name, value, 1);
}
