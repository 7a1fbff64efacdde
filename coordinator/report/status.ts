/** @file The answer to "what is the run doing now?", for the status call and the progress display. */

import type { RunStatus, WorkerStatus } from '../../shared/contract/messages.ts';
import type { TesseraError } from '../../shared/core/errors.ts';
import type { SavedCheckpoint } from '../../shared/runs/checkpoint/checkpointer.ts';
import type { RunIdentity } from '../../shared/runs/identity.ts';
import type { Run } from '../core/run.ts';
import type { RunProgress } from '../step/progress.ts';
import type { ConnectedWorker, Sessions } from '../workers/sessions.ts';
import type { Delays } from './delays.ts';

/** What a status is read from. */
export interface StatusSources {
  readonly run: Run;
  readonly progress: RunProgress;
  readonly identity: RunIdentity;
  readonly sessions: Sessions;
  readonly nowMs: number;
  readonly saved: SavedCheckpoint | undefined;
  readonly version: number;
  readonly badSamples: number;
  /** Why nothing moves; '' while the run moves. */
  readonly stall: string;
  /** Why the run ended early. */
  readonly failure: TesseraError | undefined;
  readonly delays: Delays;
  readonly reducers: number;
}

/** Describes a run at one moment. */
export function describeStatus(sources: StatusSources): RunStatus {
  const { run, progress, identity, sessions, nowMs, saved, version } = sources;
  const { loss, accuracy } = progress.smoothed;
  return {
    run: identity.config.name,
    phase: sources.failure === undefined ? run.phase : 'failed',
    reason: sources.failure?.sentence ?? run.reason,
    code: sources.failure?.code ?? '',
    step: version,
    stepsTotal: run.totalSteps,
    epoch: run.epochOf(version),
    epochsTotal: identity.config.training.epochs,
    loss,
    trainAccuracy: accuracy,
    testAccuracy: progress.lastOn('test')?.accuracy ?? Number.NaN,
    testLoss: progress.lastOn('test')?.loss ?? Number.NaN,
    validationAccuracy: progress.lastOn('validation')?.accuracy ?? Number.NaN,
    validationLoss: progress.lastOn('validation')?.loss ?? Number.NaN,
    learningRate: progress.last?.learningRate ?? Number.NaN,
    gradientNorm: progress.last?.gradientNorm ?? Number.NaN,
    imagesPerSecond: progress.last?.imagesPerSecond ?? Number.NaN,
    seconds: progress.seconds(nowMs),
    etaSeconds: progress.etaSeconds(run.totalSteps - version),
    parametersSha256: saved?.parametersSha256 ?? '',
    parametersVersion: saved?.step ?? 0,
    runFolder: identity.runFolder,
    workers: sessions.all().map((known) => describeWorker(known, run, nowMs)),
    tesseraVersion: identity.tesseraVersion,
    badSamples: sources.badSamples,
    stall: sources.failure === undefined ? sources.stall : '',
    ...sources.delays,
    reducers: sources.reducers,
  };
}

function describeWorker(known: ConnectedWorker, run: Run, nowMs: number): WorkerStatus {
  const ageSeconds = (nowMs - known.joinedMs) / 1000;
  const holdsWork = run.heldBy(known.worker) !== undefined;
  return {
    worker: known.worker,
    state: known.ready ? (holdsWork ? 'computing' : 'idle') : 'joining',
    engine: known.engine,
    host: known.host,
    pid: known.pid,
    step: run.version,
    leavesDone: known.leavesDone,
    imagesPerSecond: known.samplesDone / Math.max(ageSeconds, 0.001),
    ageSeconds,
    silentSeconds: (nowMs - known.lastMessageMs) / 1000,
    lastError: errorText(known),
    deviceKind: known.devices?.kind ?? '',
    deviceCount: known.devices?.count ?? 0,
    deviceBytes: known.devices?.bytesInUse ?? 0,
    deviceBytesPeak: known.devices?.bytesPeak ?? 0,
  };
}

/** A worker's last error in a line; '' where it has none. */
export function errorText({ lastError: { code, reason } }: ConnectedWorker): string {
  return code === '' ? '' : `${code}: ${reason}`;
}
