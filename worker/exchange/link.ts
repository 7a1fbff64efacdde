/**
 * @file A worker's line to its coordinator: one session, and the bulk calls beside it.
 *
 * Every wait has a deadline; the session's is on its welcome, later silence is its listener's business.
 */

import { setMaxListeners } from 'node:events';
import {
  bytesOf,
  ChunkAssembler,
  cutChunks,
  SampleAssembler,
} from '../../shared/contract/chunks.ts';
import {
  decodeAssignment,
  decodeFinish,
  decodeWelcome,
  encodeHeartbeat,
  encodeLeave,
} from '../../shared/contract/control-codec.ts';
import {
  decodeOutcome,
  decodeSampleInfo,
  encodeNode,
  WIRE_SPLITS,
} from '../../shared/contract/exchange-codec.ts';
import {
  decodeFeatures,
  encodeFeatures,
  type FeatureRow,
  type FeatureShape,
} from '../../shared/contract/feature-rows.ts';
import type { CoordinatorMessage__Output } from '../../shared/contract/generated/tessera/v1/CoordinatorMessage.ts';
import type { NodeChunk } from '../../shared/contract/generated/tessera/v1/NodeChunk.ts';
import type { SampleChunk__Output } from '../../shared/contract/generated/tessera/v1/SampleChunk.ts';
import type {
  Assignment,
  Heartbeat,
  JoinRequest,
  NodeHeader,
  ParametersId,
  PushOutcome,
  WelcomeInfo,
} from '../../shared/contract/messages.ts';
import { TesseraError } from '../../shared/core/errors.ts';
import type { ToldError } from '../../shared/core/verdict.ts';
import type { EncodedSample, Split } from '../../shared/data/source.ts';
import type { TransportCall, WorkerTransport } from '../../shared/exchange/grpc/transport.ts';

/** What a link may use. */
export interface LinkLimits {
  /** Payload of one chunk. */
  readonly chunkBytes: number;
  /** Deadline of one bulk call. */
  readonly rpcMs: number;
}

/** What a node brings besides its totals. */
export interface NodePayload {
  /** Undefined for an evaluation. */
  readonly gradient: Float32Array | undefined;
  /** Features that were computed for its samples. */
  readonly features: readonly FeatureRow[];
}

/** What happens in a session, in order: a welcome, then assignments, perhaps a finish, then the end. */
export interface SessionListener {
  onWelcome(welcome: WelcomeInfo): void;
  onAssignment(assignment: Assignment): void;
  /** The coordinator has answered a heartbeat. */
  onAlive(): void;
  onFinish(finish: ToldError): void;
  /** The session is over, once; never after our own `close`. An error says why it was refused or lost. */
  onClosed(error: TesseraError | undefined): void;
}

/** Our end of a session. Sending on one that is over does nothing. */
export interface SessionStream {
  sendReady(modelFingerprint: string, engine: string): void;
  sendHeartbeat(heartbeat: Heartbeat): void;
  /** A goodbye, because of an error or without one. */
  sendLeave(error: ToldError): void;
  /** Ends the session; what was sent before still arrives. */
  close(): void;
}

/** A coordinator that takes the connection but does not answer the join is given up. */
const WELCOME_MS = 20_000;
/** Largest sample that a worker takes in. */
const SAMPLE_BYTES_MAX = 256 * 1024 * 1024;

/** The line of one worker. */
export class WorkerLink {
  readonly #transport: WorkerTransport;
  readonly #limits: LinkLimits;
  /** Ends the bulk calls of the session that there was, when the next begins. */
  #line = newLine();
  /** The push under way: pushes take turns, since sharing the line would make each of them late. */
  #pushing: Promise<unknown> = Promise.resolve();

  constructor(transport: WorkerTransport, limits: LinkLimits) {
    this.#transport = transport;
    this.#limits = limits;
  }

  /**
   * Opens a session over new connections and joins. Whatever comes of it, the listener is told.
   *
   * Bulk calls that are under way on those of the session before, whose other end may be silent, end with CANCELLED.
   */
  openSession(join: JoinRequest, listener: SessionListener): SessionStream {
    this.#line.abort();
    this.#line = newLine();
    const stream = this.#transport.openSession(WELCOME_MS, {
      onMessage: (message) => tell(listener, message),
      onClosed: (error) => listener.onClosed(error),
    });
    stream.send({ join });
    return {
      sendReady: (modelFingerprint, engine) => stream.send({ ready: { modelFingerprint, engine } }),
      sendHeartbeat: (heartbeat) => stream.send({ heartbeat: encodeHeartbeat(heartbeat) }),
      sendLeave: (error) => stream.send({ leave: encodeLeave(error) }),
      close: () => stream.close(),
    };
  }

  /**
   * Brings a computed node, whose payload must not change meanwhile.
   *
   * Throws  what the coordinator answers, COORDINATOR_UNREACHABLE, TIMEOUT or CANCELLED.
   */
  pushNode(session: string, node: NodeHeader, payload: NodePayload): Promise<PushOutcome> {
    const turn = this.#pushing.then(async () => {
      const reply = await this.#transport.pushNode(
        this.#call(`pushing step ${node.step}, leaves ${node.first}+${node.count}`),
        nodeChunks(session, node, payload, this.#limits.chunkBytes),
      );
      return decodeOutcome(reply);
    });
    this.#pushing = turn.catch(() => {});
    return turn;
  }

  /**
   * Fetches the parameters of a version from the value `first` on into `target`, which holds nothing useful if
   * this fails.
   *
   * Throws  STEP_STALE when that version is not there (any more, or yet); CHUNK_CORRUPT; NON_FINITE.
   */
  async pullParameters(
    session: string,
    wanted: ParametersId & { readonly first: number },
    target: Float32Array,
  ): Promise<void> {
    const { version } = wanted;
    const call = this.#call(`pulling parameter version ${version}`);
    const assembler = new ChunkAssembler(target, `parameters of version ${version}`);
    const chunks = this.#transport.pullParameters(call, { session, ...wanted });
    for await (const chunk of chunks) assembler.add(chunk);
    assembler.finish();
  }

  /**
   * Fetches samples, in the order asked.
   *
   * Throws  DATA_INVALID when the coordinator cannot read one of them; CHUNK_CORRUPT.
   */
  fetchSamples(
    session: string,
    split: Split,
    indices: readonly number[],
  ): AsyncIterable<EncodedSample> {
    const call = this.#call(`fetching ${indices.length} samples`);
    const request = { session, split: WIRE_SPLITS[split], indices: [...indices] };
    return assembleSamples(this.#transport.fetchSamples(call, request), split, indices);
  }

  /**
   * Fetches the features of samples; those that nobody has computed yet are left out.
   *
   * Throws  CHUNK_CORRUPT, MESSAGE_INVALID or NON_FINITE when what comes is not what was asked for.
   */
  async fetchFeatures(
    session: string,
    split: Split,
    indices: readonly number[],
    shape: FeatureShape,
  ): Promise<FeatureRow[]> {
    const call = this.#call(`fetching features of ${indices.length} samples`);
    const request = { session, split: WIRE_SPLITS[split], indices: [...indices] };
    const messages = this.#transport.fetchFeatures(call, request);
    const rows: FeatureRow[] = [];
    for await (const message of messages) rows.push(...decodeFeatures(message, shape));
    return rows;
  }

  /** Closes the connections; what is under way ends by itself. */
  close(): void {
    this.#transport.close();
  }

  #call(what: string): TransportCall {
    return { what, deadlineMs: this.#limits.rpcMs, signal: this.#line.signal };
  }
}

function newLine(): AbortController {
  const line = new AbortController();
  // Each sample that no cache holds is a call, and a leaf asks for all of its own: no leak, whatever Node thinks.
  setMaxListeners(0, line.signal);
  return line;
}

function tell(listener: SessionListener, message: CoordinatorMessage__Output): void {
  if (message.welcome) listener.onWelcome(decodeWelcome(message.welcome));
  else if (message.assignment) listener.onAssignment(decodeAssignment(message.assignment));
  else if (message.alive) listener.onAlive();
  else if (message.finish) listener.onFinish(decodeFinish(message.finish));
  else {
    throw new TesseraError('MESSAGE_INVALID', 'session: a message of no known kind');
  }
}

function* nodeChunks(
  session: string,
  node: NodeHeader,
  { gradient, features }: NodePayload,
  chunkBytes: number,
): Generator<NodeChunk> {
  yield { node: encodeNode(session, node) };
  for (const rows of encodeFeatures(features, chunkBytes)) yield { features: rows };
  if (gradient === undefined) return;
  for (const chunk of cutChunks(bytesOf(gradient), chunkBytes)) yield { chunk };
}

async function* assembleSamples(
  chunks: AsyncIterable<SampleChunk__Output>,
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
