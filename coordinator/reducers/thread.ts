/** @file A reducer thread: does its range of each job, on vectors in the memory that it shares with the main thread. */
import { parentPort, workerData } from 'node:worker_threads';
import { TesseraError } from '../../shared/core/errors.ts';
import type { KernelMemory } from '../../shared/kernels/module.ts';
import { VectorMemory, type VectorPlace } from '../../shared/kernels/vectors.ts';
import { type Job, type JobResult, withVectors, work } from './jobs.ts';

/** What a thread is started with. */
export interface ReducerStart {
  readonly memory: KernelMemory;
}

/** A range of a job for one thread. */
export interface RangeRequest {
  readonly id: number;
  readonly job: Job<VectorPlace>;
  readonly first: number;
  readonly limit: number;
}

/** What the range has come to. */
export type RangeReply =
  | { readonly id: number; readonly result: JobResult }
  | { readonly id: number; readonly error: string };

const { memory } = workerData as ReducerStart;
const vectors = new VectorMemory(memory);

parentPort?.on('message', ({ id, job, first, limit }: RangeRequest) => {
  parentPort?.postMessage(replyTo(id, () => work(here(job), first, limit)));
});

function here(job: Job<VectorPlace>): Job {
  return withVectors(job, (place) => vectors.at(place));
}

function replyTo(id: number, range: () => JobResult): RangeReply {
  try {
    return { id, result: range() };
  } catch (error) {
    return { id, error: TesseraError.from(error).sentence };
  }
}
