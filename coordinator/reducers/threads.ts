/** @file The main thread's end of the reducer threads: a job out in ranges, what they found back. */
import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads';
import { type Deferred, deferred } from '../../shared/core/async.ts';
import { TesseraError } from '../../shared/core/errors.ts';
import type { LaneThreads } from '../../shared/exchange/grpc/lanes/lane-host.ts';
import type { VectorMemory, VectorPlace } from '../../shared/kernels/vectors.ts';
import { cut, type Job, type JobResult, together, withVectors } from './jobs.ts';
import type { Reducers } from './reducers.ts';
import type { LaneRequest, RangeReply, RangeRequest, ReducerStart } from './thread.ts';

/** A job over the largest model takes seconds. Counted in seconds that this process has seen: one that was stopped has seen none. */
const JOB_SECONDS_MAX = 120;

/** Threads that share one memory with the main thread. */
export class ReducerThreads implements Reducers, LaneThreads {
  readonly vectors: VectorMemory;
  readonly #threads: readonly Worker[];
  readonly #waiting = new Map<number, Deferred<JobResult>>();
  #lastId = 0;
  #failure: TesseraError | undefined;
  #isClosing = false;

  /** `entry` is the program of a thread. */
  constructor(
    vectors: VectorMemory,
    count: number,
    entry = new URL('./thread.js', import.meta.url),
  ) {
    this.vectors = vectors;
    const start: ReducerStart = { memory: vectors.memory };
    this.#threads = Array.from({ length: count }, (_, index) => this.#start(entry, start, index));
  }

  get threads(): number {
    return this.#threads.length;
  }

  get lanes(): LaneThreads {
    return this;
  }

  openLane(index: number): MessagePort {
    const { port1, port2 } = new MessageChannel();
    this.#threads[index]?.postMessage({ lane: port2 } satisfies LaneRequest, [port2]);
    return port1;
  }

  placeOf(vector: Float32Array): VectorPlace {
    return this.vectors.placeOf(vector);
  }

  async run(job: Job): Promise<JobResult> {
    const placed = withVectors(job, (vector) => this.vectors.placeOf(vector));
    const stopWatching = this.#watch(job.type);
    try {
      const ranges = cut(job, this.#threads.length);
      const found = ranges.map(([first, limit], index) =>
        this.#ask(index, { job: placed, first, limit }),
      );
      return together(await Promise.all(found));
    } finally {
      stopWatching();
    }
  }

  /** Ends the threads; jobs under way are CANCELLED. */
  async close(): Promise<void> {
    this.#isClosing = true;
    this.#fail(new TesseraError('CANCELLED', 'the reducer threads are closed'));
    await Promise.all(this.#threads.map((thread) => thread.terminate()));
  }

  #start(entry: URL, start: ReducerStart, index: number): Worker {
    const thread = new Worker(entry, { workerData: start });
    const die = (how: string) => {
      if (this.#isClosing) return;
      const sentence = `reducer thread ${index} of the coordinator ${how}`;
      this.#fail(
        new TesseraError('INTERNAL', sentence, {
          hint: 'continue with `tessera train CONFIG --resume RUN`',
        }),
      );
    };
    thread.on('message', (reply: RangeReply) => this.#settle(reply));
    thread.on('error', (error) => die(`failed: ${error.message}`));
    thread.on('exit', (code) => die(`ended with code ${code}`));
    // The process may end without them: what waits for a job keeps it alive.
    thread.unref();
    return thread;
  }

  #ask(index: number, request: Omit<RangeRequest, 'id'>): Promise<JobResult> {
    const reply = deferred<JobResult>();
    if (this.#failure !== undefined) reply.reject(this.#failure);
    else {
      this.#lastId += 1;
      this.#waiting.set(this.#lastId, reply);
      this.#threads[index]?.postMessage({ id: this.#lastId, ...request } satisfies RangeRequest);
    }
    return reply.promise;
  }

  #settle(reply: RangeReply): void {
    const waiting = this.#waiting.get(reply.id);
    this.#waiting.delete(reply.id);
    if ('result' in reply) waiting?.resolve(reply.result);
    else waiting?.reject(new TesseraError('INTERNAL', `a reducer thread failed: ${reply.error}`));
  }

  /** Fails what waits, and what is asked later: no range of a job may be missing. */
  #fail(error: TesseraError): void {
    this.#failure ??= error;
    for (const reply of this.#waiting.values()) reply.reject(this.#failure);
    this.#waiting.clear();
  }

  /** Fails all jobs when this one takes too long; keeps the process alive meanwhile. */
  #watch(type: string): () => void {
    let seconds = 0;
    const timer = setInterval(() => {
      seconds += 1;
      if (seconds < JOB_SECONDS_MAX) return;
      const sentence = `a job of the reducer threads (${type}) took longer than ${JOB_SECONDS_MAX} s`;
      this.#fail(new TesseraError('TIMEOUT', sentence));
    }, 1000);
    return () => clearInterval(timer);
  }
}
