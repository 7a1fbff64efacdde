/**
 * @file The thread that computes: it holds the program and serves requests, one after the other.
 *
 * An engine blocks the thread that calls it, so the main thread (heartbeats, gRPC) never
 * calls one, not even to try which ones work here. Buffers move between the threads by transfer, never by copy.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { chooseEngine } from '../../shared/compute/engines/choose.ts';
import type { EngineRequest } from '../../shared/compute/engines/options.ts';
import { compileProgram, engineOf } from '../../shared/compute/engines/registry.ts';
import {
  type DeviceReport,
  hasFrozenBackbone,
  type ProgramSpec,
} from '../../shared/compute/program.ts';
import type { Part } from '../../shared/compute/step.ts';
import { assert, TesseraError } from '../../shared/core/errors.ts';
import { processorKind } from '../../shared/machine/processor.ts';
import { sendEngine } from '../parent/last-error.ts';
import { type ComputedNode, type LeafWork, NodeComputer } from './node-computer.ts';
import { type ExecutableReplied, ThreadExecutables } from './thread-executables.ts';

/** What the thread is started with. */
export interface ThreadStart {
  readonly spec: ProgramSpec;
  readonly request: EngineRequest;
  /** Threads of an engine where the request leaves them open. */
  readonly numThreads: number;
}

/** The requests to the thread; each gets one ThreadReply of the same id. */
export type ThreadRequest =
  | {
      readonly id: number;
      readonly type: 'setParameters';
      /** All of them, or those behind the frozen beginning, which is in place already. */
      readonly parameters: Float32Array;
    }
  | ({ readonly id: number; readonly type: 'leaf' } & LeafWork)
  /** Without a reply: the gradient of a node that has arrived, for the leaves to come. */
  | { readonly id: number; readonly type: 'recycle'; readonly gradient: Float32Array }
  /** Without a reply: the thread ends, after its current request. */
  | { readonly id: number; readonly type: 'close' };

/** What failed in the thread, as messages carry it. */
export type ThreadError = Pick<TesseraError, 'code' | 'sentence' | 'hint'>;

/** Reply of the thread. `node` comes with the leaf after which all leaves of a node were added. */
export type ThreadReply =
  | {
      readonly id: number;
      readonly engineId: string;
      readonly processor: string;
      readonly description: string;
      readonly slots: number;
      readonly devices: DeviceReport | undefined;
    }
  | { readonly id: number; readonly parameters: Float32Array | undefined }
  | {
      readonly id: number;
      readonly computeMs: number;
      readonly node: ComputedNode | undefined;
      /** All rows of the leaf, when some of them had to be computed. */
      readonly features: Float32Array | undefined;
    }
  | { readonly id: number; readonly error: ThreadError };

/** What a worker computes in a run. */
function partsOf(spec: ProgramSpec): readonly Part[] {
  return ['training', 'forward', ...(hasFrozenBackbone(spec) ? (['features'] as const) : [])];
}

async function replyTo(
  computer: NodeComputer,
  request: Exclude<ThreadRequest, { type: 'close' | 'recycle' }>,
): Promise<ThreadReply> {
  const { id } = request;
  if (request.type === 'setParameters') {
    return { id, parameters: computer.setParameters(request.parameters) };
  }
  const startedMs = performance.now();
  const { node, features } = await computer.leaf(request);
  return { id, computeMs: performance.now() - startedMs, node, features };
}

/** The buffers of a reply that move to the main thread. */
function transfers(reply: ThreadReply): ArrayBuffer[] {
  const vectors =
    'node' in reply
      ? [reply.node?.gradient, reply.features]
      : ['parameters' in reply ? reply.parameters : undefined];
  return vectors.flatMap((vector) => (vector === undefined ? [] : [vector.buffer as ArrayBuffer]));
}

async function main(): Promise<void> {
  const port = parentPort;
  assert(port !== null, 'compute-thread runs as a worker thread');
  const fail = (id: number, thrown: unknown) => {
    const { code, sentence, hint } = TesseraError.from(thrown);
    port.postMessage({ id, error: { code, sentence, hint } } satisfies ThreadReply);
  };
  const { spec, request, numThreads } = workerData as ThreadStart;
  const executables = new ThreadExecutables((ask) => port.postMessage(ask));
  const starting = chooseEngine(request, numThreads, spec).then(async (choice) => {
    sendEngine({ engine: choice.id, plugin: await engineOf(choice.id).plugin?.() });
    const program = await compileProgram(spec, choice, { executables });
    // Before there are leaves: a lease does not wait for a compiler.
    for (const part of partsOf(spec)) await program.compile?.(part);
    return { choice, program, computer: new NodeComputer(program, spec) };
  });
  // One request at a time, in the order of arrival: the program's calls must not overlap.
  let queue: Promise<unknown> = starting;
  let closing = false;
  const serve = async (request: ThreadRequest) => {
    if (request.type === 'close') {
      // Threads of several devices too end between two calls of the engine.
      await starting.then(({ program }) => program.dispose()).catch(() => {});
      process.exit();
    }
    if (closing) return;
    try {
      const { computer } = await starting;
      if (request.type === 'recycle') return computer.recycle(request.gradient);
      const reply = await replyTo(computer, request);
      port.postMessage(reply, transfers(reply));
    } catch (thrown) {
      fail(request.id, thrown);
    }
  };
  port.on('message', (message: ThreadRequest | ExecutableReplied) => {
    // Beside the queue: what compiles waits for it.
    if ('executable' in message) return executables.settle(message);
    closing ||= message.type === 'close';
    queue = queue.finally(() => serve(message)).catch(() => {});
  });
  const started = await starting.catch((thrown: unknown) => fail(0, thrown));
  // Without a program nothing keeps the thread: it ends.
  if (started === undefined) return port.unref();
  const { choice, program } = started;
  const { description, identity = choice.id, slots } = program;
  const devices = program.devices();
  const processor = engineOf(choice.id).needs === undefined ? processorKind() : '';
  const ready = { id: 0, engineId: identity, processor, description, slots, devices };
  port.postMessage(ready satisfies ThreadReply);
}

await main();
