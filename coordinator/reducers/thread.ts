/** @file A reducer thread: does its range of each job, on vectors in the memory that it shares with the main thread, and serves a lane. */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { TesseraError } from '../../shared/core/errors.ts';
import type { KernelMemory } from '../../shared/kernels/module.ts';
import { VectorMemory, type VectorPlace } from '../../shared/kernels/vectors.ts';
import { type Job, type JobResult, withVectors } from './jobs.ts';
import { workInSlices } from './slices.ts';

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

/** The thread is to serve a lane. */
export interface LaneRequest {
  readonly lane: MessagePort;
}

/** What the range has come to. */
export type RangeReply =
  | { readonly id: number; readonly result: JobResult }
  | { readonly id: number; readonly error: string };

const { memory } = workerData as ReducerStart;
const vectors = new VectorMemory(memory);

parentPort?.on('message', (request: RangeRequest | LaneRequest) => {
  if ('lane' in request) void openLane(request.lane);
  else void replyTo(request).then((reply) => parentPort?.postMessage(reply));
});

/** Loads what a lane needs: few runs have them. */
async function openLane(port: MessagePort): Promise<void> {
  const { serveLane } = await import('../../shared/exchange/grpc/lanes/lane.ts');
  serveLane(port, vectors);
}

function here(job: Job<VectorPlace>): Job {
  return withVectors(job, (place) => vectors.at(place));
}

async function replyTo({ id, job, first, limit }: RangeRequest): Promise<RangeReply> {
  try {
    return { id, result: await workInSlices(here(job), first, limit) };
  } catch (error) {
    return { id, error: TesseraError.from(error).sentence };
  }
}
