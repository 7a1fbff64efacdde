/** @file Trains: a coordinator in this process, with local worker processes or with workers that join from elsewhere. */
import { join } from 'node:path';
import { type RunningCoordinator, startCoordinator } from '../coordinator/start.ts';
import { requireInputs } from '../shared/config/absent-inputs.ts';
import { type LoadedConfig, loadConfig, loadObject } from '../shared/config/load.ts';
import { takeWebhook } from '../shared/config/observe.ts';
import type { RunConfigInput } from '../shared/config/schema.ts';
import { type WorkerCount, workersSettings } from '../shared/config/settings.ts';
import type { RunStatus } from '../shared/contract/status.ts';
import { ADDRESS, portOf, withPort } from '../shared/core/address.ts';
import { withDeadline } from '../shared/core/async.ts';
import { systemClock } from '../shared/core/clock.ts';
import { TesseraError } from '../shared/core/errors.ts';
import type { DataSource } from '../shared/data/source.ts';
import { type ServerFiles, serverSecurity } from '../shared/exchange/grpc/security.ts';
import { readTextFile } from '../shared/files/regular-file.ts';
import { createLog, type LogLevel } from '../shared/machine/log.ts';
import type { RunResult, TimedEvent } from '../shared/runs/events.ts';
import { RUN_FILES } from '../shared/runs/layout.ts';
import type { RunObserver } from '../shared/runs/observer.ts';
import { newToken } from '../shared/security/tokens.ts';
import { restoreFromMirror } from './begin/restore.ts';
import { AUTO, placeOfRun } from './begin/run-place.ts';
import { type Dropped, EventBuffer } from './event-buffer.ts';
import { settleNumbers } from './fitting.ts';
import { Launch, type LaunchedHost, type LaunchOptions } from './launch.ts';
import type { Launcher, LaunchNotice } from './launcher.ts';
import { type LocalRun, type LocalSize, localLauncher, localSize } from './local-run.ts';
import { webhookOf } from './notices/webhook.ts';
import { configuredObservers } from './observe/observers.ts';
import type { RunStanding } from './supervisor.ts';

/** Hosts that wait to compute for a run. */
export interface Fleet {
  readonly hosts: readonly LaunchedHost[];
  /** What starts them for a coordinator at this address; workers join with the token. */
  launcher(run: { readonly address: string; readonly token: string }): Launcher;
}

/** How a run is started. */
export interface StartTrainingOptions extends ServerFiles {
  /** Whether workers join from elsewhere; else worker processes are started on this machine, as `cluster` says. */
  readonly isRemote?: boolean;
  /** Whether others join too, so that a run that is started again listens where it did. */
  readonly isShared?: boolean;
  /** Hosts that compute in place of this machine; they are started once the coordinator listens. */
  readonly fleet?: Fleet | undefined;
  /** Ends the run early; what is trained is saved. */
  readonly signal?: AbortSignal | undefined;
  /** Get each event of the run. They may be slow or fail without harm to the run. */
  readonly observers?: readonly RunObserver[] | undefined;
  /** The data set, in place of the config's. This process reads it; workers fetch its samples. */
  readonly dataSource?: DataSource | undefined;
  /** Folder of a new run (default: runs/NAME-TIME). */
  readonly runFolder?: string | undefined;
  /** Folder of a run to resume; `auto` resumes the run of `runFolder` if there is one, and begins it there if not. */
  readonly resume?: string | undefined;
  /** Lets others reach the coordinator in plaintext. */
  readonly insecure?: boolean | undefined;
  /** Gets the JSON lines of the coordinator's log, from `level` on (default: warn). */
  readonly log?: { readonly level?: LogLevel; write(line: string): void } | undefined;
  /** Gets what happens to the local worker processes, and other news beside the events. */
  readonly onNotice?: ((notice: LaunchNotice) => void) | undefined;
}

/** How a program trains. */
export interface TrainOptions
  extends Omit<StartTrainingOptions, 'isRemote' | 'isShared' | 'fleet'> {
  /** Local worker processes: a number, auto, or a range; 0 when workers join from elsewhere (default: cluster.workers). */
  readonly workers?: WorkerCount | undefined;
  /** `key=value` settings over those of the config. */
  readonly set?: readonly string[] | undefined;
}

/** A run that trains: an async iterable of its events, which need not be read. It keeps the newest 4,096 for one reader. */
export interface Run extends AsyncIterable<TimedEvent | Dropped> {
  /** HOST:PORT of the coordinator. */
  readonly address: string;
  readonly runFolder: string;
  /** What the data set holds, and what of it was left out. */
  readonly data: RunningCoordinator['data'];
  /** Values of the model. */
  readonly numParameters: number;
  /** The checkpoint that a resumed run continues from. */
  readonly resumed: RunningCoordinator['resumed'];
  /** Whether the resumed run was done already: nothing of it is left to do. */
  readonly isDone: boolean;
  /** What was chosen, converted or left of the weights that it begins with, a sentence each. */
  readonly weightsNotes: readonly string[];
  /** Resolves at the end of the run; rejects with a TesseraError when it ends badly, CANCELLED once it was stopped. */
  readonly result: Promise<RunResult>;
  status(): RunStatus;
  /** Ends the run early; what is trained is saved. Resolves when the run and its workers have ended. */
  stop(): Promise<void>;
}

const EVENTS_MAX = 4096;
/** Longest time for a run that is being ended to write what it must. */
const ENDING_MS = 120_000;
/** Phases after which workers go by themselves. */
const ENDINGS: ReadonlySet<string> = new Set(['done', 'failed']);

/**
 * Trains with the config of a path, a preset's name or an object; without one, with that of the run to resume.
 * Resolves once the coordinator listens.
 *
 * Throws  TesseraError: CONFIG_INVALID with every problem of the config, DATA_INVALID, CANNOT_WRITE, PORT_IN_USE,
 *         RUN_IN_USE, CHECKPOINT_MISMATCH, ACCESS_DENIED.
 */
export async function train(
  config: string | RunConfigInput | undefined,
  options: TrainOptions = {},
): Promise<Run> {
  const { workers, set = [], dataSource } = options;
  const isRemote = workers === 0;
  const settings = [
    ...(dataSource === undefined ? [] : ['data.source=program']),
    ...(isRemote ? [] : workersSettings(workers)),
    ...set,
  ];
  const load = async () => {
    const { resume, isKept } = await placeOfRun(options);
    const origin = config ?? (resume && join(resume, RUN_FILES.config));
    if (origin === undefined) {
      throw new TesseraError('USAGE', 'there is no config to train and no run to resume', {
        hint: 'give a config, such as quickstart, or the option resume',
      });
    }
    const loaded =
      typeof origin === 'string'
        ? await loadConfig(origin, { set: settings })
        : loadObject(origin, { set: settings });
    return { loaded, isKept };
  };
  let { loaded, isKept } = await load();
  if (await isRestored(loaded, options)) ({ loaded, isKept } = await load());
  requireInputs(loaded.inputs.filter(({ kind }) => !isKept || kind === 'data'));
  return await startTraining(loaded, { ...options, isRemote });
}

/** Restores the run of an empty folder from its mirror, if it is there. Throws  as `restoreFromMirror`. */
async function isRestored(
  { config }: LoadedConfig,
  { resume, runFolder, signal, onNotice = () => {} }: TrainOptions,
): Promise<boolean> {
  if (resume !== AUTO || runFolder === undefined) return false;
  const notify = (level: 'info' | 'warn', text: string) => onNotice({ level, text });
  return (await restoreFromMirror({ config, runFolder, signal, notify })) !== undefined;
}

/** Trains with a config that is loaded, and whose data and weights are here. Throws  as `train` does. */
export async function startTraining(
  given: LoadedConfig,
  options: StartTrainingOptions,
): Promise<Run> {
  // From here on no folder, worker or message has its address.
  const taken = takeWebhook(given.config.observe);
  const planned = { ...given, config: { ...given.config, observe: taken.observe } };
  const { isRemote = false, isShared = false, certs, insecure = false, log } = options;
  const { resume, runFolder: newFolder, isKept } = await placeOfRun(options);
  const notify = options.onNotice ?? (() => {});
  const size = isRemote || options.fleet ? undefined : await localSize(planned.config);
  const { loaded, dataSource } = await settleNumbers(planned, {
    ...{ dataSource: options.dataSource, workers: size?.count ?? 1 },
    resume: isKept ? resume : undefined,
    signal: options.signal,
    notify: (text) => notify({ level: 'info', text }),
  });
  const { config } = loaded;
  const token = newToken();
  const stop = new AbortController();
  const { signal } = stop;
  const signals = [signal, ...(options.signal === undefined ? [] : [options.signal])];
  const events = new EventBuffer<TimedEvent>(EVENTS_MAX);
  const running = await startCoordinator({
    loaded,
    security: await serverSecurity(options, token, (text) => notify({ level: 'warn', text })),
    ...{ certs, insecure, resume, runFolder: newFolder, dataSource },
    // Local workers get its address; others use the former one.
    listen: isRemote || isShared || options.fleet ? await knownAddress(resume, loaded) : undefined,
    log: createLog({
      component: 'coordinator',
      level: log === undefined ? 'off' : (log.level ?? 'warn'),
      destination: log ?? { write: () => {} },
    }),
    signal: AbortSignal.any(signals),
    observers: [
      ...webhookOf(taken, (text) => notify({ level: 'warn', text })),
      ...configuredObservers(loaded),
      ...(options.observers ?? []),
      { name: 'reader of the run', event: (event) => events.push(event) },
    ],
  });
  const { address, runFolder, data, numParameters, resumed, isDone, weightsNotes } = running;
  const launched = isDone
    ? undefined
    : workersOf(options.fleet, size, {
        local: {
          config,
          address,
          runFolder,
          certs,
          token,
          insecure,
          verbose: log?.level === 'debug',
        },
        ...{ restarts: config.cluster.restarts, minWorkers: config.cluster.minWorkers, notify },
        standing: () => standingOf(running.status(), signals),
      });
  const result = endOf(running, launched, stop).finally(() => events.end());
  // The program may look later.
  result.catch(() => {});
  return {
    ...{ address, runFolder, data, numParameters, resumed, isDone, weightsNotes, result },
    status: () => running.status(),
    stop: async () => {
      stop.abort(new TesseraError('CANCELLED', 'stopped by the program that started it'));
      await result.catch(() => {});
    },
    [Symbol.asyncIterator]: () => events[Symbol.asyncIterator](),
  };
}

/** Starts the workers of a run, here or on hosts; undefined where all of them join by themselves. */
function workersOf(
  fleet: Fleet | undefined,
  size: LocalSize | undefined,
  { local, ...given }: { readonly local: LocalRun } & Omit<LaunchOptions, 'launcher' | 'count'>,
): Launch | undefined {
  if (fleet !== undefined) {
    return new Launch({ ...given, launcher: fleet.launcher(local), count: fleet.hosts });
  }
  if (size === undefined) return undefined;
  return new Launch({ ...given, launcher: localLauncher(local, size), count: size.count });
}

/** Waits for the end of the run; if its workers are lost first, that is the end. */
async function endOf(
  running: RunningCoordinator,
  launch: Launch | undefined,
  stop: AbortController,
): Promise<RunResult> {
  let hasEndedWell = false;
  try {
    const result = await Promise.race([running.finished, ...(launch ? [launch.failed] : [])]);
    hasEndedWell = true;
    return result;
  } catch (thrown) {
    const error = TesseraError.from(thrown);
    stop.abort(error);
    // What cannot wait (a checkpoint being written) is finished first.
    await withDeadline(systemClock, running.finished, ENDING_MS, 'ending the run').catch(() => {});
    throw error;
  } finally {
    await launch?.close(hasEndedWell);
  }
}

function standingOf(
  { phase, step, workers }: RunStatus,
  signals: readonly AbortSignal[],
): RunStanding {
  const atWork = workers.filter(({ state }) => state !== 'joining').map(({ pid }) => pid);
  const isEnding = signals.some(({ aborted }) => aborted) || ENDINGS.has(phase);
  return { isEnding, step, atWork };
}

/**
 * The address at which the workers of a run look for it; undefined where its config names the port, or it never had one.
 *
 * A coordinator on any free port that is started again takes the one that it had, or its workers would not find it.
 */
export async function knownAddress(
  runFolder: string | undefined,
  { config }: LoadedConfig,
): Promise<string | undefined> {
  const { listen } = config.cluster;
  if (runFolder === undefined || !listen.endsWith(':0')) return undefined;
  const text = await readTextFile(join(runFolder, RUN_FILES.address)).catch(() => '');
  // Its host is that of the config: the same run may have been for this machine alone before.
  return ADDRESS.test(text.trim()) ? withPort(listen, portOf(text.trim())) : undefined;
}
