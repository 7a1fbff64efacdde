/** @file The answer to "what is the run doing now?", for the status call and the progress display. */

import type { RunStatus, WorkerStatus } from '../../shared/contract/status.ts';
import type { TesseraError } from '../../shared/core/errors.ts';
import type { SavedCheckpoint } from '../../shared/runs/checkpoint/checkpointer.ts';
import type { RunIdentity } from '../../shared/runs/identity.ts';
import { spotTexts } from '../../shared/runs/spot/text.ts';
import { isDisturbed, type SpotReport } from '../../shared/runs/spot.ts';
import type { Run } from '../core/run.ts';
import type { RunProgress } from '../step/progress.ts';
import type { ConnectedWorker, Sessions } from '../workers/sessions.ts';
import type { Delays } from './delays.ts';
import type { WorkerWatch } from './worker-watch.ts';

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
  readonly watch: WorkerWatch;
  /** Why the run ended early. */
  readonly failure: TesseraError | undefined;
  readonly delays: Delays;
  readonly alarms: readonly string[];
  readonly reducers: number;
  /** What has happened to the run beside training. */
  readonly spot: SpotReport;
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
    workers: sessions.all().map((known) => describeWorker(known, sources)),
    tesseraVersion: identity.tesseraVersion,
    badSamples: sources.badSamples,
    stall: sources.failure === undefined ? sources.stall : '',
    waitingFor: sources.failure === undefined ? sources.watch.waitingFor : '',
    alarms: sources.alarms,
    ...sources.delays,
    reducers: sources.reducers,
    disturbances: isDisturbed(sources.spot) ? spotTexts(sources.spot)[0] : '',
  };
}

function describeWorker(
  known: ConnectedWorker,
  { run, nowMs, watch }: StatusSources,
): WorkerStatus {
  const ageSeconds = (nowMs - known.joinedMs) / 1000;
  const held = run.heldBy(known.worker);
  const pace = watch.paceOf(known.worker);
  return {
    worker: known.worker,
    state: known.ready ? (held !== undefined ? 'computing' : 'idle') : 'joining',
    engine: known.engine,
    host: known.host,
    pid: known.pid,
    step: run.version,
    leavesDone: known.leavesDone,
    imagesPerSecond: pace.imagesPerSecond,
    ageSeconds,
    silentSeconds: (nowMs - known.lastMessageMs) / 1000,
    lastError: errorText(known),
    deviceKind: known.devices?.kind ?? '',
    deviceCount: known.devices?.count ?? 0,
    deviceBytes: known.devices?.bytesInUse ?? 0,
    deviceBytesPeak: known.devices?.bytesPeak ?? 0,
    shares: Number.isNaN(pace.shares.compute) ? null : pace.shares,
    paceRatio: pace.ratio,
    memoryBytes: known.memoryBytes,
    held: held?.leaves ?? [],
    slow: watch.whySlow(known.worker),
  };
}

/** A worker's last error in a line; '' where it has none. */
export function errorText({ lastError: { code, reason } }: ConnectedWorker): string {
  return code === '' ? '' : `${code}: ${reason}`;
}
