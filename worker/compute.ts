/** @file The main thread's end of the compute thread: requests out, promises back. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { EngineChoice, LeafInputs, ProgramSpec } from '../shared/compute/program.ts';
import { type Deferred, deferred } from '../shared/core/async.ts';
import { isErrorCode, TesseraError } from '../shared/core/errors.ts';
import type { ThreadReply, ThreadRequest, ThreadStart } from './compute-thread.ts';
import type { NodeTask } from './core/messages.ts';
import type { ComputedNode, KnownFeatures } from './node-computer.ts';

/** A request without its number: `Omit` alone would merge the members of the union. */
type Unnumbered<T> = T extends unknown ? Omit<T, 'id'> : never;

/** A compiled program in a thread of its own. */
export class ComputeEngine {
  /** One line for people: engine, device, threads. */
  readonly description: string;
  readonly #thread: Worker;
  readonly #waiting: Map<number, Deferred<ThreadReply>>;
  #requests = 0;

  private constructor(
    thread: Worker,
    waiting: Map<number, Deferred<ThreadReply>>,
    description: string,
  ) {
    this.#thread = thread;
    this.#waiting = waiting;
    this.description = description;
  }

  /**
   * Starts the thread and compiles the program in it.
   *
   * Throws  ENGINE_UNAVAILABLE or what the compiler says.
   */
  static async start(spec: ProgramSpec, choice: EngineChoice): Promise<ComputeEngine> {
    const thread = new Worker(new URL('./compute-thread.js', import.meta.url), {
      workerData: { spec, choice } satisfies ThreadStart,
    });
    const waiting = new Map<number, Deferred<ThreadReply>>();
    const compiled = deferred<ThreadReply>();
    waiting.set(0, compiled);
    const failAll = (error: TesseraError) => {
      for (const request of waiting.values()) request.reject(error);
      waiting.clear();
    };
    thread.on('message', (reply: ThreadReply) => {
      const request = waiting.get(reply.id);
      waiting.delete(reply.id);
      if ('error' in reply) request?.reject(errorOf(reply.error));
      else request?.resolve(reply);
    });
    thread.on('error', (error) => failAll(TesseraError.from(error)));
    process.on('exit', endAtOnce);
    thread.once('exit', (code) => {
      process.off('exit', endAtOnce);
      failAll(new TesseraError('INTERNAL', `the compute thread ended with code ${code}`));
    });
    const reply = await compiled.promise;
    return new ComputeEngine(thread, waiting, 'description' in reply ? reply.description : '');
  }

  /** Puts new parameters in place (their buffer moves away); answers a buffer free for the next ones. */
  async setParameters(parameters: Float32Array): Promise<Float32Array | undefined> {
    const reply = await this.#ask({ type: 'setParameters', parameters }, [parameters]);
    return 'parameters' in reply ? reply.parameters : undefined;
  }

  /** Computes one leaf of a node (its buffers move away); the node comes back with its last leaf. */
  async leaf(
    task: NodeTask,
    place: { readonly leaf: number; readonly numLeaves: number },
    inputs: LeafInputs,
    features?: KnownFeatures,
  ): Promise<{
    computeMs: number;
    node: ComputedNode | undefined;
    /** All rows of the leaf, when some of them had to be computed. */
    features: Float32Array | undefined;
  }> {
    const node = { first: task.first, count: task.count };
    const reply = await this.#ask(
      { type: 'leaf', kind: task.kind, node, ...place, inputs, features },
      [inputs.images, inputs.labels, inputs.weights, ...(features ? [features.values] : [])],
    );
    if ('node' in reply) return reply;
    throw new TesseraError('INTERNAL', 'the compute thread gave no answer to a leaf');
  }

  /**
   * Ends the thread after the request that it is at; requests that wait are never answered.
   *
   * Terminated within a native call the thread would take the process with it (SIGABRT, from Node-API).
   */
  async close(): Promise<void> {
    this.#waiting.clear();
    const ended = once(this.#thread, 'exit');
    this.#thread.postMessage({ id: 0, type: 'close' } satisfies ThreadRequest);
    await ended;
  }

  #ask(
    request: Unnumbered<ThreadRequest>,
    moved: readonly { readonly buffer: ArrayBufferLike }[],
  ): Promise<ThreadReply> {
    this.#requests += 1;
    const waiting = deferred<ThreadReply>();
    this.#waiting.set(this.#requests, waiting);
    this.#thread.postMessage(
      { ...request, id: this.#requests },
      moved.map((array) => array.buffer as ArrayBuffer),
    );
    return waiting.promise;
  }
}

/** The end of a process whose thread still computes: Node would wait for the native call, then crash in it. */
function endAtOnce(): void {
  process.kill(process.pid, 'SIGKILL');
}

function errorOf(error: { code: string; sentence: string }): TesseraError {
  return new TesseraError(isErrorCode(error.code) ? error.code : 'INTERNAL', error.sentence);
}
