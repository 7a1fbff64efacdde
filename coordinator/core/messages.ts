/**
 * @file The words of the coordinator's core: what can happen to it and what it can ask for.
 *
 * The core sees "worker w finished leaves 4..8 of step 12, 32 samples", never a tensor. It counts in versions of the
 * parameters and in indices from 0: `stepIndex` makes version `stepIndex + 1`, which reports call step `stepIndex + 1`.
 * `epoch` is counted from 1, `epochIndex` from 0.
 */

import type { ArrivedNode, Assignment } from '../../shared/contract/messages.ts';
import type { ErrorReport } from '../../shared/core/error-report.ts';
import type { JudgingKind, LeafRange, NodeTotals, RunPhase } from '../../shared/core/work.ts';
import type { Failure } from './failures.ts';

/** Leaves that a worker is to compute. */
export interface HeldWork {
  readonly leaves: readonly LeafRange[];
  /** Its last sign of progress. */
  readonly sinceMs: number;
}

/** Events of the run; the driver passes them to the core, with the time. */
export type CoreEvent =
  /** A worker has built the model and can take work; again after a reconnect. */
  | {
      readonly type: 'workerReady';
      readonly worker: string;
      /** Leaves that it computes at the same time; 1 unless given. */
      readonly slots?: number;
    }
  | {
      readonly type: 'heartbeat';
      readonly worker: string;
      /** Sequence of the newest assignment that it has seen. */
      readonly assignment: number;
      readonly leavesOpen: number;
    }
  | {
      readonly type: 'workerGone';
      readonly worker: string;
      /** The error that it left with, where that is about the run. */
      readonly failure?: Failure;
    }
  | { readonly type: 'nodeArrived'; readonly worker: string; readonly node: ArrivedNode }
  /** The optimizer made version `stepIndex + 1` from the sum of that step. */
  | { readonly type: 'stepApplied'; readonly stepIndex: number }
  | { readonly type: 'checkpointWritten'; readonly version: number }
  /** A version that was asked for can be pulled, or cannot be had any more. */
  | { readonly type: 'versionRestored'; readonly version: number; readonly isThere: boolean }
  | {
      readonly type: 'tick';
      /** Workers that are connected, ready or not. */
      readonly numConnected?: number;
    };

/** What the core asks of the driver, performed in order; a later effect may rely on an earlier one being durable. */
export type CoreEffect =
  | {
      readonly type: 'assign';
      readonly worker: string;
      readonly assignment: Assignment;
      /** Why it is sent now, for the log. */
      readonly reason: string;
    }
  /** The root of the sum is there: average over `samples`, clip, step the optimizer; answer `stepApplied`. */
  | {
      readonly type: 'applyStep';
      readonly stepIndex: number;
      readonly epoch: number;
      readonly totals: NodeTotals;
    }
  /** Write version `version` durably; answer `checkpointWritten`. */
  | { readonly type: 'saveCheckpoint'; readonly version: number }
  /** Make an older version, which has a checkpoint, one that can be pulled; answer `versionRestored`. */
  | { readonly type: 'restoreVersion'; readonly version: number }
  | ({ readonly type: 'reportEvaluation' } & Evaluated)
  | { readonly type: 'dropWorker'; readonly worker: string; readonly reason: string }
  /** The phase, or the reason for it, changed. */
  | { readonly type: 'phaseChanged'; readonly phase: RunPhase; readonly reason: string }
  /** The run cannot continue: every worker must leave, with the reason. */
  | { readonly type: 'fail'; readonly error: ErrorReport }
  /** The run is over; every worker must leave. */
  | { readonly type: 'finish' };

/** The event of one type. */
export type CoreEventOf<Type extends CoreEvent['type']> = Extract<CoreEvent, { type: Type }>;

/** A finished evaluation. */
export interface Evaluated {
  readonly kind: JudgingKind;
  /** The version that was judged. */
  readonly version: number;
  /** The newest version when it was. */
  readonly newest: number;
  readonly epoch: number;
  readonly totals: NodeTotals;
  /** It is better than all that the run has chosen among before; the earlier one wins a tie. */
  readonly isBest: boolean;
}

/** What the core must know of a run, all of it fixed from the start. */
export interface RunPlan {
  readonly epochs: number;
  readonly trainSamples: number;
  /** 0: the best version is chosen on the test samples. */
  readonly validationSamples: number;
  readonly testSamples: number;
  readonly batchSize: number;
  readonly microBatch: number;
  readonly evaluateEveryEpochs: number;
  /** Epochs without a better evaluation after which the run ends; 0: never. */
  readonly earlyStopping: number;
  readonly checkpointEverySteps: number;
  readonly checkpointEveryEpochs: number;
  readonly minWorkers: number;
  readonly silenceMs: number;
  readonly leaseMs: number;
  /** Send an assignment again when no heartbeat has shown it within this time. */
  readonly remindMs: number;
}
