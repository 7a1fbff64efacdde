/** @file What the contract says of a run and its workers: the fields of StatusReply, and of a stop. */
import type { LeafRange } from '../core/work.ts';

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
  /** The coordinator's main thread: its longest delay since it listens, and what 99 of 100 are below. Units  milliseconds. */
  readonly delayMaxMs: number;
  readonly delayUsualMs: number;
  /** Its threads for sums and optimizer steps. */
  readonly reducers: number;
  /** Alarms that have begun and are not over, each as `NAME: SENTENCE`. */
  readonly alarms: readonly string[];
  /** Which worker the others wait for, as a sentence; '' while nothing is late. */
  readonly waitingFor: string;
  /** What the deaths of workers and coordinators have cost so far, as a sentence; '' while there were none. */
  readonly disturbances: string;
}

/** A run that is being stopped. */
export interface StoppingRun {
  readonly run: string;
  readonly runFolder: string;
  readonly step: number;
}

/** One worker in a status. */
export interface WorkerStatus {
  readonly worker: string;
  /** joining, idle or computing. */
  readonly state: string;
  readonly engine: string;
  readonly host: string;
  readonly pid: number;
  readonly step: number;
  readonly leavesDone: number;
  /** Over its last steps. */
  readonly imagesPerSecond: number;
  readonly ageSeconds: number;
  readonly silentSeconds: number;
  /** The last error after which it tries again, as `CODE: sentence`; '' when all is well. */
  readonly lastError: string;
  /** Its devices and their memory; '' and 0 where that is unknown. */
  readonly deviceKind: string;
  readonly deviceCount: number;
  readonly deviceBytes: number;
  readonly deviceBytesPeak: number;
  /** Over its last steps; null before its first one. */
  readonly shares: TimeShares | null;
  /** Its time for an image, as a multiple of the median of the other workers; NaN where there is nothing to compare. */
  readonly paceRatio: number;
  /** Resident memory of its process; 0 if unknown. */
  readonly memoryBytes: number;
  /** Leaves of the open round that it holds. */
  readonly held: readonly LeafRange[];
  /** Why it counts as slow; '' if it does not. */
  readonly slow: string;
}

/** Shares of a worker's time; their sum is 1. */
export interface TimeShares {
  readonly pull: number;
  readonly fetch: number;
  readonly compute: number;
  readonly push: number;
  readonly idle: number;
}
