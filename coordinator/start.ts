/** @file Builds a coordinator out of its parts and keeps it going until the run has ended. */
import { createRequire } from 'node:module';
import { canonicalJson, identityJson, modelFingerprint } from '../shared/config/fingerprint.ts';
import type { LoadedConfig } from '../shared/config/load.ts';
import { programSpec } from '../shared/config/program.ts';
import { checkAgainstData, resolveModel } from '../shared/config/rules.ts';
import type { RunConfig } from '../shared/config/schema.ts';
import { systemClock } from '../shared/core/clock.ts';
import { TesseraError } from '../shared/core/errors.ts';
import { openDataSource } from '../shared/data/open.ts';
import type { DataSource } from '../shared/data/source.ts';
import type { Logger } from '../shared/host/log.ts';
import { frozenSize, parameterTable } from '../shared/model/parameters.ts';
import type { ModelConfig } from '../shared/model/variants.ts';
import { Checkpointer } from './checkpointer.ts';
import { type LoadedCheckpoint, newestGoodCheckpoint } from './checkpoints.ts';
import type { RunPlan } from './core/messages.ts';
import { Run } from './core/run.ts';
import { CoordinatorDriver } from './driver.ts';
import type { CoordinatorEvent, RunResult } from './events.ts';
import { firstParameters } from './first-parameters.ts';
import { ParameterStore } from './parameters.ts';
import type { RunStatus } from './port.ts';
import { RunProgress } from './progress.ts';
import { createRunFolder, describeRun, MetricsFile } from './run-folder.ts';
import { serveCoordinator } from './service.ts';

/** What a run is: the same for its whole life, resumes included. */
export interface RunIdentity {
  readonly config: RunConfig;
  readonly model: ModelConfig;
  /** The config as workers get it. */
  readonly configJson: string;
  readonly modelFingerprint: string;
  /** Everything that decides the numbers of the run, as canonical JSON. */
  readonly identityJson: string;
  readonly runFolder: string;
  readonly tesseraVersion: string;
}

/** What a coordinator is started with. */
export interface StartOptions {
  readonly loaded: LoadedConfig;
  /** Address to listen on, instead of the config's. */
  readonly listen?: string | undefined;
  /** Folder of a new run, instead of runs/NAME-TIME. */
  readonly runFolder?: string | undefined;
  /** Folder of a run to go on with. */
  readonly resume?: string | undefined;
  readonly log: Logger;
  /** Ends the run early, what is trained being saved. */
  readonly signal: AbortSignal;
  readonly onEvent: (event: CoordinatorEvent) => void;
}

/** A coordinator that runs. */
export interface RunningCoordinator {
  readonly address: string;
  readonly runFolder: string;
  status(): RunStatus;
  /** Settles when the run is over and the port closed; rejects with the reason if it failed. */
  readonly finished: Promise<RunResult>;
}

/** How often the core hears that time has passed. */
const TICK_MS = 100;
/** How long workers have to leave once the run is over. */
const FAREWELL_MS = 5000;

/**
 * Opens the data, makes or resumes the run, and listens.
 *
 * Throws  CONFIG_INVALID, DATA_INVALID, CANNOT_WRITE, CHECKPOINT_MISMATCH, PORT_IN_USE.
 */
export async function startCoordinator(options: StartOptions): Promise<RunningCoordinator> {
  const { loaded, log } = options;
  const { config } = loaded;
  const source = await openDataSource(config.data, {
    seed: config.seed,
    baseFolder: loaded.baseFolder,
  });
  checkAgainstData(config, source.size);
  const runFolder = options.resume ?? (await createRunFolder(config.name, options.runFolder));
  const identity = identify(config, source, runFolder);
  const resumed = options.resume === undefined ? undefined : await findCheckpoint(identity, log);
  const parameters =
    resumed?.parameters ?? (await firstParameters(config, identity.model, loaded.baseFolder));
  const parts = assemble(identity, source, parameters, resumed);
  const ended = settleLater();
  const metrics = new MetricsFile(runFolder, (error) => log.error({ err: error }, 'no metrics'));
  const onEvent = (event: CoordinatorEvent) => {
    metrics.append({ time: new Date().toISOString(), ...event });
    options.onEvent(event);
  };
  const driver = new CoordinatorDriver({ ...parts, log, onEvent, onEnd: ended.settle });
  const server = await serveCoordinator(driver, log, {
    listen: options.listen ?? config.cluster.listen,
    limits: config.limits,
  });
  await describeRun(runFolder, identity.configJson, server.address);
  const stopTicking = systemClock.every(TICK_MS, () => driver.tick());
  const onAbort = () => void driver.stop(TesseraError.from(options.signal.reason, 'CANCELLED'));
  if (options.signal.aborted) onAbort();
  options.signal.addEventListener('abort', onAbort, { once: true });
  const finished = ended.promise
    .finally(async () => {
      stopTicking();
      await server.stop(FAREWELL_MS);
      await metrics.flush();
    })
    .then(() => resultOf(driver.status(), driver));
  // The caller may look later; meanwhile a failure is no unhandled rejection.
  finished.catch(() => {});
  return { address: server.address, runFolder, status: () => driver.status(), finished };
}

function settleLater() {
  let settle!: (error: TesseraError | undefined) => void;
  const promise = new Promise<void>((resolve, reject) => {
    settle = (error) => (error === undefined ? resolve() : reject(error));
  });
  return { promise, settle };
}

function identify(config: RunConfig, source: DataSource, runFolder: string): RunIdentity {
  const model = resolveModel(config, source.classes.length);
  const fingerprint = modelFingerprint(programSpec(config, model));
  const { version } = createRequire(import.meta.url)('#package.json') as { version: string };
  return {
    config,
    model,
    configJson: canonicalJson(config),
    modelFingerprint: fingerprint,
    identityJson: identityJson(config, {
      modelFingerprint: fingerprint,
      trainSamples: source.size.train,
      testSamples: source.size.test,
      classes: source.classes,
    }),
    runFolder,
    tesseraVersion: version,
  };
}

/**
 * The newest good checkpoint of a run to resume; a run that was killed before its first begins anew.
 *
 * Throws  CHECKPOINT_CORRUPT when there are checkpoints but none is whole: days of training are not
 *         begun again in silence.
 */
async function findCheckpoint(
  identity: RunIdentity,
  log: Logger,
): Promise<LoadedCheckpoint | undefined> {
  const { checkpoint, skipped } = await newestGoodCheckpoint(identity.runFolder, {
    table: parameterTable(identity.model),
    frozen: frozenSize(identity.model, identity.config.model.freeze),
    identityJson: identity.identityJson,
  });
  for (const { folder, reason } of skipped)
    log.warn({ folder, reason }, 'damaged checkpoint skipped');
  if (checkpoint === undefined && skipped[0] !== undefined) {
    const { folder, reason } = skipped[0];
    throw new TesseraError(
      'CHECKPOINT_CORRUPT',
      `none of the ${skipped.length} checkpoints is whole; the newest, ${folder}: ${reason}`,
      { hint: `bring one back from a copy, or start a new run without --resume` },
    );
  }
  log.info({ step: checkpoint?.step ?? 0, folder: checkpoint?.folder }, 'resuming');
  return checkpoint;
}

function assemble(
  identity: RunIdentity,
  source: DataSource,
  parameters: Float32Array,
  resumed: LoadedCheckpoint | undefined,
) {
  const { config, model, runFolder } = identity;
  const clock = systemClock;
  const version = resumed?.step ?? 0;
  const progress = new RunProgress(clock.nowMs(), resumed?.progress);
  const store = new ParameterStore({
    table: parameterTable(model),
    config: config.training.optimizer,
    frozen: frozenSize(model, config.model.freeze),
    averageDecay: config.training.averageDecay,
    parameters,
    ...(resumed === undefined ? {} : { state: resumed.state, average: resumed.average }),
    version,
  });
  const checkpointer = new Checkpointer({
    runFolder,
    identityJson: identity.identityJson,
    metadata: { model, classes: source.classes, config },
    keep: config.checkpoint.keep,
    progress,
    clock,
    lastSaved: resumed,
  });
  const run = new Run(planOf(config, source), { version });
  return { identity, run, store, source, checkpointer, progress, clock };
}

function planOf(config: RunConfig, source: DataSource): RunPlan {
  const { training, evaluation, checkpoint, cluster } = config;
  return {
    epochs: training.epochs,
    trainSamples: source.size.train,
    testSamples: source.size.test,
    batchSize: training.batchSize,
    microBatch: training.microBatch,
    evaluateEveryEpochs: evaluation.everyEpochs,
    checkpointEverySteps: checkpoint.everySteps,
    checkpointEveryEpochs: checkpoint.everyEpochs,
    minWorkers: cluster.minWorkers,
    silenceMs: cluster.silenceMs,
    leaseMs: cluster.leaseMs,
    remindMs: 2 * cluster.heartbeatMs,
  };
}

function resultOf(status: RunStatus, driver: CoordinatorDriver): RunResult {
  return {
    steps: status.step,
    epochs: status.epoch,
    testAccuracy: status.testAccuracy,
    testLoss: status.testLoss,
    parametersSha256: status.parametersSha256,
    seconds: status.seconds,
    imagesPerSecond: driver.imagesPerSecond,
    workers: driver.sessions.peak,
    engine: driver.engines.join(' + '),
    runFolder: status.runFolder,
    badSamples: status.badSamples,
  };
}
