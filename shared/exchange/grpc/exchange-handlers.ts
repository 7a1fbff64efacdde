/**
 * @file The coordinator's end of an exchange over gRPC: the calls of proto/ in chunks, around a host that has vectors.
 *
 * Bulk that is not needed is refused after its header, before it travels.
 */
import { bytesOf, ChunkAssembler, cutChunks, cutVector } from '../../contract/chunks.ts';
import {
  decodeFetch,
  decodeNode,
  decodePull,
  decodeSession,
  encodeOutcome,
  encodeSample,
  refuseRange,
} from '../../contract/exchange-codec.ts';
import { decodeFeatures, encodeFeatures, type FeatureShape } from '../../contract/feature-rows.ts';
import type { Chunk } from '../../contract/generated/tessera/v1/Chunk.ts';
import type { FeatureRows } from '../../contract/generated/tessera/v1/FeatureRows.ts';
import type { FetchRequest__Output } from '../../contract/generated/tessera/v1/FetchRequest.ts';
import type { PullRequest__Output } from '../../contract/generated/tessera/v1/PullRequest.ts';
import type { PushReply } from '../../contract/generated/tessera/v1/PushReply.ts';
import type { SampleChunk } from '../../contract/generated/tessera/v1/SampleChunk.ts';
import type { NodeHeader } from '../../contract/messages.ts';
import type { ReceivedNodeChunk } from '../../contract/received.ts';
import { wirePresent } from '../../contract/validate.ts';
import { TesseraError } from '../../core/errors.ts';
import type { ValueType } from '../../core/floats.ts';
import { splitOf } from '../../core/work.ts';
import type { ExchangeHost, IncomingNode, OutgoingParameters } from '../exchange.ts';
import { putParameters, takeChunk } from '../memory/memory-chunks.ts';
import type { MemoryFile } from '../memory/memory-file.ts';
import type { MemoryHost } from '../memory/memory-host.ts';
import { executableHandlers } from './executables.ts';

/** The bulk calls of all workers, as plain functions over messages. */
export function exchangeHandlers(host: ExchangeHost, chunkBytes: number, memory?: MemoryHost) {
  return {
    async pushNode(messages: AsyncIterable<ReceivedNodeChunk>): Promise<PushReply> {
      let push: Push | undefined;
      try {
        for await (const message of messages) {
          if (push === undefined) {
            const wire = wirePresent(message.node, 'first message of a push');
            const worker = host.workerOf(decodeSession(wire.session));
            refuseRange(wire.range, 'node.range');
            const header = decodeNode(wire, host.splitSizes);
            const begun = host.beginPush(worker, header);
            if (typeof begun === 'string') return encodeOutcome(begun);
            push = new Push(host, header, begun, memory?.pushesOf(wire.session));
          } else if (message.node !== null) {
            throw new TesseraError('MESSAGE_INVALID', 'push: a second node in one call');
          }
          await push.add(message);
        }
        return encodeOutcome(await wirePresent(push, 'first message of a push').finish());
      } finally {
        push?.end();
      }
    },

    async *pullParameters(request: PullRequest__Output): AsyncGenerator<Chunk> {
      const worker = host.workerOf(decodeSession(request.session));
      refuseRange(request.range, 'pull.range');
      const wanted = decodePull(request);
      const { version, average, first, valueType } = wanted;
      const pull = await host.beginPull(worker, wanted);
      try {
        const isShared = request.intoMemory && !average && valueType === 'f32';
        const shared = isShared ? memory?.parametersFor(request.session) : undefined;
        const bytes = bytesOf(pull.values);
        const chunks =
          shared === undefined
            ? chunksOf(pull, chunkBytes, valueType)
            : putParameters(shared, { version, start: 4 * first, bytes, chunkBytes });
        for await (const chunk of chunks) {
          yield chunk;
          // Later chunks are cut later: the version must still be there.
          pull.confirm();
        }
      } finally {
        pull.end();
      }
    },

    async *fetchSamples(request: FetchRequest__Output): AsyncGenerator<SampleChunk> {
      const worker = host.workerOf(decodeSession(request.session));
      const { split, indices } = decodeFetch(request, host.splitSizes);
      for await (const sample of host.readSamples(worker, split, indices)) {
        yield* encodeSample(sample, chunkBytes);
      }
    },

    async *fetchFeatures(request: FetchRequest__Output): AsyncGenerator<FeatureRows> {
      host.workerOf(decodeSession(request.session));
      const { split, indices } = decodeFetch(request, host.splitSizes);
      yield* encodeFeatures(host.findFeatures(split, indices), chunkBytes);
    },

    ...executableHandlers(host, chunkBytes),
  };
}

/** Parameters as they are on the wire; values that the host keeps rounded are views. */
function chunksOf({ values, rounded }: OutgoingParameters, chunkBytes: number, type: ValueType) {
  if (rounded === undefined) return cutVector(values, chunkBytes, type);
  return cutChunks(bytesOf(rounded), chunkBytes);
}

/** The vectors and rows of one push. */
class Push {
  readonly #node: IncomingNode;
  readonly #featureShape: FeatureShape;
  readonly #gradient: ChunkAssembler | undefined;
  readonly #memory: MemoryFile | undefined;

  constructor(
    host: ExchangeHost,
    header: NodeHeader,
    node: IncomingNode,
    memory: MemoryFile | undefined,
  ) {
    const { kind, step, first, count, gradientType } = header;
    this.#node = node;
    this.#memory = memory;
    this.#featureShape = { width: host.featureWidth, numSamples: host.splitSizes[splitOf(kind)] };
    this.#gradient =
      node.gradient &&
      new ChunkAssembler(
        node.gradient,
        `gradient of step ${step}, leaves ${first}+${count}`,
        gradientType,
      );
  }

  async add({ chunk, features }: ReceivedNodeChunk): Promise<void> {
    if (features !== null) this.#node.addFeatures(decodeFeatures(features, this.#featureShape));
    if (chunk === null) return;
    if (this.#gradient === undefined) {
      throw new TesseraError('MESSAGE_INVALID', 'push: an evaluation has no gradient');
    }
    const target = this.#gradient.bytes;
    this.#gradient.add(await takeChunk(chunk, { file: this.#memory, target }));
  }

  finish(): ReturnType<IncomingNode['finish']> {
    this.#gradient?.finish();
    return this.#node.finish();
  }

  end(): void {
    this.#node.end();
  }
}
