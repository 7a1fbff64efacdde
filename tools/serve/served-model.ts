/** @file A model in a thread of its own, as the server sees it. */
import { Worker } from 'node:worker_threads';
// Before the thread starts: ONNX Runtime must report nothing to its makers.
import '../../shared/compute/telemetry.ts';
import { type Deferred, deferred, withDeadline } from '../../shared/core/async.ts';
import { systemClock } from '../../shared/core/clock.ts';
import { TesseraError } from '../../shared/core/errors.ts';
import type {
  ImageOutcome,
  ModelDescription,
  ModelReply,
  ModelRequest,
  ModelThreadStart,
} from './model-messages.ts';

/** What computes the images of a server: one batch at a time. */
export interface ServedModel {
  readonly description: ModelDescription;
  /** Computes images, whose memory moves; there is one call at a time. Throws  when the model can compute nothing more. */
  compute(images: readonly Uint8Array[]): Promise<readonly ImageOutcome[]>;
  close(): Promise<void>;
}

/** Longest computation: the largest images take seconds. */
const COMPUTE_MS = 120_000;
/** For what is being computed when the server ends. */
const CLOSE_MS = 10_000;

/**
 * Opens a model in a thread; `entry` is its program, where it is not beside this file.
 *
 * Throws  as `openModel`.
 */
export async function startServedModel(
  start: ModelThreadStart,
  entry = new URL('./model-thread.js', import.meta.url),
): Promise<ServedModel> {
  const thread = new Worker(entry, { workerData: start });
  const ended = deferred<never>();
  ended.promise.catch(() => {});
  let waiting: Deferred<ModelReply> = deferred();
  thread.on('message', (reply: ModelReply) => waiting.resolve(reply));
  thread.on('error', (error) => ended.reject(TesseraError.from(error)));
  thread.on('exit', () =>
    ended.reject(new TesseraError('INTERNAL', 'the thread of the model has ended')),
  );
  const replied = async (): Promise<ModelReply> => {
    const reply = await Promise.race([waiting.promise, ended.promise]);
    if (reply.type !== 'failed') return reply;
    const { code, sentence, hint } = reply.failure;
    throw new TesseraError(code, sentence, hint === undefined ? {} : { hint });
  };
  const ask = (images: readonly Uint8Array[]) => {
    waiting = deferred();
    const memory = new Set(images.map(({ buffer }) => buffer as ArrayBuffer));
    thread.postMessage(images satisfies ModelRequest, [...memory]);
  };
  try {
    const first = await replied();
    if (first.type !== 'ready') throw new TesseraError('INTERNAL', 'the model is not ready');
    return {
      description: first.model,
      async compute(images) {
        ask(images);
        const reply = await withDeadline(systemClock, replied(), COMPUTE_MS, 'a computation');
        return reply.type === 'computed' ? reply.outcomes : [];
      },
      async close() {
        thread.postMessage('close' satisfies ModelRequest);
        const end = ended.promise.catch(() => {});
        await withDeadline(systemClock, end, CLOSE_MS, 'the end of the model').catch(
          async () => void (await thread.terminate()),
        );
      },
    };
  } catch (error) {
    await thread.terminate();
    throw error;
  }
}
