/** @file The main thread's end of the compute thread: requests out, promises back. */
import { SHARE_ENV, Worker } from 'node:worker_threads';
// For its side effect, which a thread cannot have: ONNX Runtime reports nothing to its makers.
import '../../shared/compute/telemetry.ts';
import type { ExecutableStore } from '../../shared/compute/executables.ts';
import type { DeviceReport, LeafInputs } from '../../shared/compute/program.ts';
import { type Deferred, deferred } from '../../shared/core/async.ts';
import { TesseraError } from '../../shared/core/errors.ts';
import type { NodeTask } from '../core/messages.ts';
import type { ThreadError, ThreadReply, ThreadRequest, ThreadStart } from './compute-thread.ts';
import type { ComputedNode, KnownFeatures } from './node-computer.ts';
import { askStore, type ExecutableAsk } from './thread-executables.ts';

/** A request without its number: `Omit` alone would merge the members of the union. */
type Unnumbered<T> = T extends unknown ? Omit<T, 'id'> : never;

/** Requests that wait for their replies; those to a thread that has ended fail. */
class Requests {
  readonly #waiting = new Map<number, Deferred<ThreadReply>>();
  #failure: TesseraError | undefined;

  add(id: number): Promise<ThreadReply> {
    const request = deferred<ThreadReply>();
    if (this.#failure === undefined) this.#waiting.set(id, request);
    else request.reject(this.#failure);
    return request.promise;
  }

  settle(reply: ThreadReply): void {
    const request = this.#waiting.get(reply.id);
    this.#waiting.delete(reply.id);
    if ('error' in reply) request?.reject(errorOf(reply.error));
    else request?.resolve(reply);
  }

  failAll(error: TesseraError): void {
    this.#failure ??= error;
    for (const request of this.#waiting.values()) request.reject(this.#failure);
    this.#waiting.clear();
  }

  /** The replies are no longer needed. */
  forget(): void {
    this.#waiting.clear();
  }
}

/** A compiled program in a thread of its own. */
export class ComputeThread {
  /** The engine that it chose. */
  id = '';
  /** Kind of the processor that it computes on; '' where that is another device. */
  processor = '';
  /** One line for people: engine, device, threads. */
  description = '';
  /** Devices that compute leaves at the same time. */
  slots = 1;
  /** What it computes on, as its newest reply had it. */
  devices: DeviceReport | undefined;
  readonly #thread: Worker;
  readonly #requests = new Requests();
  readonly #ended: Promise<void>;
  #lastId = 0;

  private constructor(start: ThreadStart, executables: ExecutableStore | undefined) {
    const url = new URL('./compute-thread.js', import.meta.url);
    // Engines read settings from the environment of the process; the thread sets them.
    const thread = new Worker(url, { workerData: start, env: SHARE_ENV });
    thread.on('message', (message: ThreadReply | ExecutableAsk) => {
      if (!('executable' in message)) return this.#requests.settle(message);
      void askStore(executables, message).then((reply) => thread.postMessage(reply));
    });
    thread.on('error', (error) => this.#requests.failAll(TesseraError.from(error)));
    process.on('exit', endAtOnce);
    this.#ended = new Promise((resolve) => {
      thread.once('exit', (code) => {
        process.off('exit', endAtOnce);
        const sentence = `the compute thread ended with code ${code}`;
        this.#requests.failAll(new TesseraError('INTERNAL', sentence));
        resolve();
      });
    });
    this.#thread = thread;
  }

  /**
   * Starts the thread, which chooses the engine and compiles the program.
   *
   * Throws  ENGINE_UNAVAILABLE or what the compiler says.
   */
  static async start(start: ThreadStart, executables?: ExecutableStore): Promise<ComputeThread> {
    const thread = new ComputeThread(start, executables);
    const reply = await thread.#requests.add(0);
    if ('engineId' in reply) {
      thread.id = reply.engineId;
      thread.processor = reply.processor;
      thread.description = reply.description;
      thread.slots = reply.slots;
      thread.devices = reply.devices;
    }
    return thread;
  }

  /** Sets new parameters (their buffer is transferred); returns a free buffer for the next ones. */
  async setParameters(parameters: Float32Array): Promise<Float32Array | undefined> {
    const reply = await this.#ask({ type: 'setParameters', parameters }, [parameters]);
    return 'parameters' in reply ? reply.parameters : undefined;
  }

  /** Gives one leaf of a node to the engine (its buffers move away); the node comes back when all were added. */
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
    if ('node' in reply) {
      this.devices = reply.node?.devices ?? this.devices;
      return reply;
    }
    throw new TesseraError('INTERNAL', 'the compute thread did not reply to a leaf');
  }

  /** Gives the gradient of a node back (its buffer moves away): those of later leaves are written over it. */
  recycle(gradient: Float32Array): void {
    const request = { id: 0, type: 'recycle', gradient } satisfies ThreadRequest;
    this.#thread.postMessage(request, [gradient.buffer as ArrayBuffer]);
  }

  /**
   * Ends the thread after its current request; waiting requests never get a reply.
   *
   * Terminated within a native call the thread would take the process with it (SIGABRT, from Node-API).
   */
  async close(): Promise<void> {
    this.#requests.forget();
    this.#thread.postMessage({ id: 0, type: 'close' } satisfies ThreadRequest);
    await this.#ended;
  }

  #ask(
    request: Unnumbered<ThreadRequest>,
    moved: readonly { readonly buffer: ArrayBufferLike }[],
  ): Promise<ThreadReply> {
    this.#lastId += 1;
    const reply = this.#requests.add(this.#lastId);
    this.#thread.postMessage(
      { ...request, id: this.#lastId },
      moved.map((array) => array.buffer as ArrayBuffer),
    );
    return reply;
  }
}

/** The end of a process whose thread still computes: Node would wait for the native call, then crash in it. */
function endAtOnce(): void {
  process.kill(process.pid, 'SIGKILL');
}

function errorOf({ code, sentence, hint }: ThreadError): TesseraError {
  return new TesseraError(code, sentence, hint === undefined ? {} : { hint });
}
