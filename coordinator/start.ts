/** @file Builds a coordinator out of its parts and keeps it going until the run has ended. */

import type { LoadedConfig } from '../shared/config/load.ts';
import { checkAgainstData } from '../shared/config/rules.ts';
import type { RunConfig } from '../shared/config/schema.ts';
import type { RunStatus } from '../shared/contract/status.ts';
import { hostOf, isLoopback, ownAddress } from '../shared/core/address.ts';
import { deferred } from '../shared/core/async.ts';
import { systemClock } from '../shared/core/clock.ts';
import { TesseraError } from '../shared/core/errors.ts';
import { type FoundSource, foundSentence } from '../shared/data/found.ts';
import { openDataSource } from '../shared/data/sets/open.ts';
import type { DataSource } from '../shared/data/source.ts';
import type { ServerSecurity } from '../shared/exchange/grpc/credentials.ts';
import { VectorMemory } from '../shared/kernels/vectors.ts';
import { assertLoopback } from '../shared/machine/addresses.ts';
import type { Logger } from '../shared/machine/log.ts';
import type { SavedCheckpoint } from '../shared/runs/checkpoint/layout.ts';
import { endEvents } from '../shared/runs/ending.ts';
import type { RunResult } from '../shared/runs/events.ts';
import type { HeldLock } from '../shared/runs/lock/lock.ts';
import { lockRun } from '../shared/runs/lock/run-lock.ts';
import { forgetResult, readResult, writeResult } from '../shared/runs/result-file.ts';
import { createRunFolder, describeRun } from '../shared/runs/run-folder.ts';
import type { SpotReport } from '../shared/runs/spot.ts';
import { refuseExposure } from '../shared/security/listen-policy.ts';
import { sumsText } from '../shared/training/parameter-sums.ts';
import { type BegunRun, beginRun } from './begin/begin.ts';
import { assemble, type RunSeed } from './begin/build.ts';
import { CoordinatorDriver } from './driver.ts';
import { numLanes, openReducers, type Reducers } from './reducers/reducers.ts';
import { watchDelays } from './report/delays.ts';
import { observe, type Watching } from './report/observe.ts';
import { lockWatcher } from './report/run-folder-watch.ts';
import { serveCoordinator } from './service/service.ts';

/** What a coordinator is started with. */
export interface StartOptions {
  readonly loaded: LoadedConfig<RunConfig>;
  /** Address to listen on, instead of the config's. */
  readonly listen?: string | undefined;
  /** Folder of a new run, instead of runs/NAME-TIME. */
  readonly runFolder?: string | undefined;
  /** The data set, for `data.source: program`, or where it is open already. */
  readonly dataSource?: DataSource | undefined;
  /** Folder of a run to resume. */
  readonly resume?: string | undefined;
  /** The credentials that callers need; undefined for plaintext, open to every caller that reaches the port. */
  readonly security?: ServerSecurity | undefined;
  /** The folder of its certificates; the run folder records it, for commands that need the operator's. */
  readonly certs?: string | undefined;
  /** The user has typed that plaintext may leave this machine. */
  readonly insecure?: boolean | undefined;
  readonly log: Logger;
  /** Ends the run early, what is trained being saved. */
  readonly signal: AbortSignal;
  /** Get each event of the run, after metrics.jsonl has got it; some are made once its folder is there. */
  readonly observers?: Watching;
}

/** A coordinator that runs. */
export interface RunningCoordinator {
  readonly address: string;
  readonly runFolder: string;
  /** What its data set holds, and what of it was passed over. */
  readonly data: FoundSource;
  /** Values of its model. */
  readonly numParameters: number;
  /** The checkpoint that it resumes from; undefined for a new run. */
  readonly resumed: SavedCheckpoint | undefined;
  /** Whether it resumes a run of which nothing is left to do: it ends by itself, without a worker. */
  readonly isDone: boolean;
  /** What was chosen, converted or left of the weights that it begins with, a sentence each. */
  readonly weightsNotes: readonly string[];
  status(): RunStatus;
  /** Settles when the run is over and the port closed; rejects with the reason if it failed. */
  readonly finished: Promise<RunResult>;
}

/** The interval between two ticks of the core. */
const TICK_MS = 100;
/** How long workers have to leave once the run is over. */
const FAREWELL_MS = 5000;

/**
 * Opens the data, makes or resumes the run, and listens.
 *
 * Throws  ACCESS_DENIED, CONFIG_INVALID, DATA_INVALID, CANNOT_WRITE, CHECKPOINT_MISMATCH,
 *         PORT_IN_USE, RUN_IN_USE.
 */
export async function startCoordinator(options: StartOptions): Promise<RunningCoordinator> {
  const { loaded } = options;
  const { config } = loaded;
  refuseExposure(listenOf(options), options);
  // Its own workers and status calls use this address.
  const near = ownAddress(listenOf(options));
  if (isLoopback(near)) await assertLoopback(hostOf(near));
  const source =
    options.dataSource ??
    (await openDataSource(config.data, { seed: config.seed, baseFolder: loaded.baseFolder }));
  checkAgainstData(config, source);
  const { resume } = options;
  const { folder, undo } =
    resume === undefined
      ? await createRunFolder(config.name, options.runFolder)
      : { folder: resume, undo: () => undefined };
  const onWait = (sentence: string) => options.log.warn(sentence);
  const lock = await lockRun(folder, { signal: options.signal, onWait }).catch(
    async (error: TesseraError) => {
      // One that another holds is left as it is, though its folder may have been made just now.
      if (error.code === 'CANNOT_WRITE') await undo();
      throw error;
    },
  );
  try {
    return await startRun(options, source, { runFolder: folder, lock });
  } catch (error) {
    // Ours until all that we made is gone: what comes later is another's.
    await lock.keepStill();
    await undo();
    await lock.release();
    throw error;
  }
}

async function startRun(
  options: StartOptions,
  source: DataSource,
  { runFolder, lock }: { readonly runFolder: string; readonly lock: HeldLock },
): Promise<RunningCoordinator> {
  const { loaded, log } = options;
  const { config } = loaded;
  const memory = new VectorMemory();
  const begun = await beginRun({
    memory,
    config,
    source,
    runFolder,
    isResumed: options.resume !== undefined,
    baseFolder: loaded.baseFolder,
    log,
  });
  const reducers = openReducers(config.cluster.reducers, begun.parameters.length, memory);
  const parts = { ...begun, source, clock: systemClock, lock, reducers };
  return await serveRun(options, parts).catch(async (error: unknown) => {
    await reducers.close();
    throw error;
  });
}

/** What a run is served with. */
type RunParts = BegunRun & RunSeed & { readonly lock: HeldLock; readonly reducers: Reducers };

async function serveRun(
  options: StartOptions,
  { beginning, notes, ...begun }: RunParts,
): Promise<RunningCoordinator> {
  const { log } = options;
  const { source, lock, reducers } = begun;
  const parts = assemble(begun);
  const { runFolder, configJson } = parts.identity;
  // Its facts only: what was loaded would keep its tensors alive.
  const { last: resumedFrom } = parts.checkpointer;
  const ended = deferred<void>();
  const delays = watchDelays();
  const observed = { ...options, isResumed: options.resume !== undefined };
  const { onEvent, onActivity, alarms, ...observers } = await observe(observed, parts);
  const { mirror, spot } = observers;
  const closeObservers = async () => {
    delays.stop();
    await observers.close();
  };
  const { classes, size, found } = source;
  const data = { classes, size, found };
  const { store } = parts;
  const begins = { version: store.version, parameterSums: sumsText(await store.sums()) };
  onEvent({ type: 'data', sentence: foundSentence(data), ...data, begins });
  const onEnd = (error: TesseraError | undefined) => {
    for (const event of endEvents(error, parts.run.reason)) onEvent(event);
    if (error === undefined) ended.resolve();
    else ended.reject(error);
  };
  const sinks = { log, onEvent, onActivity, onEnd, spot, alarms };
  const driver = new CoordinatorDriver({ ...parts, ...sinks, delays: delays.read });
  const { certs } = options;
  const server = await serve(driver, options, reducers).catch(async (error) => {
    // What is written later would make a folder again that is taken back.
    await closeObservers();
    throw error;
  });
  const { address } = server;
  const isDone = parts.run.work.task === 'finish';
  const description = { runFolder, configJson, beginning, address, certs };
  if (!isDone) await forgetResult(runFolder);
  await describeRun(description).catch(async (error) => {
    await server.stop(0);
    await closeObservers();
    throw error;
  });
  // The copy of an earlier life may not have come to its end.
  if (resumedFrom !== undefined) mirror?.saved(resumedFrom);
  lock.watch(lockWatcher(description, log, (reason) => void driver.stop(reason)));
  const stopTicking = systemClock.every(TICK_MS, () => driver.tick());
  const onAbort = () => void driver.stop(TesseraError.from(options.signal.reason, 'CANCELLED'));
  if (options.signal.aborted) onAbort();
  options.signal.addEventListener('abort', onAbort, { once: true });
  const finished = ended.promise
    .then(() => keptResult(resultOf(driver, parts.identity.config, spot()), isDone, log))
    .finally(async () => {
      stopTicking();
      const { absent, watchers } = driver.sessions;
      await Promise.all([absent.allBack(), watchers.allBack()]);
      await server.stop(FAREWELL_MS);
      await reducers.close();
      await mirror?.finish();
      await closeObservers();
      await lock.release();
    });
  // The caller may await it later; meanwhile a failure must not be an unhandled rejection.
  finished.catch(() => {});
  return {
    address,
    runFolder,
    data,
    numParameters: store.table.size,
    resumed: resumedFrom,
    isDone,
    weightsNotes: notes,
    status: () => driver.status(),
    finished,
  };
}

/**
 * A resumed run listens at its former address. If another process does now, such as the run that it is a copy of, it listens
 * elsewhere, and says so.
 */
async function serve(driver: CoordinatorDriver, options: StartOptions, reducers: Reducers) {
  const { loaded, listen, resume, security, log } = options;
  const { limits, cluster } = loaded.config;
  const sharedMemory = cluster.sharedMemory === 'auto';
  const serveAt = (address: string) => {
    const isLocal = sharedMemory && isLoopback(address);
    const count = numLanes(cluster.lanes, { threads: reducers.threads, isLocal });
    const lanes = { threads: reducers.lanes, count, firstPort: cluster.lanePort };
    const settings = { listen: address, limits, security, sharedMemory, lanes };
    return serveCoordinator(driver, log, settings);
  };
  return await serveAt(listenOf(options)).catch(async (error: unknown) => {
    const isTaken = TesseraError.from(error).code === 'PORT_IN_USE';
    if (!isTaken || listen === undefined || resume === undefined) throw error;
    log.warn(
      `${listen}, where this run was, is in use: it listens elsewhere, and workers that wait there do not find it`,
    );
    return await serveAt(cluster.listen);
  });
}

function listenOf({ listen, loaded }: StartOptions): string {
  return listen ?? loaded.config.cluster.listen;
}

/** The result of a run as its folder keeps it: of one that was done already, as it was then. */
async function keptResult(result: RunResult, wasDone: boolean, log: Logger): Promise<RunResult> {
  const kept = wasDone ? await readResult(result.runFolder) : undefined;
  if (kept?.parametersSha256 === result.parametersSha256) return { ...result, ...kept };
  await writeResult(result).catch((err: unknown) => log.warn({ err }, 'the result was not kept'));
  return result;
}

function resultOf(driver: CoordinatorDriver, config: RunConfig, spot: SpotReport): RunResult {
  const { evaluation } = config;
  const status = driver.status();
  const { chosen } = driver.progress;
  return {
    steps: status.step,
    epochs: status.epoch,
    testAccuracy: status.testAccuracy,
    testLoss: status.testLoss,
    ...chosen,
    isTestedOnce: chosen.chosenOn === 'validation' || evaluation.everyEpochs === 0,
    parametersSha256: status.parametersSha256,
    seconds: status.seconds,
    imagesPerSecond: driver.progress.meanImagesPerSecond(systemClock.nowMs()),
    workers: driver.sessions.peak,
    engine: driver.notes.engines.join(' + '),
    runFolder: status.runFolder,
    badSamples: status.badSamples,
    emptySteps: driver.notes.emptySteps,
    spot,
  };
}
