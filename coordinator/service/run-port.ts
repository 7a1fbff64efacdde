/** @file What the gRPC service needs of a running coordinator: the seam between the wire and the driver. */

import type { FeatureRow } from '../../shared/contract/feature-rows.ts';
import type { TesseraError } from '../../shared/core/errors.ts';
import type { ToldError } from '../../shared/core/verdict.ts';
import type { EncodedSample, Split } from '../../shared/data/source.ts';
import type { ArrivedNode, Assignment, PushOutcome } from '../core/messages.ts';
import type { WorkerTimings } from '../step/timings.ts';
import type { TransferKind } from './transfer-limit.ts';

/** What a coordinator tells a worker after its welcome. */
export type CoordinatorMessage =
  | { readonly type: 'assignment'; readonly assignment: Assignment }
  /** The answer to a heartbeat. */
  | { readonly type: 'alive' }
  /** The run is over, with an error or well. */
  | ({ readonly type: 'finish' } & ToldError);

/** The coordinator's end of one worker's session. */
export interface SessionHandle {
  /** Sends without waiting; a session that does not read is closed. */
  send(message: CoordinatorMessage): void;
  /** Ends the session, with the reason if it is a refusal; what was sent before still arrives. */
  close(error?: TesseraError): void;
}

/** A worker's wish to take part. */
export interface JoinRequest {
  readonly protocolVersion: number;
  /** A name for people; may be empty or taken. */
  readonly name: string;
  /** Random per process, the same over reconnects. */
  readonly instance: string;
  readonly engine: string;
  readonly host: string;
  readonly pid: number;
  /** Model that this worker has compiled already; empty on a first join. */
  readonly modelFingerprint: string;
}

/** Everything a worker needs to build the same program. */
export interface WelcomeInfo {
  readonly worker: string;
  readonly run: string;
  /** Secret of this session; whoever holds it may push and pull for the worker. */
  readonly session: string;
  readonly configJson: string;
  readonly modelFingerprint: string;
  readonly classes: readonly string[];
  readonly trainSamples: number;
  /** 0 for a run without a validation split. */
  readonly validationSamples: number;
  readonly testSamples: number;
  readonly heartbeatMs: number;
  /** A worker that hears nothing for so long takes the connection for dead. */
  readonly silenceMs: number;
  /** Which run this is, resumes included. */
  readonly runId: string;
  /** Which data set the run has, for those who read their own; '' where none does. */
  readonly dataJson: string;
}

/** A worker's sign of life. */
export interface Heartbeat {
  /** Sequence of the newest assignment that it has seen. */
  readonly assignment: number;
  readonly leavesOpen: number;
  /** The last error after which it tries again, while that is not over. */
  readonly error: Omit<ToldError, 'hint'>;
}

/** A node as its worker describes it. */
export interface NodeHeader extends ArrivedNode {
  /** Samples that could not be decoded and had weight 0. */
  readonly badSamples: readonly { readonly index: number; readonly reason: string }[];
  readonly timings: WorkerTimings;
}

/** What the run is doing now; the fields of the contract's StatusReply. */
export interface RunStatus {
  readonly run: string;
  /** waiting, training, evaluating, saving, done or failed. */
  readonly phase: string;
  readonly reason: string;
  readonly step: number;
  readonly stepsTotal: number;
  readonly epoch: number;
  readonly epochsTotal: number;
  readonly loss: number;
  readonly trainAccuracy: number;
  /** Of the last evaluation on the test split; NaN before the first. */
  readonly testAccuracy: number;
  readonly testLoss: number;
  /** Of the last evaluation on the validation split; NaN before the first, and without such a split. */
  readonly validationAccuracy: number;
  readonly validationLoss: number;
  readonly learningRate: number;
  readonly gradientNorm: number;
  readonly imagesPerSecond: number;
  readonly seconds: number;
  readonly etaSeconds: number;
  /** Of the newest parameters that were hashed, and their version. */
  readonly parametersSha256: string;
  readonly parametersVersion: number;
  readonly runFolder: string;
  readonly workers: readonly WorkerStatus[];
  readonly tesseraVersion: string;
  readonly badSamples: number;
  /** Why no step has completed for a while; '' while the run moves. */
  readonly stall: string;
  /** Code of the error that ended the run; '' for none. */
  readonly code: string;
}

/** A run that has been told to stop. */
export interface StoppingRun {
  readonly run: string;
  readonly runFolder: string;
  readonly step: number;
}

/** One worker in a status. */
export interface WorkerStatus {
  readonly worker: string;
  /** joining, idle, computing or lost. */
  readonly state: string;
  readonly engine: string;
  readonly host: string;
  readonly pid: number;
  readonly step: number;
  readonly leavesDone: number;
  readonly imagesPerSecond: number;
  readonly ageSeconds: number;
  readonly silentSeconds: number;
  /** The last error after which it tries again, as `CODE: sentence`; '' when all is well. */
  readonly lastError: string;
}

/**
 * A running coordinator. Everything it is given has been validated in form (types, ranges, lengths);
 * whether it fits the run is the coordinator's to judge. It refuses by throwing a TesseraError.
 */
export interface CoordinatorPort {
  /** Takes a worker in, or throws to refuse it. */
  join(request: JoinRequest, handle: SessionHandle): WelcomeInfo;
  /** The worker has compiled the model; throws to refuse it. */
  ready(worker: string, modelFingerprint: string, engine: string): void;
  heartbeat(worker: string, heartbeat: Heartbeat): void;
  /** The worker goes, because of a failure when `code` is not empty. */
  leave(worker: string, error: ToldError): void;
  /** The session's stream has ended, for any reason; called exactly once per successful `join`. */
  sessionClosed(session: string, reason: string): void;
  /** Throws  SESSION_UNKNOWN when no such session is open. */
  workerOf(session: string): string;
  /** Early answer, before the bulk travels: `accepted` means "send it". Counts nothing. */
  wanted(worker: string, node: ArrivedNode): PushOutcome;
  /** Bytes of a training node's gradient. */
  readonly gradientBytes: number;
  /** A node arrived whole; `gradient` belongs to the coordinator from here on, undefined for an evaluation. */
  nodeArrived(
    worker: string,
    node: NodeHeader,
    gradient: Float32Array | undefined,
  ): Promise<PushOutcome> | PushOutcome;
  /** A worker's pulls or pushes begin, or are over. */
  transferring(worker: string, kind: TransferKind, isUnderWay: boolean): void;
  /** Values of a sample's features. */
  readonly featureWidth: number;
  /** Features of samples came with a node. */
  featuresArrived(split: Split, rows: readonly FeatureRow[]): void;
  /** The features of a sample; undefined when nobody has computed them yet. */
  features(split: Split, index: number): FeatureRow | undefined;
  /**
   * The parameters of a version, or the moving average up to it. Asked again before each chunk is cut: once the vector may change
   * (in place, by the next step), this must throw, so that nobody receives a mixture of two versions.
   *
   * Throws  STEP_STALE when that version is not there (any more, or yet).
   */
  parameters(version: number, average: boolean): Float32Array;
  /** The memory that reading a sample will take; 0 for one that is in memory already. */
  sampleBytes(split: Split, index: number): Promise<number>;
  /** Throws  DATA_INVALID when the sample cannot be read. */
  sample(split: Split, index: number): Promise<EncodedSample>;
  /** What it does now; `watcher` is who will ask again, '' for one who asks once. */
  status(watcher?: string): RunStatus;
  /** An operator ends the run early; what is trained is saved once this has answered. */
  stopRun(reason: string, peer: string): StoppingRun;
}
