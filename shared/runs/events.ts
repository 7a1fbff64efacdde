/** @file What a run tells those who watch it: the command line's progress and metrics.jsonl. */

import type { RunPhase } from '../core/work.ts';
import type { FoundSource } from '../data/found.ts';
import type { EvaluationReport, JudgingSplit, StepReport } from './progress.ts';

/** Where the time of one step went. Units  milliseconds; workers' figures are means over the workers. */
export interface StepTimings {
  readonly wallMs: number;
  readonly pullMs: number;
  readonly fetchMs: number;
  readonly computeMs: number;
  readonly pushMs: number;
  readonly idleMs: number;
  readonly sumMs: number;
  readonly optimizerMs: number;
  /** Time that the coordinator's thread was busy, serving included. */
  readonly coordinatorBusyMs: number;
}

/** Something that happened to a run. */
export type CoordinatorEvent =
  | ({ readonly type: 'data'; readonly sentence: string } & FoundSource)
  | ({ readonly type: 'step'; readonly timings: StepTimings } & StepReport)
  | ({
      readonly type: 'evaluation';
      readonly split: JudgingSplit;
      /** The newest version then; the one that was evaluated may be an earlier one, the best. */
      readonly atStep: number;
    } & EvaluationReport)
  /** The best version was to be tested, and has no checkpoint that can be read any more. */
  | { readonly type: 'bestGone'; readonly version: number; readonly reason: string }
  | {
      readonly type: 'checkpoint';
      readonly step: number;
      readonly folder: string;
      readonly bytes: number;
      readonly seconds: number;
      readonly parametersSha256: string;
      readonly givenUp?: string;
    }
  | { readonly type: 'checkpointFailed'; readonly step: number; readonly reason: string }
  | {
      readonly type: 'worker';
      readonly worker: string;
      readonly what: 'joined' | 'ready' | 'lost' | 'left';
      readonly reason: string;
      readonly workers: number;
    }
  | { readonly type: 'phase'; readonly phase: RunPhase; readonly reason: string }
  /** Nothing has been completed for a stated time, and why. Said again after growing pauses. */
  | { readonly type: 'stall'; readonly seconds: number; readonly sentence: string }
  /** Something was completed again, after so long. */
  | { readonly type: 'stallOver'; readonly seconds: number }
  /** A step none of whose samples could be read; said of the first one only. */
  | { readonly type: 'emptyStep'; readonly step: number }
  | { readonly type: 'badSample'; readonly name: string; readonly reason: string };

/** What is left of a run when it has ended well. */
export interface RunResult {
  readonly steps: number;
  readonly epochs: number;
  readonly testAccuracy: number;
  readonly testLoss: number;
  /** The version that was tested. */
  readonly testedStep: number;
  /** The best version, the split that it was chosen on, and its results there; NaN where nothing was evaluated. */
  readonly chosenOn: JudgingSplit;
  readonly bestStep: number;
  readonly bestAccuracy: number;
  readonly bestLoss: number;
  readonly parametersSha256: string;
  readonly seconds: number;
  readonly imagesPerSecond: number;
  /** Most workers that took part at one time. */
  readonly workers: number;
  readonly engine: string;
  readonly runFolder: string;
  readonly badSamples: number;
  /** Steps none of whose samples could be read. */
  readonly emptySteps: number;
}
