/**
 * @file Reads run folders: what each run was, how far it came, whether it is still running.
 *
 * What of a run cannot be read is noted with the run, and hides neither the rest of it nor any other run.
 */

import { existsSync } from 'node:fs';
import { lstat, readdir, stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { ownAddress } from '../../core/address.ts';
import { mapAtMost } from '../../core/concurrency.ts';
import { errnoOf } from '../../core/errno.ts';
import { TesseraError } from '../../core/errors.ts';
import { isRecord } from '../../core/text.ts';
import { cannotRead } from '../../files/files.ts';
import { readTextFile } from '../../files/regular-file.ts';
import { whyNot } from '../../files/why-not.ts';
import { listCheckpoints } from '../checkpoint/layout.ts';
import type { Ending } from '../events.ts';
import { RUN_FILES } from '../layout.ts';
import { holderOf, type LockHolder } from '../lock/lock.ts';
import { runStamp, runsFolderNames } from './find.ts';
import { NO_METRICS, type RunMetrics, readMetrics } from './metrics.ts';
import { Neighbours } from './run-signs.ts';

/**
 * The state of a run. A person has stopped those that are `stopped`, a machine or a time limit those that are
 * `interrupted`, an error those that are `failed`. A `killed` one has left no record of its end, as after a power cut.
 * The folder of an `unknown` one does not let us know.
 */
type RunState = 'running' | Ending | 'killed' | 'unknown';

/** Whether a run of this state ended early, so that it may be resumed. */
export function hasEndedEarly(state: RunState): boolean {
  return state !== 'running' && state !== 'done' && state !== 'unknown';
}

/** A checkpoint as it lies on the disk. */
interface StoredCheckpoint {
  readonly step: number;
  readonly folder: string;
  readonly bytes: number;
}

/** Everything that a run folder contains. */
export interface RunRecord {
  readonly name: string;
  readonly folder: string;
  readonly state: RunState;
  /** As it was resolved when the run began, possibly by an older version; undefined where it cannot be read. */
  readonly config: Readonly<Record<string, unknown>> | undefined;
  readonly metrics: RunMetrics;
  /** The newest first. */
  readonly checkpoints: readonly StoredCheckpoint[];
  readonly pictures: readonly string[];
  /** The folder of its coordinator's credentials, where it had some. */
  readonly certs: string | undefined;
  /** When it began: what its first record, its name or its folder says. */
  readonly beganMs: number;
  /** Time at work, without the pauses before a resume. */
  readonly seconds: number;
  /** Who has the address of its coordinator now, as the end of "127.0.0.1:50051 is ...". */
  readonly occupant: string | undefined;
  /** What of it cannot be read, and why: `config.json: permission denied`. */
  readonly faults: readonly string[];
}

/** Runs that are read at once: their disk may be far away. */
const RUNS_AT_ONCE = 32;
const PICTURE = /\.(?:png|svg)$/i;

/**
 * All runs of a folder, the newest first; of the steps of each only the last. Those that cannot be read are among them.
 *
 * Throws  DATA_INVALID when the folder of runs itself cannot be read.
 */
export async function readRuns(runsFolder: string): Promise<readonly RunRecord[]> {
  const neighbours = new Neighbours();
  const names = await runsFolderNames(runsFolder);
  const runs = await mapAtMost(RUNS_AT_ONCE, names, async (name) => {
    const folder = join(runsFolder, name);
    if (!(await isRunFolder(folder))) return undefined;
    const run = await readRun(folder, neighbours).catch((error: unknown) => {
      // It was removed, or got another name, since its name was read.
      if (existsSync(folder)) throw error;
    });
    // All steps of all runs may be more than this process can hold.
    return run && { ...run, metrics: { ...run.metrics, steps: run.metrics.steps.slice(-1) } };
  });
  return runs
    .filter((run) => run !== undefined)
    .sort(
      (a, b) =>
        b.beganMs - a.beganMs ||
        (runStamp(b.name)?.number ?? 1) - (runStamp(a.name)?.number ?? 1) ||
        a.name.localeCompare(b.name),
    );
}

/**
 * Whether a folder is one that a run made. It has the config of a run, and its address or metrics; where the config cannot
 * be read, the files that only a run writes decide, and of a folder that cannot be looked into it is assumed.
 */
export async function isRunFolder(folder: string): Promise<boolean> {
  const kind = await lstat(folder).catch(() => undefined);
  if (!kind?.isDirectory()) return false;
  const names = await readdir(folder).catch((error: unknown): string[] | undefined => {
    return errnoOf(error) === 'ENOENT' ? [] : undefined;
  });
  if (names === undefined) return true;
  const { metrics, address, identity, lock } = RUN_FILES;
  const has = (...files: readonly string[]) => files.some((file) => names.includes(file));
  if (!has(metrics, address, identity, lock)) return false;
  const config = await readConfig(folder).catch(() => undefined);
  if (config !== undefined) return 'training' in config && 'data' in config;
  return has(metrics, identity, lock);
}

/** Reads one run, as far as it can be read. Throws  DATA_INVALID when it is not there any more. */
export async function readRun(
  folder: string,
  neighbours: Neighbours = new Neighbours(),
): Promise<RunRecord> {
  const parts = new Parts(folder);
  await parts.look();
  const config = await parts.read(RUN_FILES.config, readConfig, undefined);
  const known = await parts.read(RUN_FILES.metrics, readMetrics, undefined);
  const checkpoints = await parts.read('checkpoints', storedCheckpoints, []);
  const holder = await parts.read(RUN_FILES.lock, holderIn, 'unknown' as const);
  const metrics = known ?? NO_METRICS;
  // A run that was removed meanwhile has no faults.
  await lstat(folder).catch((error: unknown) => {
    throw cannotRead(folder, error);
  });
  return {
    name: basename(resolve(folder)),
    folder,
    ...(await stateOf(folder, { holder, metrics: known, neighbours })),
    ...{ config, metrics, checkpoints },
    pictures: await picturesOf(folder),
    certs: await certsOf(folder),
    beganMs: await beganMs(folder, metrics),
    seconds: metrics.workedSeconds,
    faults: parts.faults,
  };
}

/** The config of a run, and what is wrong with it. */
export async function configOf(folder: string): Promise<Pick<RunRecord, 'config' | 'faults'>> {
  const parts = new Parts(folder);
  await parts.look();
  return {
    config: await parts.read(RUN_FILES.config, readConfig, undefined),
    faults: parts.faults,
  };
}

/** Reads the parts of a run; what cannot be read is noted. */
class Parts {
  readonly faults: string[] = [];
  readonly #folder: string;
  #isClosed = false;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Looks whether the folder can be read at all: if not, that is the one fault of the run. */
  async look(): Promise<void> {
    await readdir(this.#folder).catch((error: unknown) => {
      if (errnoOf(error) === 'ENOENT') throw cannotRead(this.#folder, error);
      this.#isClosed = true;
      this.faults.push(whyNot(this.#folder, error));
    });
  }

  async read<T>(name: string, read: (folder: string) => Promise<T>, otherwise: T): Promise<T> {
    if (this.#isClosed) return otherwise;
    try {
      return await read(this.#folder);
    } catch (thrown) {
      const cause = thrown instanceof TesseraError ? (thrown.cause ?? thrown) : thrown;
      this.faults.push(`${name}: ${whyNot(join(this.#folder, name), cause)}`);
      return otherwise;
    }
  }
}

async function readConfig(folder: string): Promise<Readonly<Record<string, unknown>> | undefined> {
  const text = await readTextFile(join(folder, RUN_FILES.config));
  if (text.trim() === '') throw new Error('it is empty');
  const config = parsed(text);
  if (isRecord(config)) return config;
  throw new Error('it is not a JSON object');
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error(`it is not JSON: ${TesseraError.from(error).sentence}`);
  }
}

/** The checkpoints that are there; one that goes while we look is not. */
async function storedCheckpoints(folder: string): Promise<readonly StoredCheckpoint[]> {
  const found = await Promise.all(
    (await listCheckpoints(folder)).map(async ({ step, folder: at }) => {
      return { step, folder: at, bytes: await bytesUnder(at) };
    }),
  );
  return found.flatMap(({ bytes, ...rest }) => (bytes === undefined ? [] : [{ ...rest, bytes }]));
}

function holderIn(folder: string): Promise<LockHolder | 'unknown' | undefined> {
  return holderOf(join(folder, RUN_FILES.lock));
}

/** The present comes before the past: a run that is done may have been resumed, whatever its metrics still say. */
export function stateFromFolder(
  holder: LockHolder | undefined,
  ending: Ending | undefined,
): Exclude<RunState, 'unknown'> {
  if (holder !== undefined) return 'running';
  return ending ?? 'killed';
}

async function stateOf(
  folder: string,
  run: {
    /** Of its lock. */
    readonly holder: LockHolder | 'unknown' | undefined;
    readonly metrics: RunMetrics | undefined;
    readonly neighbours: Neighbours;
  },
): Promise<Pick<RunRecord, 'state' | 'occupant'>> {
  const { holder, metrics, neighbours } = run;
  const occupant = undefined;
  const isKnown = metrics !== undefined && holder === undefined;
  const known = stateFromFolder(holder === 'unknown' ? undefined : holder, metrics?.ending?.how);
  if (known === 'running' || (known === 'done' && isKnown)) return { state: known, occupant };
  const ended = isKnown ? known : 'unknown';
  const text = await readTextFile(join(folder, RUN_FILES.address)).catch(() => '');
  const address = ownAddress(text.trim());
  if (address === '') return { state: ended, occupant };
  const found = await neighbours.at(address, folder);
  if (found.isOwn) return { state: 'running', occupant };
  return { state: ended, occupant: found.occupant && `${address} is ${found.occupant}` };
}

/** What a run folder says of its coordinator's credentials. */
export async function certsOf(folder: string): Promise<string | undefined> {
  const text = await readTextFile(join(folder, RUN_FILES.certs)).catch(() => '');
  return text.trim() === '' ? undefined : text.trim();
}

/** A run that was stopped before its first record began when its folder says so. */
async function beganMs(folder: string, { firstTime }: RunMetrics): Promise<number> {
  if (firstTime !== undefined) return Date.parse(firstTime);
  const stamp = runStamp(basename(resolve(folder)));
  if (stamp !== undefined) return stamp.timeMs;
  const found = await stat(join(folder, RUN_FILES.config)).catch(() => lstat(folder));
  return found.mtimeMs;
}

async function picturesOf(folder: string): Promise<readonly string[]> {
  const places = [folder, join(folder, 'pictures')];
  const found = await Promise.all(
    places.map(async (place) => {
      const names = await readdir(place).catch((): string[] => []);
      return names.filter((name) => PICTURE.test(name)).map((name) => join(place, name));
    }),
  );
  return found.flat().sort();
}

/** Bytes of the files in a folder; undefined when it is not there any more. */
async function bytesUnder(folder: string): Promise<number | undefined> {
  const names = await readdir(folder).catch((): string[] => []);
  const sizes = await Promise.all(
    names.map(async (name) => (await stat(join(folder, name)).catch(() => undefined))?.size ?? 0),
  );
  // Only now: it may have gone while it was read.
  const isThere = (await lstat(folder).catch(() => undefined)) !== undefined;
  return isThere ? sizes.reduce((sum, size) => sum + size, 0) : undefined;
}
