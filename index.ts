/**
 * @file The public interface of Tessera: what programs import from `tessera-train`. docs/api.md explains it.
 *
 * Nothing here writes to the console, ends the process or installs handlers. What is wrong is thrown as a `TesseraError`.
 */

// Before all else: ONNX Runtime, which the others load, must report nothing to its makers.
import './shared/compute/telemetry.ts';
import type { RunConfigInput } from './shared/config/schema.ts';
import { RUNS_FOLDER } from './shared/runs/layout.ts';
import { type RunRecord, readRun as readRunFolder, readRuns } from './shared/runs/reader/read.ts';

export type { LaunchNotice } from './launch/launcher.ts';
export { type Run, type TrainOptions, train } from './launch/train.ts';
export type { RunConfig, RunConfigInput } from './shared/config/schema.ts';
export { type ErrorCode, TesseraError } from './shared/core/errors.ts';
export type { Split } from './shared/core/work.ts';
export type { DataSource, EncodedSample } from './shared/data/source.ts';
export type { RunResult, TimedEvent } from './shared/runs/events.ts';
export type { RunObserver } from './shared/runs/observer.ts';
export type { RunMetrics } from './shared/runs/reader/metrics.ts';
export type { RunRecord } from './shared/runs/reader/read.ts';
export type { ClassReport } from './tools/inference/confusion.ts';
export type { EvaluateOptions, Evaluation, Mistake } from './tools/inference/evaluate.ts';
export type { Image, RawImage } from './tools/inference/images.ts';
export {
  type Model,
  type OpenOptions,
  openModel,
  type Prediction,
} from './tools/inference/model.ts';
export type { Guess } from './tools/inference/top-classes.ts';

/**
 * Gives a config its type, so that an editor completes and checks it.
 *
 * @example
 * export default defineConfig({
 *   name: 'digits',
 *   data: { source: 'mnist', channels: 1 },
 *   model: { imageSize: 28, patchSize: 7, width: 64, depth: 4, heads: 4 },
 *   training: { epochs: 1, batchSize: 128, microBatch: 32, optimizer: { learningRate: 1e-3 } },
 * });
 */
export function defineConfig(config: RunConfigInput): RunConfigInput {
  return config;
}

/**
 * Reads one run folder: its state, config, steps, evaluations and checkpoints. What cannot be read is in `faults`.
 *
 * Throws  TesseraError: DATA_INVALID when the folder is not there.
 */
export async function readRun(folder: string): Promise<RunRecord> {
  return await readRunFolder(folder);
}

/**
 * Reads all runs of a folder, the newest first; of the steps of each only the last.
 *
 * Throws  TesseraError: DATA_INVALID when the folder of runs cannot be read.
 */
export async function listRuns(folder: string = RUNS_FOLDER): Promise<readonly RunRecord[]> {
  return await readRuns(folder);
}
