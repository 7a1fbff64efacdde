/** @file The calls of a lane: ranges of vectors on their way in and out, between the wire and the memory of the run. */
import { ChunkAssembler, type ChunkPiece, cutVector } from '../../../contract/chunks.ts';
import {
  decodeNode,
  decodePull,
  decodeRange,
  decodeSession,
  encodeOutcome,
} from '../../../contract/exchange-codec.ts';
import type { Node__Output } from '../../../contract/generated/tessera/v1/Node.ts';
import type { PullRequest__Output } from '../../../contract/generated/tessera/v1/PullRequest.ts';
import type { PushReply } from '../../../contract/generated/tessera/v1/PushReply.ts';
import type { PushOutcome, VectorRange } from '../../../contract/messages.ts';
import type { ReceivedNodeChunk } from '../../../contract/received.ts';
import { wirePresent } from '../../../contract/validate.ts';
import { type Deferred, deferred } from '../../../core/async.ts';
import { reportOf } from '../../../core/error-report.ts';
import { TesseraError } from '../../../core/errors.ts';
import type { VectorMemory } from '../../../kernels/vectors.ts';
import type { CallContext } from '../handlers.ts';
import {
  errorIn,
  type LaneNews,
  type LaneReply,
  type LaneRequest,
  type LaneStart,
} from './messages.ts';

/** Asks for a call; fails with what the main thread refuses it with, or once the call is over. */
type Ask = (request: LaneRequest) => Promise<LaneReply>;

/** The calls of one lane; what becomes of a node or a version is the main thread's to say. */
export class LaneCalls {
  readonly #notify: (news: LaneNews) => void;
  readonly #vectors: Pick<VectorMemory, 'at'>;
  readonly #start: LaneStart;
  /** Requests without a reply, by their calls: each has one at a time. */
  readonly #asked = new Map<number, Deferred<LaneReply>>();
  #lastCall = 0;

  constructor(
    start: LaneStart,
    vectors: Pick<VectorMemory, 'at'>,
    notify: (news: LaneNews) => void,
  ) {
    this.#start = start;
    this.#vectors = vectors;
    this.#notify = notify;
  }

  /** The reply to what a call has asked. */
  reply(call: number, reply: LaneReply): void {
    const asked = this.#asked.get(call);
    this.#asked.delete(call);
    if (reply.error === undefined) asked?.resolve(reply);
    else asked?.reject(errorIn(reply.error));
  }

  /** Takes a range of a gradient. */
  async push(messages: AsyncIterable<ReceivedNodeChunk>, context: CallContext): Promise<PushReply> {
    const { ask, end } = this.#begin(context);
    try {
      const outcome = await this.#receive(messages, ask);
      end();
      return encodeOutcome(outcome);
    } catch (error) {
      end(error);
      throw error;
    }
  }

  /** Sends a range of parameters: its last chunk once the values were found to be those of the version all along. */
  async *pull(request: PullRequest__Output, context: CallContext): AsyncGenerator<ChunkPiece> {
    const { ask, end } = this.#begin(context);
    try {
      const session = decodeSession(request.session);
      const wanted = decodePull(request);
      const range = decodeRange(request.range, 'pull.range');
      const values = this.#range(await ask({ type: 'pull', session, wanted, range }), range);
      let next: ChunkPiece | undefined;
      for (const chunk of cutVector(values, this.#start.limits.chunkBytes, wanted.valueType)) {
        if (next !== undefined) yield next;
        next = chunk;
      }
      await ask({ type: 'confirm' });
      yield wirePresent(next, 'a chunk of a range');
    } finally {
      end();
    }
  }

  async #receive(messages: AsyncIterable<ReceivedNodeChunk>, ask: Ask): Promise<PushOutcome> {
    let range: ChunkAssembler | undefined;
    for await (const { node, chunk, features } of messages) {
      if (range === undefined) {
        const begun = await this.#beginRange(wirePresent(node, 'first message of a push'), ask);
        if (typeof begun === 'string') return begun;
        range = begun;
      } else if (node !== null) {
        throw new TesseraError('MESSAGE_INVALID', 'push: a second node in one call');
      }
      if (features !== null || (chunk !== null && chunk.memoryBytes > 0)) {
        throw new TesseraError('MESSAGE_INVALID', 'push: a lane takes chunks of a gradient only');
      }
      if (chunk !== null) range.add(chunk);
    }
    wirePresent(range, 'first message of a push').finish();
    const { outcome } = await ask({ type: 'arrived' });
    return wirePresent(outcome, 'outcome of a node');
  }

  /** Where the range of a push comes, or the outcome of the node if it is not needed. */
  async #beginRange(wire: Node__Output, ask: Ask): Promise<ChunkAssembler | PushOutcome> {
    const session = decodeSession(wire.session);
    const node = decodeNode(wire, this.#start.splitSizes);
    const range = decodeRange(wire.range, 'node.range');
    const reply = await ask({ type: 'push', session, node, range });
    if (reply.outcome !== undefined) return reply.outcome;
    const what = `gradient of step ${node.step}, leaves ${node.first}+${node.count}`;
    return new ChunkAssembler(this.#range(reply, range), what, node.gradientType, range.first);
  }

  #range({ place }: LaneReply, { first, count }: VectorRange): Float32Array {
    return this.#vectors.at(wirePresent(place, 'place of a vector')).subarray(first, first + count);
  }

  #begin({ signal }: CallContext) {
    this.#lastCall += 1;
    const call = this.#lastCall;
    let hasAsked = false;
    const ask: Ask = async (request) => {
      signal.throwIfAborted();
      const reply = deferred<LaneReply>();
      const leave = () => reply.reject(signal.reason);
      this.#asked.set(call, reply);
      signal.addEventListener('abort', leave, { once: true });
      hasAsked = true;
      this.#notify({ type: 'asks', call, request });
      return await reply.promise.finally(() => signal.removeEventListener('abort', leave));
    };
    const end = (error?: unknown) => {
      this.#asked.delete(call);
      if (!hasAsked) return;
      hasAsked = false;
      const report = error === undefined ? {} : { error: reportOf(TesseraError.from(error)) };
      this.#notify({ type: 'ended', call, ...report });
    };
    return { ask, end };
  }
}
