/**
 * @file Vectors in memory that threads share and kernels reach, and the way from a vector to its kernels.
 *
 * WebAssembly reaches 4 GiB. What does not fit there is a typed array over memory that threads share all the same, and
 * plain loops work on it.
 */
import { assert } from '../core/errors.ts';
import { growTo, type KernelMemory, type Kernels, kernelMemory, kernelsOn } from './module.ts';

/** Every vector begins at a multiple of this: a line of a processor's cache. */
const ALIGNMENT = 64;
/** The module may keep constants below. */
const FIRST_ADDRESS = 1024;

/** Kernels by the buffers of their memory: each growth makes one more object for the same memory. */
const kernelsByBuffer = new WeakMap<ArrayBufferLike, Kernels>();

type View = Pick<Float32Array, 'buffer' | 'byteOffset' | 'byteLength'>;

/** The kernels that reach all of these vectors; undefined where plain loops do the work. */
export function kernelsFor(first: View, ...others: readonly View[]): Kernels | undefined {
  const kernels = kernelsByBuffer.get(first.buffer);
  if (kernels === undefined) return undefined;
  return others.every(({ buffer }) => kernelsByBuffer.get(buffer) === kernels)
    ? kernels
    : undefined;
}

/** Where a vector is, as messages between threads carry it: an address in the kernels' memory, or the vector itself. */
export type VectorPlace =
  | { readonly address: number; readonly length: number }
  | { readonly vector: Float32Array };

interface Block {
  readonly address: number;
  readonly bytes: number;
}

/** Vectors of one kernel memory. */
export class VectorMemory {
  readonly memory: KernelMemory;
  readonly #kernels: Kernels | undefined;
  /** Free blocks by address; no two touch. */
  #free: Block[] = [];
  /** Bytes of the vectors that are in use, by their addresses. */
  readonly #used = new Map<number, number>();
  /** Memory of vectors that did not fit. */
  readonly #beyond = new WeakSet<ArrayBufferLike>();
  /** Of those, the ones that were given back, by their lengths: the collector would be late with so much. */
  readonly #spare = new Map<number, Float32Array[]>();
  /** Bytes up to which vectors were ever given out. */
  #top = FIRST_ADDRESS;

  constructor(memory = kernelMemory(1)) {
    this.memory = memory;
    this.#kernels = kernelsOn(memory);
  }

  /** A vector whose values are anything; its memory stays in use until it is released. */
  float32(length: number): Float32Array {
    const bytes = Math.max(1, Math.ceil((4 * length) / ALIGNMENT)) * ALIGNMENT;
    const address = this.#kernels === undefined ? undefined : this.#allocate(bytes);
    if (address === undefined) return this.#spare.get(length)?.pop() ?? this.#newBeyond(length);
    this.#used.set(address, bytes);
    return this.#view(address, length);
  }

  /** A vector of zeros. Memory that no vector had is zero, and the system gives it when it is touched. */
  zeros(length: number): Float32Array {
    const top = this.#top;
    const spares = this.#spare.get(length)?.length ?? 0;
    const vector = this.float32(length);
    const isFresh = this.#holds(vector)
      ? vector.byteOffset >= top
      : spares === (this.#spare.get(length)?.length ?? 0);
    return isFresh ? vector : vector.fill(0);
  }

  /** A vector of the same values. */
  copyOf(values: Float32Array): Float32Array {
    const copy = this.float32(values.length);
    copy.set(values);
    return copy;
  }

  /**
   * The values, where `float32` puts vectors: the one that they came in is not used any more. What lies in such a vector
   * stays where it is.
   */
  adopt(values: Float32Array): Float32Array {
    const isHere = this.#holds(values) || this.#beyond.has(values.buffer);
    return isHere ? values : this.copyOf(values);
  }

  /** Gives a vector's memory back: it is not read or written from here on. A vector from elsewhere is left alone. */
  release(vector: Float32Array): void {
    if (this.#beyond.has(vector.buffer)) this.#keep(vector);
    if (!this.#holds(vector)) return;
    const address = vector.byteOffset;
    const bytes = this.#used.get(address);
    assert(bytes !== undefined, 'a vector is released once');
    this.#used.delete(address);
    this.#free = merged([...this.#free, { address, bytes }]);
  }

  /** Bytes of the vectors in use. */
  get usedBytes(): number {
    return [...this.#used.values()].reduce((sum, bytes) => sum + bytes, 0);
  }

  /** How another thread finds a vector. */
  placeOf(vector: Float32Array): VectorPlace {
    if (!this.#holds(vector)) return { vector };
    return { address: vector.byteOffset, length: vector.length };
  }

  /** The vector at a place. */
  at(place: VectorPlace): Float32Array {
    return 'vector' in place ? place.vector : this.#view(place.address, place.length);
  }

  /** Keeps memory for the next vector of its length. */
  #keep(vector: View): void {
    const whole = new Float32Array(vector.buffer);
    const spares = this.#spare.get(whole.length) ?? [];
    assert(!spares.some(({ buffer }) => buffer === vector.buffer), 'a vector is released once');
    this.#spare.set(whole.length, [...spares, whole]);
  }

  #newBeyond(length: number): Float32Array {
    const memory = new SharedArrayBuffer(4 * length);
    this.#beyond.add(memory);
    return new Float32Array(memory);
  }

  #holds({ buffer }: View): boolean {
    return this.#kernels !== undefined && kernelsByBuffer.get(buffer) === this.#kernels;
  }

  #view(address: number, length: number): Float32Array {
    const { buffer } = this.memory;
    if (this.#kernels !== undefined) kernelsByBuffer.set(buffer, this.#kernels);
    return new Float32Array(buffer, address, length);
  }

  /** The first free block that is large enough, or more memory; undefined beyond 4 GiB. */
  #allocate(bytes: number): number | undefined {
    const index = this.#free.findIndex((block) => block.bytes >= bytes);
    const block = this.#free[index];
    if (block !== undefined) {
      const rest = { address: block.address + bytes, bytes: block.bytes - bytes };
      this.#free.splice(index, 1, ...(rest.bytes === 0 ? [] : [rest]));
      return block.address;
    }
    const address = this.#top;
    try {
      growTo(this.memory, address + bytes);
    } catch {
      return undefined;
    }
    this.#top = address + bytes;
    return address;
  }
}

/** Blocks by address, those that touch as one. */
function merged(blocks: readonly Block[]): Block[] {
  const sorted = blocks.toSorted((a, b) => a.address - b.address);
  const result: Block[] = [];
  for (const block of sorted) {
    const last = result.at(-1);
    if (last === undefined || last.address + last.bytes < block.address) result.push(block);
    else result[result.length - 1] = { address: last.address, bytes: last.bytes + block.bytes };
  }
  return result;
}
