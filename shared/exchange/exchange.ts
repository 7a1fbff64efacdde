/**
 * @file Vectors, samples and features between a worker and its coordinator: both ends, whatever carries them.
 *
 * A transport moves bits unchanged and refuses what it cannot: `test/support/exchange-conformance.ts` is what each of
 * them must pass.
 */
import type { FeatureRow, FeatureShape } from '../contract/feature-rows.ts';
import type {
  ExecutableId,
  ExecutablePushed,
  ExecutableState,
  ExecutableSum,
  NodeHeader,
  ParametersRange,
  PushOutcome,
  SharedMemory,
} from '../contract/messages.ts';
import type { Split } from '../core/work.ts';
import type { EncodedSample } from '../data/source.ts';

/** What a node brings besides its header. */
export interface NodePayload {
  /** Undefined for an evaluation. */
  readonly gradient: Float32Array | undefined;
  /** Features that were computed for its samples. */
  readonly features: readonly FeatureRow[];
}

/** The limits of a config that both ends of an exchange keep. */
export interface ExchangeLimits {
  /** Largest single message. */
  readonly messageBytes: number;
  /** Payload of one chunk. */
  readonly chunkBytes: number;
  /** Deadline of one transfer. Units  milliseconds. */
  readonly rpcMs: number;
  /** Largest compiled program that is taken in. */
  readonly executableBytes: number;
}

/** A compiled program that was fetched, or what is to be done without it. */
export type FetchedExecutable =
  | { readonly outcome: 'kept'; readonly bytes: Uint8Array }
  | Exclude<ExecutableState, { readonly outcome: 'kept' }>;

/** The worker's end, for one session. Every transfer has a deadline: TIMEOUT. */
export interface Exchange {
  /**
   * Brings a computed node, whose payload must not change meanwhile.
   *
   * Throws  what the coordinator refuses it with, COORDINATOR_UNREACHABLE, TIMEOUT or CANCELLED.
   */
  pushNode(node: NodeHeader, payload: NodePayload): Promise<PushOutcome>;
  /**
   * Fetches parameters into `target`, which holds nothing useful if this fails.
   *
   * Throws  STEP_STALE when that version is not there (any more, or yet); CHUNK_CORRUPT; NON_FINITE.
   */
  pull(wanted: ParametersRange, target: Float32Array): Promise<void>;
  /**
   * Fetches samples, in the order asked.
   *
   * Throws  DATA_INVALID when the coordinator cannot read one of them; CHUNK_CORRUPT.
   */
  fetchSamples(split: Split, indices: readonly number[]): AsyncIterable<EncodedSample>;
  /**
   * Fetches the features of samples; those that were not computed yet are left out.
   *
   * Throws  CHUNK_CORRUPT, MESSAGE_INVALID or NON_FINITE when what comes is not what was asked for.
   */
  fetchFeatures(
    split: Split,
    indices: readonly number[],
    shape: FeatureShape,
  ): Promise<FeatureRow[]>;
  /**
   * Fetches a compiled program.
   *
   * Throws  CHUNK_CORRUPT when what comes is not what its SHA-256 says; MESSAGE_INVALID; PROTOCOL_MISMATCH from a
   *         coordinator that knows no executables.
   */
  fetchExecutable(id: ExecutableId): Promise<FetchedExecutable>;
  /** Brings a compiled program, or reports that it is not compiled here after all. Throws  as `fetchExecutable` does. */
  pushExecutable(id: ExecutableId, bytes: Uint8Array | undefined): Promise<ExecutablePushed>;
  /** Closes the connection; transfers under way end by themselves. */
  close(): void;
}

/** What an exchange is opened with. */
export interface ExchangeSettings {
  /** Secret of the session. */
  readonly session: string;
  readonly limits: ExchangeLimits;
  /** Memory that the coordinator offers for this session. */
  readonly memory?: SharedMemory | undefined;
  /** Ports of its host that take ranges of large vectors. */
  readonly lanes?: readonly number[] | undefined;
  /** Ends the transfers under way, and those that are begun later: CANCELLED. */
  readonly signal: AbortSignal;
}

/** Opens the worker's end for a session. */
export type OpenExchange = (settings: ExchangeSettings) => Exchange;

/** A node on its way in. */
export interface IncomingNode {
  /** Receives the gradient, of values as the header says; undefined for an evaluation. */
  readonly gradient: Float32Array | undefined;
  addFeatures(rows: readonly FeatureRow[]): void;
  /** All of it has arrived and was checked. */
  finish(): Promise<PushOutcome> | PushOutcome;
  /** The transfer is over, finished or not. */
  end(): void;
}

/** Parameters on their way out. */
export interface OutgoingParameters {
  readonly values: Float32Array;
  /** The same as bfloat16, where that was asked for and the host keeps them so. */
  readonly rounded?: Uint16Array | undefined;
  /** Throws  STEP_STALE once the values may have changed: no more of them may be sent. */
  confirm(): void;
  /** The transfer is over, finished or not. */
  end(): void;
}

/** An executable on its way in. */
export interface IncomingExecutable {
  /** Receives it. */
  readonly bytes: Uint8Array;
  /** All of it has arrived and was checked. */
  finish(): Promise<ExecutablePushed>;
  /** The transfer is over, finished or not. */
  end(): void;
}

/** An executable on its way out, or what the worker is to do without it. */
export type OutgoingExecutable =
  | ({
      readonly outcome: 'kept';
      readonly contents: Uint8Array;
      /** The transfer is over, finished or not. */
      end(): void;
    } & ExecutableSum)
  | Exclude<ExecutableState, { readonly outcome: 'kept' }>;

/** The coordinator's end, which a transport calls. Fields were checked in form; the host judges whether they fit the run. */
export interface ExchangeHost {
  /** Samples of each split. */
  readonly splitSizes: Readonly<Record<Split, number>>;
  /** Values of a sample's features. */
  readonly featureWidth: number;
  /** Throws  SESSION_UNKNOWN when no such session is open. */
  workerOf(session: string): string;
  /** Takes a node whose bulk is still to come, or says why the bulk is not needed. Throws  TIMEOUT when there are too many. */
  beginPush(worker: string, node: NodeHeader): IncomingNode | Exclude<PushOutcome, 'accepted'>;
  /**
   * Waits for the next version where the pull says so.
   *
   * Throws  STEP_STALE, MESSAGE_INVALID; TIMEOUT when there are too many.
   */
  beginPull(
    worker: string,
    wanted: ParametersRange,
  ): OutgoingParameters | Promise<OutgoingParameters>;
  /** Reads samples in the order asked, bounded for each worker. Throws  DATA_INVALID. */
  readSamples(
    worker: string,
    split: Split,
    indices: readonly number[],
  ): AsyncIterable<EncodedSample>;
  /** The features of samples, of those that were computed. */
  findFeatures(split: Split, indices: readonly number[]): FeatureRow[];
  /** A worker asks for an executable. */
  findExecutable(worker: string, id: ExecutableId): Promise<OutgoingExecutable>;
  /** Takes an executable whose bytes are still to come, or says why they are not needed. Throws  TIMEOUT when there are too many. */
  beginExecutable(
    worker: string,
    id: ExecutableId,
    sum: ExecutableSum,
  ): Promise<IncomingExecutable | ExecutablePushed>;
  /** A worker does not compile an executable after all. */
  releaseExecutable(worker: string, id: ExecutableId): void;
}
