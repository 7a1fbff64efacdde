/** @file The WebAssembly module of the kernels: compiled once a thread, on a memory that threads share. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

/** Bytes of a page of WebAssembly's memory, and the most pages that 32-bit addresses reach. */
const PAGE_BYTES = 65_536;
const PAGES_MAX = 65_536;

/** Scalars of one step of Adam. Source  shared/training/optimizer.ts. */
export type AdamScalars = readonly [
  scale: number,
  coupled: number,
  keep: number,
  beta1: number,
  gain1: number,
  beta2: number,
  gain2: number,
  stepSize: number,
  inverseRoot2: number,
  epsilon: number,
];

/** What the module exports: addresses in bytes, counts in values, 1 for true. Source  assembly/module.ts. */
export interface Kernels {
  addInto(target: number, source: number, count: number): void;
  areFinite(values: number, count: number): number;
  /** `sum` and the squares, added in order. */
  sumOfSquares(values: number, count: number, sum: number): number;
  moveAverage(average: number, values: number, count: number, decay: number): void;
  /** Whether all new parameters are finite, as of `sgd` and `sgdMomentum`. */
  adam(
    parameters: number,
    into: number,
    gradient: number,
    m: number,
    v: number,
    count: number,
    ...scalars: AdamScalars
  ): number;
  sgd(
    parameters: number,
    into: number,
    gradient: number,
    count: number,
    scale: number,
    decay: number,
    learningRate: number,
  ): number;
  sgdMomentum(
    parameters: number,
    into: number,
    gradient: number,
    velocity: number,
    count: number,
    scale: number,
    decay: number,
    learningRate: number,
    momentum: number,
  ): number;
  roundBfloat16(values: number, count: number): void;
  addBfloat16Into(target: number, source: number, count: number): void;
  toBfloat16(target: number, source: number, count: number): void;
  fromBfloat16(target: number, source: number, count: number): void;
  /** The sum of bits in the lower 32 bits, that of bits and places above. */
  parameterSums(words: number, count: number, first: number): bigint;
  /** The length without stuffed zeros; -1 for data that do not end with the image. Source  assembly/jpeg-scan.ts. */
  unstuffed(source: number, bytes: number, target: number): number;
  decodeScan(frame: number): number;
  /** Source  assembly/jpeg-colours.ts. */
  jpegColours(
    luma: number,
    blue: number,
    red: number,
    stride: number,
    h: number,
    v: number,
    columns: number,
    rows: number,
    left: number,
    top: number,
    width: number,
    height: number,
    target: number,
    line: number,
    blues: number,
    reds: number,
  ): void;
  resampleColours: Resampling;
  resampleGreys: Resampling;
  resampleColumns: Resampling;
}

/** Resamples pixels in one direction. Source  assembly/resample.ts. */
type Resampling = (
  source: number,
  width: number,
  height: number,
  target: number,
  numTargets: number,
  firsts: number,
  lows: number,
  highs: number,
  stride: number,
) => void;

/** Memory that threads and kernels share; it moves to a thread with a message. */
export interface KernelMemory {
  /** A new object after each growth; views of those before stay good. */
  readonly buffer: SharedArrayBuffer;
  /** Grows by pages. Throws  RangeError. */
  grow(pages: number): number;
}

/** TypeScript has these with a browser's types only. */
declare const WebAssembly: {
  readonly Memory: new (size: {
    readonly initial: number;
    readonly maximum: number;
    readonly shared: true;
  }) => KernelMemory;
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (
    module: object,
    imports: { readonly env: { readonly memory: KernelMemory } },
  ) => { readonly exports: unknown };
};

/** Memory of at least `bytes`, which the system gives when it is touched. Throws  RangeError beyond 4 GiB. */
export function kernelMemory(bytes: number): KernelMemory {
  const initial = Math.ceil(bytes / PAGE_BYTES);
  return new WebAssembly.Memory({ initial, maximum: PAGES_MAX, shared: true });
}

/** Makes a memory at least so large. Throws  RangeError beyond 4 GiB. */
export function growTo(memory: KernelMemory, bytes: number): void {
  const missing = bytes - memory.buffer.byteLength;
  if (missing > 0) memory.grow(Math.ceil(missing / PAGE_BYTES));
}

let compiled: object | null | undefined;

/** The kernels on a shared memory; undefined where this Node has no SIMD, or the module was not built. */
export function kernelsOn(memory: KernelMemory): Kernels | undefined {
  compiled ??= compile();
  if (compiled === null) return undefined;
  return new WebAssembly.Instance(compiled, { env: { memory } }).exports as Kernels;
}

function compile(): object | null {
  try {
    const path = createRequire(import.meta.url).resolve('#kernels.wasm');
    return new WebAssembly.Module(readFileSync(path));
  } catch {
    return null;
  }
}
