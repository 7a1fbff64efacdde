/** @file Reads run folders: what each run was, how far it came, whether it still goes on. */
import { lstat, readdir, stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { listCheckpoints } from '../coordinator/checkpoints.ts';
import { RUN_FILES } from '../coordinator/run-folder.ts';
import { type ErrorCode, TesseraError } from '../shared/core/errors.ts';
import { holderOf } from '../shared/host/lock.ts';
import { readTextFile } from '../shared/host/regular-file.ts';
import { fetchStatus } from '../shared/rpc/status-client.ts';
import { type RunMetrics, readMetrics } from './metrics.ts';
import { runStamp } from './run-folders.ts';

/** Whether a run goes on: `stopped` are those that ended early, whoever or whatever ended them. */
type RunState = 'running' | 'done' | 'stopped';

/** A checkpoint as it lies on the disk. */
interface StoredCheckpoint {
  readonly step: number;
  readonly folder: string;
  readonly bytes: number;
}

/** Everything that a run folder tells. */
export interface RunRecord {
  readonly name: string;
  readonly folder: string;
  readonly state: RunState;
  /** As it was resolved when the run began, possibly by an older version. */
  readonly config: Readonly<Record<string, unknown>>;
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
}

/** A coordinator on this machine answers at once; one that does not is gone. */
const ANSWER_MS = 1000;
/** Failures of somebody who is there: too busy to answer, or not talking to us. */
const HELD: ReadonlySet<ErrorCode> = new Set(['TIMEOUT', 'ACCESS_DENIED']);
const PICTURE = /\.(?:png|svg)$/i;

/** All runs of a folder, the newest first. */
export async function readRuns(runsFolder: string): Promise<readonly RunRecord[]> {
  const names = await readdir(runsFolder).catch((): string[] => []);
  const runs: RunRecord[] = [];
  for (const name of names) {
    const folder = join(runsFolder, name);
    if (await isRunFolder(folder)) runs.push(await readRun(folder));
  }
  return runs.sort(
    (a, b) =>
      b.beganMs - a.beganMs ||
      (runStamp(b.name)?.number ?? 1) - (runStamp(a.name)?.number ?? 1) ||
      a.name.localeCompare(b.name),
  );
}

/** Whether a folder is one that a run made: it has the config of a run, and its address or metrics. */
export async function isRunFolder(folder: string): Promise<boolean> {
  const kind = await lstat(folder).catch(() => undefined);
  if (!kind?.isDirectory()) return false;
  const names = await readdir(folder).catch((): string[] => []);
  if (!names.includes(RUN_FILES.metrics) && !names.includes(RUN_FILES.address)) return false;
  const config = await readConfig(folder).catch(() => ({}));
  return 'training' in config && 'data' in config;
}

/** Reads one run. Throws  DATA_INVALID when its config or metrics cannot be read. */
export async function readRun(folder: string): Promise<RunRecord> {
  const config = await readConfig(folder);
  const metrics = await readMetrics(folder);
  const checkpoints = await Promise.all(
    (await listCheckpoints(folder)).map(async ({ step, folder: at }) => ({
      step,
      folder: at,
      bytes: await bytesUnder(at),
    })),
  );
  return {
    name: basename(resolve(folder)),
    folder,
    state: await stateOf(folder, metrics),
    config,
    metrics,
    checkpoints,
    pictures: await picturesOf(folder),
    certs: await certsOf(folder),
    beganMs: await beganMs(folder, metrics),
    seconds: metrics.workedSeconds,
  };
}

async function readConfig(folder: string): Promise<Record<string, unknown>> {
  const path = join(folder, RUN_FILES.config);
  try {
    const config: unknown = JSON.parse(await readTextFile(path));
    if (typeof config !== 'object' || config === null) throw new Error('it is no JSON object');
    return { ...config };
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new TesseraError('DATA_INVALID', `cannot read ${path}: ${reason}`, {
      hint: 'the run is no use without it: restore it or remove the folder',
      cause,
    });
  }
}

/** The present comes before the past: a run that is done may have been resumed, whatever its metrics still say. */
async function stateOf(folder: string, metrics: RunMetrics): Promise<RunState> {
  if ((await holderOf(join(folder, RUN_FILES.lock))) !== undefined) return 'running';
  if (metrics.phases.at(-1)?.phase === 'done') return 'done';
  const path = join(folder, RUN_FILES.address);
  const address = (await readTextFile(path).catch(() => '')).trim();
  if (address === '') return 'stopped';
  try {
    const { runFolder } = await fetchStatus({ address, timeoutMs: ANSWER_MS });
    // The port may be another run's by now.
    return basename(runFolder) === basename(resolve(folder)) ? 'running' : 'stopped';
  } catch (thrown) {
    return HELD.has(TesseraError.from(thrown).code) ? 'running' : 'stopped';
  }
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
  return stamp?.timeMs ?? (await stat(join(folder, RUN_FILES.config))).mtimeMs;
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

async function bytesUnder(folder: string): Promise<number> {
  const names = await readdir(folder).catch((): string[] => []);
  const sizes = await Promise.all(
    names.map(async (name) => (await stat(join(folder, name)).catch(() => undefined))?.size ?? 0),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}
