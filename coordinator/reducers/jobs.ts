/**
 * @file The arithmetic over whole vectors as jobs, which are cut into ranges.
 *
 * Values of a vector do not depend on each other, so any cut makes the same bits. The exception is the sum of squares,
 * whose additions have an order: it is done in one piece.
 */
import type { ValueType } from '../../shared/core/floats.ts';
import { firstNonFinite, toBfloat16 } from '../../shared/kernels/values.ts';
import { updateAverage } from '../../shared/training/average.ts';
import { sumOfSquares } from '../../shared/training/clip.ts';
import { type ParameterUpdate, updateParameters } from '../../shared/training/optimizer.ts';
import {
  addSums,
  NO_SUMS,
  type ParameterSums,
  parameterSums,
} from '../../shared/training/parameter-sums.ts';
import { nodeAdder } from '../../shared/training/reduction.ts';

/** Values between two looks at the same memory: they stay in a core's cache. */
const BLOCK_VALUES = 2 ** 15;

/** Scalars of an optimizer step, and the table of what it steps. */
type StepSettings = Omit<
  ParameterUpdate,
  'parameters' | 'into' | 'gradient' | 'state' | 'first' | 'limit'
>;

/** Something to be done to values [from, to); `V` is a vector, or where another thread finds it. */
export type Job<V = Float32Array> = {
  readonly from: number;
  readonly to: number;
} & (
  | {
      readonly type: 'add';
      readonly vectors: { readonly target: V; readonly source: V };
      /** What sums are rounded to. */
      readonly sums: ValueType;
    }
  | { readonly type: 'squares'; readonly vectors: { readonly values: V } }
  | { readonly type: 'finite'; readonly vectors: { readonly values: V } }
  | { readonly type: 'sums'; readonly vectors: { readonly values: V } }
  | {
      readonly type: 'round';
      /** `halves` has room for two bfloat16 in the place of each float32. */
      readonly vectors: { readonly values: V; readonly halves: V };
    }
  | {
      readonly type: 'average';
      readonly vectors: { readonly average: V; readonly values: V };
      readonly decay: number;
    }
  | {
      readonly type: 'step';
      readonly vectors: { readonly parameters: V; readonly into: V; readonly gradient: V };
      readonly state: Readonly<Record<string, V>>;
      readonly settings: StepSettings;
    }
);

/** What a job, or a range of it, has found. */
export interface JobResult {
  /** Of `finite`, and of what a step has made. */
  readonly areFinite: boolean;
  /** Of `squares`. */
  readonly squares: number;
  /** Of `sums`, and of what a step has made. */
  readonly sums: ParameterSums;
}

/** What nothing has found. */
export const NOTHING_FOUND: JobResult = { areFinite: true, squares: 0, sums: NO_SUMS };

/** The same job over vectors that are named in another way. */
export function withVectors<V, W>(job: Job<V>, name: (vector: V) => W): Job<W> {
  const named = (vectors: Readonly<Record<string, V>>) =>
    Object.fromEntries(Object.entries(vectors).map(([key, vector]) => [key, name(vector)]));
  const state = job.type === 'step' ? { state: named(job.state) } : {};
  return { ...job, vectors: named(job.vectors), ...state } as unknown as Job<W>;
}

/** Ranges of a job for so many threads: of equal length, at multiples of 16 values, so that no two write one line of a cache. */
export function cut({ type, from, to }: Job<unknown>, threads: number): [number, number][] {
  if (type === 'squares') return [[from, to]];
  const length = Math.ceil((to - from) / threads / 16) * 16;
  const ranges: [number, number][] = [];
  for (let first = from; first < to; first += length) {
    ranges.push([first, Math.min(first + length, to)]);
  }
  return ranges;
}

/** Does a job over [first, limit). `before` is what its earlier ranges have found. */
export function work(job: Job, first: number, limit: number, before = NOTHING_FOUND): JobResult {
  let found = before;
  for (let from = first; from < limit; from += BLOCK_VALUES) {
    found = workBlock(job, from, Math.min(from + BLOCK_VALUES, limit), found);
  }
  return found;
}

function workBlock(job: Job, first: number, limit: number, found: JobResult): JobResult {
  switch (job.type) {
    case 'add':
      nodeAdder(job.sums)(job.vectors.target, job.vectors.source, first, limit);
      return found;
    case 'average':
      updateAverage(job.vectors.average, job.vectors.values, job.decay, first, limit);
      return found;
    case 'round': {
      const { values, halves } = job.vectors;
      const target = new Uint16Array(halves.buffer, halves.byteOffset + 2 * first, limit - first);
      toBfloat16(target, values.subarray(first, limit));
      return found;
    }
    case 'squares':
      return { ...found, squares: sumOfSquares(job.vectors.values, first, limit, found.squares) };
    case 'finite': {
      const areFinite = firstNonFinite(job.vectors.values, first, limit) < 0;
      return { ...found, areFinite: found.areFinite && areFinite };
    }
    case 'sums':
      return {
        ...found,
        sums: addSums(found.sums, parameterSums(job.vectors.values, first, limit)),
      };
    case 'step': {
      const { vectors, state, settings } = job;
      const areFinite = updateParameters({ ...settings, ...vectors, state, first, limit });
      return {
        ...found,
        areFinite: found.areFinite && areFinite,
        sums: addSums(found.sums, parameterSums(vectors.into, first, limit)),
      };
    }
    default:
      return job satisfies never;
  }
}

/** What the ranges of a job have found together. */
export function together(results: readonly JobResult[]): JobResult {
  return {
    areFinite: results.every(({ areFinite }) => areFinite),
    squares: results.reduce((sum, { squares }) => sum + squares, 0),
    sums: results.map(({ sums }) => sums).reduce(addSums, NO_SUMS),
  };
}
