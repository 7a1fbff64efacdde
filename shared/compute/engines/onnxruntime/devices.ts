/** @file The step on several devices, each with a thread and a session of its own. */
import { SHARE_ENV, Worker } from 'node:worker_threads';
import { type Deferred, deferred } from '../../../core/async.ts';
import { TesseraError } from '../../../core/errors.ts';
import type { LeafInputs, LeafOutputs, Pixels, Program, ProgramSpec } from '../../program.ts';
import { type Replica, ReplicatedProgram } from '../../replicated-program.ts';
import type { DeviceReply, DeviceRequest, DeviceThreadStart } from './device-thread.ts';
import type { SessionOptions } from './program.ts';

/** Devices of one provider. */
export interface SeveralDevices {
  readonly devices: readonly number[];
  /** What each of them is, for people. */
  readonly kind: string;
  /** The program of a thread, where it is not beside this file. */
  readonly entry?: URL;
}

/** Prepares the step for several devices. */
export function compileForDevices(
  spec: ProgramSpec,
  options: SessionOptions,
  { devices, kind, entry = new URL('./device-thread.js', import.meta.url) }: SeveralDevices,
): Program {
  const { provider, threads } = options;
  // Cores are divided; other devices have their own.
  const threadsEach = Math.max(1, Math.floor(threads / devices.length));
  const replicas = devices.map((device) => {
    return new DeviceThread(entry, { spec, options: { ...options, device, threads: threadsEach } });
  });
  const each = provider === 'cpu' ? `threads ${threadsEach}` : kind;
  const description = `onnxruntime-${provider}, ${devices.length} x ${each}`;
  return new ReplicatedProgram(spec, replicas, { kind, description });
}

/** A device, and the thread that computes on it, which starts with its first call. */
class DeviceThread implements Replica {
  readonly #entry: URL;
  readonly #start: DeviceThreadStart;
  /** Calls without a reply, in order. */
  readonly #calls: Deferred<LeafOutputs | Float32Array>[] = [];
  /** What the thread does not have yet. */
  #parameters: Float32Array | undefined;
  #thread: Worker | undefined;
  #ended: Promise<void> = Promise.resolve();
  #failure: TesseraError | undefined;

  constructor(entry: URL, start: DeviceThreadStart) {
    this.#entry = entry;
    this.#start = start;
  }

  setParameters(parameters: Float32Array): void {
    this.#parameters = parameters;
  }

  train(leaf: LeafInputs): Promise<LeafOutputs> {
    return this.#ask({ type: 'train', leaf });
  }

  evaluate(leaf: LeafInputs): Promise<LeafOutputs> {
    return this.#ask({ type: 'evaluate', leaf });
  }

  predict(images: Pixels): Promise<Float32Array> {
    return this.#ask({ type: 'predict', images });
  }

  features(images: Pixels): Promise<Float32Array> {
    return this.#ask({ type: 'features', images });
  }

  async dispose(): Promise<void> {
    this.#thread?.postMessage({ type: 'close' } satisfies DeviceRequest);
    await this.#ended;
  }

  async #ask<T extends LeafOutputs | Float32Array>(request: DeviceRequest): Promise<T> {
    this.#thread ??= this.#open();
    if (this.#failure !== undefined) throw this.#failure;
    const parameters = this.#parameters;
    this.#parameters = undefined;
    if (parameters !== undefined) {
      this.#thread.postMessage({ type: 'setParameters', parameters } satisfies DeviceRequest);
    }
    const call = deferred<LeafOutputs | Float32Array>();
    this.#calls.push(call);
    this.#thread.postMessage(request);
    return (await call.promise) as T;
  }

  #open(): Worker {
    const thread = new Worker(this.#entry, { workerData: this.#start, env: SHARE_ENV });
    thread.on('message', (reply: DeviceReply) => {
      const call = this.#calls.shift();
      if ('result' in reply) call?.resolve(reply.result);
      else call?.reject(this.#named(reply.error));
    });
    thread.on('error', (error) => this.#fail(TesseraError.from(error)));
    this.#ended = new Promise((resolve) => {
      thread.once('exit', (code) => {
        this.#fail(new TesseraError('INTERNAL', `its thread ended with code ${code}`));
        resolve();
      });
    });
    return thread;
  }

  #fail(error: TesseraError): void {
    this.#failure ??= this.#named(error);
    for (const call of this.#calls.splice(0)) call.reject(this.#failure);
  }

  /** The user has several: which of them it was. */
  #named({ code, sentence, hint }: Pick<TesseraError, 'code' | 'sentence' | 'hint'>): TesseraError {
    const named = `device ${this.#start.options.device}: ${sentence}`;
    return new TesseraError(code, named, hint === undefined ? {} : { hint });
  }
}
