/** @file The threads that make images: started when there is work for them, each with a message and one that waits. */
import { Worker } from 'node:worker_threads';
import { type Deferred, deferred } from '../../../core/async.ts';
import { systemClock } from '../../../core/clock.ts';
import { TesseraError } from '../../../core/errors.ts';
import { PixelBudget } from '../../pixels/budget.ts';
import type { Job, JobResult, Outcome, ThreadReply, ThreadStart } from './messages.ts';
import { bytesOf, Parcels } from './parcels.ts';

/** What a pool is made of. */
export interface PoolOptions extends Omit<ThreadStart, 'budget'> {
  /** At most so many threads. */
  readonly threads: number;
  /** The program of a thread, where it is not beside this file. */
  readonly entry?: URL | undefined;
}

/** Messages that a thread has: the next one is there when it has done one. */
const OPEN_MAX = 2;
/** Jobs of a message, and the bytes of samples after which it takes no more: the largest images go one by one. */
const JOBS_MAX = 8;
const BYTES_ENOUGH = 2 ** 20;
/**
 * The longest that a thread may take for a message, and how often that is looked at. The largest image takes seconds, and
 * minutes where thirty programs share two cores.
 */
const JOB_MS = 600_000;
const LOOK_MS = 10_000;

/** A job that waits for its turn. */
interface Waiting {
  readonly done: Deferred<JobResult>;
  /** Goes before others, and alone. */
  readonly isUrgent: boolean;
  readonly job: Job;
}

/** A message that a thread has. */
interface Open {
  readonly done: readonly Deferred<JobResult>[];
  readonly parcel: SharedArrayBuffer;
}

/** One thread and what it has. */
interface PoolThread {
  readonly worker: Worker;
  readonly open: Open[];
  /** When it was last given a message while it had none, or had done one. */
  sinceMs: number;
}

/** Runs jobs on threads. Jobs that wait are bounded by the callers, which read a few images at a time. */
export class ImagePool {
  readonly #options: PoolOptions;
  readonly #waiting: Waiting[] = [];
  readonly #parcels = new Parcels();
  #threads: PoolThread[] = [];
  #budget = PixelBudget.shared();
  #isClosed = false;
  #stopLooking: (() => void) | undefined;
  #isFeedingSoon = false;

  constructor(options: PoolOptions) {
    this.#options = options;
  }

  /** Threads that were started and have not ended. */
  get numThreads(): number {
    return this.#threads.length;
  }

  /**
   * Runs a job.
   *
   * Throws  what the job throws; INTERNAL or SYSTEM when its thread ends; TIMEOUT.
   */
  async run(job: Job, isUrgent = false): Promise<JobResult> {
    if (this.#isClosed) throw new TesseraError('INTERNAL', 'the threads of images have ended');
    const done = deferred<JobResult>();
    this.#waiting[isUrgent ? 'unshift' : 'push']({ done, isUrgent, job });
    this.#feedSoon();
    return await done.promise;
  }

  /** Ends the threads; jobs that are not done fail. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const error = new TesseraError('INTERNAL', 'the threads of images have ended');
    for (const { done } of this.#waiting.splice(0)) done.reject(error);
    await this.#end(error);
  }

  /** Gives out what waits when all that comes in this turn is there, in few messages. */
  #feedSoon(): void {
    if (this.#isFeedingSoon) return;
    this.#isFeedingSoon = true;
    setImmediate(() => {
      this.#isFeedingSoon = false;
      this.#feed();
    });
  }

  #feed(): void {
    while (this.#waiting.length > 0) {
      const thread = this.#free();
      if (thread === undefined) return;
      const { jobs, done } = this.#nextMessage(thread);
      const { packed, parcel } = this.#parcels.pack(jobs);
      if (thread.open.length === 0) {
        thread.sinceMs = systemClock.nowMs();
        // Only threads with work keep the process.
        thread.worker.ref();
      }
      thread.open.push({ done, parcel });
      thread.worker.postMessage(packed);
    }
  }

  /** Takes what waits, up to what gives all threads as much to do. */
  #nextMessage(thread: PoolThread) {
    const open = this.#threads.reduce((sum, other) => sum + openJobs(other), 0);
    const each = Math.ceil((this.#waiting.length + open) / this.#options.threads);
    const share = Math.min(each - openJobs(thread), JOBS_MAX);
    const jobs: Job[] = [];
    const done: Waiting['done'][] = [];
    let bytes = 0;
    for (let isFull = false; !isFull && this.#waiting.length > 0; ) {
      const next = this.#waiting.shift() as Waiting;
      jobs.push(next.job);
      done.push(next.done);
      bytes += bytesOf(next.job);
      isFull = next.isUrgent || jobs.length >= share || bytes >= BYTES_ENOUGH;
    }
    return { jobs, done };
  }

  /**
   * The thread that has least to do, a new one if all have something; undefined where all have enough, or what waits had
   * better become one larger message.
   */
  #free(): PoolThread | undefined {
    const [least] = [...this.#threads].sort((one, other) => one.open.length - other.open.length);
    if (least !== undefined && least.open.length === 0) return least;
    if (this.#threads.length < this.#options.threads) return this.#start();
    const isWorthIt = this.#waiting[0]?.isUrgent || this.#waiting.length >= JOBS_MAX;
    return isWorthIt && least !== undefined && least.open.length < OPEN_MAX ? least : undefined;
  }

  #start(): PoolThread {
    const { config, options, entry } = this.#options;
    const url = entry ?? new URL('./image-thread.js', import.meta.url);
    const workerData: ThreadStart = { config, options, budget: this.#budget };
    const worker = new Worker(url, { workerData });
    const thread: PoolThread = { worker, open: [], sinceMs: 0 };
    this.#stopLooking ??= systemClock.every(LOOK_MS, () => this.#look());
    worker.on('message', (reply: ThreadReply) => {
      const open = thread.open.shift();
      thread.sinceMs = systemClock.nowMs();
      if (thread.open.length === 0) worker.unref();
      if (open !== undefined) this.#parcels.giveBack(open.parcel);
      for (const [at, outcome] of reply.entries()) settle(open?.done[at], outcome);
      this.#feedSoon();
    });
    worker.on('error', (error) => this.#break(causeOf(error)));
    worker.on('exit', (code) => {
      if (!this.#threads.includes(thread)) return;
      this.#break(new TesseraError('INTERNAL', `a thread of images ended with code ${code}`));
    });
    this.#threads.push(thread);
    return thread;
  }

  #look(): void {
    const lateMs = systemClock.nowMs() - JOB_MS;
    if (this.#threads.every(({ open, sinceMs }) => open.length === 0 || sinceMs > lateMs)) return;
    const minutes = JOB_MS / 60_000;
    this.#break(
      new TesseraError('TIMEOUT', `an image took longer than ${minutes} minutes`, {
        hint: 'see whether other programs take all processors of this machine',
      }),
    );
  }

  /** What the threads share is in no known state when one of them ends: all do, and what waits goes to new ones. */
  #break(error: TesseraError): void {
    void this.#end(error).then(() => this.#feed());
  }

  async #end(error: TesseraError): Promise<void> {
    const threads = this.#threads;
    this.#threads = [];
    this.#stopLooking?.();
    this.#stopLooking = undefined;
    this.#budget = PixelBudget.shared();
    const failed = threads.flatMap(({ open }) => open.splice(0).flatMap(({ done }) => done));
    for (const done of failed) done.reject(error);
    await Promise.all(threads.map(({ worker }) => worker.terminate()));
  }
}

function openJobs({ open }: PoolThread): number {
  return open.reduce((sum, { done }) => sum + done.length, 0);
}

function settle(done: Deferred<JobResult> | undefined, outcome: Outcome): void {
  if ('result' in outcome) {
    done?.resolve(outcome.result);
    return;
  }
  const { code, sentence, hint } = outcome.error;
  done?.reject(new TesseraError(code, sentence, hint === undefined ? {} : { hint }));
}

function causeOf(error: unknown): TesseraError {
  const isFull = error instanceof Error && 'code' in error && error.code === OUT_OF_MEMORY;
  if (!isFull) return TesseraError.from(error);
  return new TesseraError('SYSTEM', 'a thread of images has no memory left', {
    hint: 'give worker.decoders fewer threads, or the machine more memory',
    cause: error,
  });
}

const OUT_OF_MEMORY = 'ERR_WORKER_OUT_OF_MEMORY';
