/**
 * @file The thread of one device of several: it holds the program on it.
 *
 * ONNX Runtime's binding for Node blocks the thread that calls `run`, so that sessions of one thread take turns. Nor does
 * it take tensors in shared memory: the thread has a copy of the parameters.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { assert, TesseraError } from '../../../core/errors.ts';
import type { LeafInputs, LeafOutputs, Pixels, ProgramSpec } from '../../program.ts';
import { compileForOnnxRuntime, type SessionOptions } from './program.ts';

/** What the thread is started with. */
export interface DeviceThreadStart {
  readonly spec: ProgramSpec;
  readonly options: SessionOptions;
}

/** What the thread is asked for, in order; calls alone have a reply. */
export type DeviceRequest =
  | { readonly type: 'setParameters'; readonly parameters: Float32Array }
  | { readonly type: 'train' | 'evaluate'; readonly leaf: LeafInputs }
  | { readonly type: 'predict' | 'features'; readonly images: Pixels }
  /** The thread ends: within a call of the engine it would take the process with it. */
  | { readonly type: 'close' };

/** What came of a call. */
export type DeviceReply =
  | { readonly result: LeafOutputs | Float32Array }
  | { readonly error: Pick<TesseraError, 'code' | 'sentence' | 'hint'> };

const port = parentPort;
assert(port !== null, 'device-thread runs as a worker thread');
const { spec, options } = workerData as DeviceThreadStart;
const program = compileForOnnxRuntime(spec, options);
let own = new Float32Array(0);

async function serve(request: DeviceRequest): Promise<LeafOutputs | Float32Array | undefined> {
  switch (request.type) {
    case 'setParameters': {
      const { parameters } = request;
      if (own.length !== parameters.length) own = new Float32Array(parameters.length);
      own.set(parameters);
      program.setParameters(own);
      return undefined;
    }
    case 'train':
    case 'evaluate':
      return await program[request.type](request.leaf);
    case 'predict':
    case 'features':
      return await program[request.type](request.images);
    default:
      request satisfies { readonly type: 'close' };
      await program.dispose();
      return process.exit();
  }
}

let queue: Promise<void> = Promise.resolve();
port.on('message', (request: DeviceRequest) => {
  queue = queue.then(async () => {
    try {
      const result = await serve(request);
      if (result === undefined) return;
      const { buffer } = result instanceof Float32Array ? result : result.gradient;
      port.postMessage({ result } satisfies DeviceReply, [buffer as ArrayBuffer]);
    } catch (thrown) {
      const { code, sentence, hint } = TesseraError.from(thrown);
      port.postMessage({ error: { code, sentence, hint } } satisfies DeviceReply);
    }
  });
});
