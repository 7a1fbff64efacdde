/** @file Who does the arithmetic over whole vectors: the main thread in slices, or threads of their own. */
import { availableParallelism } from 'node:os';
import type { LaneThreads } from '../../shared/exchange/grpc/lanes/lane-host.ts';
import { VectorMemory } from '../../shared/kernels/vectors.ts';
import type { Job, JobResult } from './jobs.ts';
import { workInSlices } from './slices.ts';
import { ReducerThreads } from './threads.ts';

/** With fewer values a message to a thread and back takes longer than the work. */
const THREAD_VALUES = 2 ** 20;

/** More threads wait for the memory of the machine. */
const THREADS_MAX = 8;

/** Makes and takes back vectors. */
interface Vectors {
  /** A vector whose values are anything. */
  float32(length: number): Float32Array;
  zeros(length: number): Float32Array;
  /** Other users of the values have a vector of their own from here on. */
  copyOf(values: Float32Array): Float32Array;
  /** Takes over a vector that has no other user: a copy only where it must be elsewhere. */
  adopt(values: Float32Array): Float32Array;
  /** The vector is not read or written from here on. */
  release(vector: Float32Array): void;
}

/** Does the work of one run. */
export interface Reducers {
  /** Vectors that the work is fast on. */
  readonly vectors: Vectors;
  /** Threads beside the main one. */
  readonly threads: number;
  /** The same threads, where they may serve lanes. */
  readonly lanes?: LaneThreads;
  /** Does a job; several at once share the threads. Throws  INTERNAL when a thread has died; TIMEOUT. */
  run(job: Job): Promise<JobResult>;
  close(): Promise<void>;
}

/** Vectors of the JavaScript heap, which plain loops work on. */
const HEAP_VECTORS: Vectors = {
  float32: (length) => new Float32Array(length),
  zeros: (length) => new Float32Array(length),
  copyOf: (values) => values.slice(),
  adopt: (values) => values,
  release: () => {},
};

/** The main thread does the work, a slice a turn of the event loop. */
export function inlineReducers(vectors = HEAP_VECTORS): Reducers {
  return {
    vectors,
    threads: 0,
    run: (job) => workInSlices(job, job.from, job.to),
    close: async () => {},
  };
}

/** Threads for vectors of `numValues`: as the config says, or one a core for those that are worth it. */
export function numReducers(
  setting: number | 'auto',
  numValues: number,
  cores = availableParallelism(),
): number {
  if (setting !== 'auto') return setting;
  return numValues < THREAD_VALUES ? 0 : Math.min(cores, THREADS_MAX);
}

/** Lanes of a coordinator with so many threads; those that listen to their own machine have workers that need none. */
export function numLanes(
  setting: number | 'auto',
  { threads, isLocal }: { readonly threads: number; readonly isLocal: boolean },
): number {
  if (setting === 'auto') return isLocal ? 0 : threads;
  return Math.min(setting, threads);
}

/** The reducers of a run, on memory that kernels reach. */
export function openReducers(
  setting: number | 'auto',
  numValues: number,
  memory = new VectorMemory(),
): Reducers {
  const threads = numReducers(setting, numValues);
  return threads === 0 ? inlineReducers(memory) : new ReducerThreads(memory, threads);
}
