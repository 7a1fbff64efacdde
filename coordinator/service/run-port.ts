/** @file What the gRPC service needs of a running coordinator: the seam between the wire and the driver. */

import type {
  ArrivedNode,
  Heartbeat,
  JoinRequest,
  Leave,
  NodeHeader,
  PushOutcome,
  Ready,
  WelcomeInfo,
} from '../../shared/contract/messages.ts';
import type { RunStatus, StoppingRun } from '../../shared/contract/status.ts';
import type { ValueType } from '../../shared/core/floats.ts';
import type { DataSource } from '../../shared/data/source.ts';
import type { ExecutableKeeper } from '../executables/keeper.ts';
import type { FeatureStore } from '../step/features.ts';
import type { SessionHandle, TransferKind } from '../workers/sessions.ts';

/** What workers fetch of a run's data. */
export interface RunData {
  readonly source: Pick<DataSource, 'size' | 'label' | 'bytes' | 'read'>;
  readonly features: FeatureStore;
}

/**
 * A running coordinator. Everything it is given has been validated in form (types, ranges, lengths);
 * whether it fits the run is the coordinator's to judge. It refuses by throwing a TesseraError.
 */
export interface CoordinatorPort {
  /** Takes a worker in, or throws to refuse it. */
  join(request: JoinRequest, handle: SessionHandle): WelcomeInfo;
  /** The worker has compiled the model; throws to refuse it. */
  ready(worker: string, ready: Ready): void;
  heartbeat(worker: string, heartbeat: Heartbeat): void;
  /** The worker goes, because of a failure when `code` is not empty. */
  leave(worker: string, leave: Leave): void;
  /** The session's stream has ended, for any reason; called exactly once per successful `join`. */
  sessionClosed(session: string, reason: string): void;
  /** Throws  SESSION_UNKNOWN when no such session is open. */
  workerOf(session: string): string;
  /** The outcome of a node, before its bulk travels: `accepted` means "send it". Changes nothing. */
  judge(node: ArrivedNode): PushOutcome;
  /** Values of a training node's gradient. */
  readonly gradientLength: number;
  /** What its values are, in this run. */
  readonly gradientType: ValueType;
  /** A vector for a gradient to arrive in; its values are anything. */
  takeGradient(): Float32Array;
  /** The vector is not read or written from here on. */
  giveBack(gradient: Float32Array): void;
  /** A node arrived whole; `gradient` belongs to the coordinator from here on, undefined for an evaluation. */
  nodeArrived(
    worker: string,
    node: NodeHeader,
    gradient: Float32Array | undefined,
  ): Promise<PushOutcome> | PushOutcome;
  /** A worker's pulls or pushes begin, or are over. */
  transferring(worker: string, kind: TransferKind, isUnderWay: boolean): void;
  /** Waits until the next version is there, if it is that one, for so long at most; a worker has one such wait at a time. */
  versionToCome(worker: string, version: number, waitMs: number): Promise<void>;
  /**
   * The parameters of a version, or the moving average up to it. Asked again before each chunk is cut: once the vector may change
   * (in place, by the next step), this must throw, so that no worker receives a mixture of two versions.
   *
   * Throws  STEP_STALE when that version is not there (any more, or yet).
   */
  parameters(version: number, average: boolean): Float32Array;
  /** The newest parameters as bfloat16, made once a version; undefined when that version is another. */
  rounded(version: number): Promise<Uint16Array | undefined>;
  /** The samples of the run, and the features that were computed of them. */
  readonly data: RunData;
  /** The compiled programs that the run keeps for all workers. */
  readonly executables: Pick<ExecutableKeeper, 'find' | 'begin' | 'release'>;
  /** What it does now; `watcher` is who will ask again, '' for one who asks once. */
  status(watcher?: string): RunStatus;
  /** An operator ends the run early; the run is saved once this has returned. */
  stopRun(reason: string, peer: string): StoppingRun;
}
