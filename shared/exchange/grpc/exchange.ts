/** @file The worker's end of an exchange over gRPC: chunks, checksums and deadlines around the calls of proto/. */
import {
  ChunkAssembler,
  type ChunkPiece,
  cutVector,
  roomFor,
  SampleAssembler,
} from '../../contract/chunks.ts';
import {
  decodeOutcome,
  decodeSampleInfo,
  encodeNode,
  encodePull,
  WIRE_SPLITS,
} from '../../contract/exchange-codec.ts';
import { decodeExecutablePushed, encodeExecutableId } from '../../contract/executable-codec.ts';
import {
  decodeFeatures,
  encodeFeatures,
  type FeatureRow,
  type FeatureShape,
} from '../../contract/feature-rows.ts';
import type { ExecutableChunk } from '../../contract/generated/tessera/v1/ExecutableChunk.ts';
import type { ExecutableReply__Output } from '../../contract/generated/tessera/v1/ExecutableReply.ts';
import type { ExecutableRequest } from '../../contract/generated/tessera/v1/ExecutableRequest.ts';
import type { FeatureRows } from '../../contract/generated/tessera/v1/FeatureRows.ts';
import type { FetchRequest } from '../../contract/generated/tessera/v1/FetchRequest.ts';
import type { Node } from '../../contract/generated/tessera/v1/Node.ts';
import type { NodeChunk } from '../../contract/generated/tessera/v1/NodeChunk.ts';
import type { PullRequest } from '../../contract/generated/tessera/v1/PullRequest.ts';
import type { PushReply__Output } from '../../contract/generated/tessera/v1/PushReply.ts';
import type {
  ExecutableId,
  ExecutablePushed,
  NodeHeader,
  ParametersRange,
  PushOutcome,
} from '../../contract/messages.ts';
import type {
  ReceivedChunk,
  ReceivedExecutablePiece,
  ReceivedFeatures,
  ReceivedSample,
} from '../../contract/received.ts';
import { TesseraError } from '../../core/errors.ts';
import type { ValueType } from '../../core/floats.ts';
import type { Split } from '../../core/work.ts';
import type { EncodedSample } from '../../data/source.ts';
import { roundBfloat16 } from '../../kernels/values.ts';
import type { Exchange, ExchangeSettings, FetchedExecutable, NodePayload } from '../exchange.ts';
import { PIECE_CHUNKS, takeChunk } from '../memory/memory-chunks.ts';
import { WorkerMemory } from '../memory/worker-memory.ts';
import type { CallSettings } from './calls.ts';
import { executableChunks, receiveExecutable } from './executables.ts';

/** What a bulk call is made with; the address is known below. */
export type BulkCall = Omit<CallSettings, 'address'>;

/** The bulk calls as messages: over gRPC, or through the simulator's network. */
export interface BulkCalls {
  pushNode(call: BulkCall, messages: Iterable<NodeChunk>): Promise<PushReply__Output>;
  pullParameters(call: BulkCall, request: PullRequest): AsyncIterable<ReceivedChunk>;
  fetchSamples(call: BulkCall, request: FetchRequest): AsyncIterable<ReceivedSample>;
  fetchFeatures(call: BulkCall, request: FetchRequest): AsyncIterable<ReceivedFeatures>;
  fetchExecutable(
    call: BulkCall,
    request: ExecutableRequest,
  ): AsyncIterable<ReceivedExecutablePiece>;
  pushExecutable(
    call: BulkCall,
    messages: Iterable<ExecutableChunk>,
  ): Promise<ExecutableReply__Output>;
  /** Closes the connection; what is under way ends by itself. */
  close(): void;
}

const NO_VALUES = new Float32Array();

/** Largest sample that a worker accepts. */
const SAMPLE_BYTES_MAX = 256 * 1024 * 1024;

/** Vectors as chunks of `limits.chunkBytes`, each with a checksum. */
export class GrpcExchange implements Exchange {
  readonly #calls: BulkCalls;
  readonly #settings: ExchangeSettings;
  readonly #memory: WorkerMemory | undefined;
  /** Where gradients of 2 bytes a value are packed. */
  #room: Uint16Array | undefined;
  /** The push under way: pushes take turns, since sharing the line would make each of them late. */
  #pushing: Promise<unknown> = Promise.resolve();

  constructor(calls: BulkCalls, settings: ExchangeSettings) {
    const { memory } = settings;
    this.#calls = calls;
    this.#settings = settings;
    this.#memory = memory && WorkerMemory.open(memory);
  }

  /** Whether vectors travel through memory. */
  get sharesMemory(): boolean {
    return this.#memory !== undefined;
  }

  pushNode(node: NodeHeader, payload: NodePayload): Promise<PushOutcome> {
    const turn = this.#pushing.then(async () => {
      const call = this.#call(`pushing step ${node.step}, leaves ${node.first}+${node.count}`);
      const { session, limits } = this.#settings;
      const { gradient = NO_VALUES, features } = payload;
      const cut = (chunkBytes: number) => this.#cut(gradient, chunkBytes, node.gradientType);
      const inMemory = await this.#memory?.put(cut(PIECE_CHUNKS * limits.chunkBytes));
      const chunks = inMemory ?? cut(limits.chunkBytes);
      const rows = encodeFeatures(features, limits.chunkBytes);
      const messages = nodeMessages(encodeNode(session, node), rows, chunks);
      return decodeOutcome(await this.#calls.pushNode(call, messages));
    });
    this.#pushing = turn.catch(() => {});
    return turn;
  }

  async pull(wanted: ParametersRange, target: Float32Array): Promise<void> {
    const { version } = wanted;
    const call = this.#call(`pulling parameter version ${version}`);
    const file = this.#memory?.parameters;
    // Memory has them as they are, once for all who read them.
    const { valueType = 'f32' } = file === undefined ? wanted : {};
    const assembler = new ChunkAssembler(target, `parameters of version ${version}`, valueType);
    const { session } = this.#settings;
    const asked = encodePull(session, { ...wanted, valueType });
    const request = { ...asked, intoMemory: file !== undefined };
    const place = { file, start: 4 * wanted.first, target: assembler.bytes };
    for await (const chunk of this.#calls.pullParameters(call, request)) {
      assembler.add(await takeChunk(chunk, place));
    }
    assembler.finish();
    if (file !== undefined && wanted.valueType === 'bf16') roundBfloat16(target);
  }

  async *fetchSamples(split: Split, indices: readonly number[]): AsyncGenerator<EncodedSample> {
    const call = this.#call(`fetching ${indices.length} samples`);
    const chunks = this.#calls.fetchSamples(call, this.#request(split, indices));
    yield* assembleSamples(chunks, split, indices);
  }

  async fetchFeatures(
    split: Split,
    indices: readonly number[],
    shape: FeatureShape,
  ): Promise<FeatureRow[]> {
    const call = this.#call(`fetching features of ${indices.length} samples`);
    const messages = this.#calls.fetchFeatures(call, this.#request(split, indices));
    const rows: FeatureRow[] = [];
    for await (const message of messages) rows.push(...decodeFeatures(message, shape));
    return rows;
  }

  async fetchExecutable(id: ExecutableId): Promise<FetchedExecutable> {
    const call = this.#call(`fetching the executable of ${id.title}`);
    const { session, limits } = this.#settings;
    const request = { session, key: encodeExecutableId(id) };
    const pieces = this.#calls.fetchExecutable(call, request);
    return await receiveExecutable(pieces, id, limits.executableBytes);
  }

  async pushExecutable(id: ExecutableId, bytes: Uint8Array | undefined): Promise<ExecutablePushed> {
    const call = this.#call(`pushing the executable of ${id.title}`);
    const { session, limits } = this.#settings;
    const messages = executableChunks(session, id, bytes, limits.chunkBytes);
    return decodeExecutablePushed(await this.#calls.pushExecutable(call, messages));
  }

  close(): void {
    this.#memory?.close();
    this.#calls.close();
  }

  /** Cuts a gradient. Pushes take turns, so one has the room of the one before. */
  #cut(gradient: Float32Array, chunkBytes: number, type: ValueType): Iterable<ChunkPiece> {
    if (type !== 'f32' && this.#room?.length !== gradient.length) {
      this.#room = roomFor(gradient, type);
    }
    return cutVector(gradient, chunkBytes, type, this.#room);
  }

  #request(split: Split, indices: readonly number[]): FetchRequest {
    return { session: this.#settings.session, split: WIRE_SPLITS[split], indices: [...indices] };
  }

  #call(what: string): BulkCall {
    const { signal, limits } = this.#settings;
    if (signal.aborted) throw new TesseraError('CANCELLED', `${what}: its session is over`);
    return { what, deadlineMs: limits.rpcMs, signal };
  }
}

function* nodeMessages(
  node: Node,
  rows: Iterable<FeatureRows>,
  chunks: Iterable<ChunkPiece>,
): Generator<NodeChunk> {
  yield { node };
  for (const features of rows) yield { features };
  for (const chunk of chunks) yield { chunk };
}

async function* assembleSamples(
  chunks: AsyncIterable<ReceivedSample>,
  split: Split,
  indices: readonly number[],
): AsyncGenerator<EncodedSample> {
  let come = 0;
  let assembler: SampleAssembler | undefined;
  for await (const chunk of chunks) {
    const expected = indices[come];
    if (chunk.index !== expected) {
      const wanted = expected === undefined ? 'none' : `sample ${expected}`;
      throw new TesseraError(
        'CHUNK_CORRUPT',
        `${split} sample ${chunk.index} came, ${wanted} was due`,
      );
    }
    assembler ??= new SampleAssembler(`${split} sample ${expected}`, SAMPLE_BYTES_MAX);
    const bytes = assembler.add(chunk);
    if (bytes === undefined) continue;
    come += 1;
    assembler = undefined;
    yield { ...decodeSampleInfo(chunk), bytes };
  }
  if (come === indices.length) return;
  throw new TesseraError('CHUNK_CORRUPT', `${come} of ${indices.length} ${split} samples came`);
}
