/** @file The kernels of pixels on a small memory of the thread: what is lent from it is good until the next call. */
import {
  growTo,
  type KernelMemory,
  type Kernels,
  kernelMemory,
  kernelsOn,
} from '../../kernels/module.ts';

/** The first size of the memory, and the most that a call may take: larger images are left to others. */
const FIRST_BYTES = 4 * 2 ** 20;
const BYTES_MAX = 64 * 2 ** 20;

/** Kernels and their memory, whose buffer is another object after it has grown. */
export interface PixelKernels {
  readonly kernels: Kernels;
  readonly buffer: SharedArrayBuffer;
}

let loaded: { readonly memory: KernelMemory; readonly kernels: Kernels | undefined } | undefined;

/** The kernels with so much memory; undefined where this is too much, or Node has no SIMD. */
export function pixelKernels(bytes: number): PixelKernels | undefined {
  if (bytes > BYTES_MAX) return undefined;
  loaded ??= load();
  const { memory, kernels } = loaded;
  if (kernels === undefined) return undefined;
  growTo(memory, bytes);
  return { kernels, buffer: memory.buffer };
}

function load() {
  const memory = kernelMemory(FIRST_BYTES);
  return { memory, kernels: kernelsOn(memory) };
}

/** Whether pixels are lent from the memory of the kernels. */
export function isLent({ buffer }: Uint8Array): boolean {
  return (buffer as ArrayBufferLike) === loaded?.memory.buffer;
}

/** Hands out places of a memory one behind the other, each at a multiple of 16. */
export class Places {
  #end: number;

  constructor(first = 0) {
    this.#end = first;
  }

  /** Behind all that was handed out. */
  get end(): number {
    return this.#end;
  }

  take(bytes: number): number {
    const at = Math.ceil(this.#end / 16) * 16;
    this.#end = at + bytes;
    return at;
  }
}
