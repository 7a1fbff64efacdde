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
  | {
      readonly id: number;
      readonly type: 'setParameters';
      /** All of them, or those behind the frozen beginning, which is in place already. */
      readonly parameters: Float32Array;
    }
  | {
      readonly id: number;
      readonly type: 'leaf';
      readonly kind: 'train' | 'evaluate';
      /** The node that this leaf is a part of; the first leaf of a node starts its sum. */
      readonly node: LeafRange;
      readonly numLeaves: number;
      readonly leaf: number;
      readonly inputs: LeafInputs;
      /** Features of the leaf's samples that are known; the others are computed and given back. */
      readonly features?: KnownFeatures | undefined;
    };

/** What a frozen backbone made of the samples of a leaf. Shapes  values [B, D]. */
export interface KnownFeatures {
  readonly values: Float32Array;
  /** 1 for each sample whose row is there. */
  readonly isKnown: Uint8Array;
}

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
  | {
      readonly id: number;
      readonly computeMs: number;
      readonly node: ComputedNode | undefined;
      /** All rows of the leaf, when some of them had to be computed. */
      readonly features: Float32Array | undefined;
    }
  | { readonly id: number; readonly error: { readonly code: string; readonly sentence: string } };

type LeafRequest = Extract<ThreadRequest, { type: 'leaf' }>;

/** The program and what it has in hand. */
class ComputeThread {
  readonly #program: Program;
  readonly #width: number;
  #parameters: Float32Array | undefined;
  #sum: TreeSum | undefined;

  constructor(program: Program, { model }: ProgramSpec) {
    this.#program = program;
    this.#width = model.width;
  }

  /** Puts new parameters in place; answers a buffer that the next pull can fill. */
  setParameters(parameters: Float32Array): Float32Array | undefined {
    const before = this.#parameters;
    const frozen = before === undefined ? 0 : before.length - parameters.length;
    if (before !== undefined && frozen > 0) {
      before.set(parameters, frozen);
      this.#program.setParameters(before);
      return parameters;
    }
    this.#program.setParameters(parameters);
    this.#parameters = parameters;
    return before;
  }

  /** The features that a leaf lacks, put beside those that it has; undefined when it has all that it needs. */
  async completeFeatures({ inputs, features }: LeafRequest): Promise<Float32Array | undefined> {
    if (features === undefined) return undefined;
    const { values, isKnown } = features;
    if (inputs.weights.every((weight, place) => weight === 0 || isKnown[place] === 1)) {
      return undefined;
    }
    const computed = await this.#program.features(inputs.images);
    for (const [place, known] of isKnown.entries()) {
      const [first, limit] = [place * this.#width, (place + 1) * this.#width];
      if (known === 0) values.set(computed.subarray(first, limit), first);
    }
    return values;
  }

  /** Computes one leaf and adds it to its node; answers the node when that was its last leaf. */
  async leaf(request: LeafRequest): Promise<ComputedNode | undefined> {
    const { kind, node, leaf } = request;
    const inputs = { ...request.inputs, features: request.features?.values };
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
  const features = await thread.completeFeatures(request);
  const node = await thread.leaf(request);
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
    const { code, sentence } = TesseraError.from(thrown);
    port.postMessage({ id, error: { code, sentence } } satisfies ThreadReply);
  };
  const { spec, choice } = workerData as ThreadStart;
  const program = await compileProgram(spec, choice).catch((thrown: unknown) => fail(0, thrown));
  if (program === undefined) return;
  const thread = new ComputeThread(program, spec);
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
