/**
 * @file The thread that computes: it holds the program and adds leaves up to nodes.
 *
 * An engine blocks the thread that calls it, so the main thread (heartbeats, gRPC, decoding) never
 * calls one. Buffers move between the threads by transfer, never by copy.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { compileProgram } from '../shared/compute/compile.ts';
import type { EngineChoice, LeafInputs, Program, ProgramSpec } from '../shared/compute/program.ts';
import { assert, TesseraError } from '../shared/core/errors.ts';
import { addInto, TreeSum } from '../shared/training/reduction.ts';
import type { LeafRange } from './core/messages.ts';

/** What the thread is started with. */
export interface ThreadStart {
  readonly spec: ProgramSpec;
  readonly choice: EngineChoice;
}

/** What the thread can be asked; each is answered by one ThreadReply of the same id. */
export type ThreadRequest =
  | { readonly id: number; readonly type: 'setParameters'; readonly parameters: Float32Array }
  | {
      readonly id: number;
      readonly type: 'leaf';
      readonly kind: 'train' | 'evaluate';
      /** The node that this leaf is a part of; the first leaf of a node starts its sum. */
      readonly node: LeafRange;
      readonly numLeaves: number;
      readonly leaf: number;
      readonly inputs: LeafInputs;
    };

/** What a finished node adds up to. */
export interface ComputedNode {
  readonly lossSum: number;
  readonly correct: number;
  readonly samples: number;
  /** Undefined for an evaluation. */
  readonly gradient: Float32Array | undefined;
}

/** Answer of the thread. `node` comes with the last leaf of a node. */
export type ThreadReply =
  | { readonly id: number; readonly description: string }
  | { readonly id: number; readonly parameters: Float32Array | undefined }
  | { readonly id: number; readonly computeMs: number; readonly node: ComputedNode | undefined }
  | { readonly id: number; readonly error: { readonly code: string; readonly sentence: string } };

type LeafRequest = Extract<ThreadRequest, { type: 'leaf' }>;

/** The program and what it has in hand. */
class ComputeThread {
  readonly #program: Program;
  #parameters: Float32Array | undefined;
  #sum: TreeSum | undefined;

  constructor(program: Program) {
    this.#program = program;
  }

  /** Puts new parameters in place; answers the old buffer, so that the next pull can fill it. */
  setParameters(parameters: Float32Array): Float32Array | undefined {
    const before = this.#parameters;
    this.#program.setParameters(parameters);
    this.#parameters = parameters;
    return before;
  }

  /** Computes one leaf and adds it to its node; answers the node when that was its last leaf. */
  async leaf(request: LeafRequest): Promise<ComputedNode | undefined> {
    const { kind, node, leaf, inputs } = request;
    if (leaf === node.first) this.#sum = new TreeSum(request.numLeaves, addInto, node);
    const sum = this.#sum;
    assert(sum !== undefined, 'the leaves of a node come in order');
    const outputs = await this.#program[kind](inputs);
    let samples = 0;
    for (const weight of inputs.weights) samples += weight;
    await sum.add({ first: leaf, count: 1 }, kind === 'train' ? outputs.gradient : undefined, {
      lossSum: outputs.lossSum,
      correct: outputs.correct,
      samples,
    });
    const root = sum.root;
    if (root === undefined) return undefined;
    this.#sum = undefined;
    return { ...root.totals, gradient: root.vector };
  }
}

async function answer(thread: ComputeThread, request: ThreadRequest): Promise<ThreadReply> {
  const { id } = request;
  if (request.type === 'setParameters') {
    return { id, parameters: thread.setParameters(request.parameters) };
  }
  const startedMs = performance.now();
  const node = await thread.leaf(request);
  return { id, computeMs: performance.now() - startedMs, node };
}

/** The buffers of a reply that move to the main thread. */
function transfers(reply: ThreadReply): ArrayBuffer[] {
  const vector =
    'node' in reply ? reply.node?.gradient : 'parameters' in reply ? reply.parameters : undefined;
  return vector === undefined ? [] : [vector.buffer as ArrayBuffer];
}

async function main(): Promise<void> {
  const port = parentPort;
  assert(port !== null, 'compute-thread runs as a worker thread');
  const fail = (id: number, thrown: unknown) => {
    const { code, sentence } = TesseraError.from(thrown);
    port.postMessage({ id, error: { code, sentence } } satisfies ThreadReply);
  };
  const { spec, choice } = workerData as ThreadStart;
  const program = await compileProgram(spec, choice).catch((thrown: unknown) => fail(0, thrown));
  if (program === undefined) return;
  const thread = new ComputeThread(program);
  // One request at a time, in the order of arrival: the program's calls must not overlap.
  let queue: Promise<void> = Promise.resolve();
  port.on('message', (request: ThreadRequest) => {
    queue = queue.then(() =>
      answer(thread, request).then(
        (reply) => port.postMessage(reply, transfers(reply)),
        (thrown: unknown) => fail(request.id, thrown),
      ),
    );
  });
  port.postMessage({ id: 0, description: program.description } satisfies ThreadReply);
}

await main();
