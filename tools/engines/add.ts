/**
 * @file Adds an engine: its wheels are downloaded, verified and unpacked into one folder, which is there whole or not at
 * all. A command that was killed resumes its downloads.
 */
import { rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import {
  type EngineRecord,
  installedEngines,
  RECORD_NAME,
} from '../../shared/compute/engines/installed.ts';
import type { ErrorCode } from '../../shared/core/errors.ts';
import { TesseraError } from '../../shared/core/errors.ts';
import { machineDisk } from '../../shared/files/disk.ts';
import {
  buildFolderAtomically,
  cannotRead,
  cannotWrite,
  sweepFolder,
  writeFileAtomically,
} from '../../shared/files/files.ts';
import { digestsOfFile } from '../../shared/files/known-file.ts';
import { type DownloadOptions, download } from '../downloads/download.ts';
import { finishEngine, keepsEntry } from './finish.ts';
import { type EnginePlan, freeBytesAt, refuseLack } from './plan.ts';
import type { FoundWheel } from './wheels/source.ts';
import { readWheel, unpackWheel, type WheelContents } from './wheels/unpack.ts';

/** What is shown while an engine is added. */
interface AddProgress {
  readonly say: (line: string) => void;
  readonly download: (file: string, bytes: number, total: number | undefined) => void;
  readonly unpack: (bytes: number, total: number) => void;
}

/** How an engine is added. */
export interface AddOptions extends Pick<DownloadOptions, 'send' | 'limits' | 'clock'> {
  /** The folder of all engines. */
  readonly root: string;
  readonly env: Readonly<NodeJS.ProcessEnv>;
  readonly signal: AbortSignal;
  readonly progress: AddProgress;
}

/** A wheel that is here. */
interface LocalWheel {
  readonly file: string;
  readonly path: string;
  readonly bytes: number;
  readonly sha256: string;
}

/** Downloads that have not become an engine yet. */
const DOWNLOADS = '.downloads';

/**
 * Adds the engine of a plan, in place of the one of that name. The caller holds the lock of the folder.
 *
 * Throws  DATA_INVALID when a file is not what the index says, or damaged; TIMEOUT when the network fails too often,
 *         what has arrived is then kept; CANNOT_WRITE; CANCELLED. The engine that was there before is then still there.
 */
export async function addEngine(plan: EnginePlan, options: AddOptions): Promise<EngineRecord> {
  const { root, env, signal, progress } = options;
  const folder = join(root, plan.known.name);
  // What a killed command has half unpacked.
  await sweepFolder(root);
  const wheels: LocalWheel[] = [];
  for (const wheel of plan.wheels) wheels.push(await bring(wheel, options));
  const files: string[] = [];
  for (const file of plan.files) files.push((await bring(file, options)).path);
  const contents: WheelContents[] = [];
  for (const [at, { path }] of wheels.entries()) {
    contents.push(await readWheel(path, (entry) => at > 0 || keepsEntry(plan.known, entry)));
  }
  const bytes = contents.reduce((sum, wheel) => sum + wheel.bytes, 0);
  refuseLack(root, bytes, await freeBytesAt(root));
  let record: EngineRecord | undefined;
  await buildFolderAtomically(folder, async (temporary) => {
    await unpackAll(contents, temporary, { signal, progress, bytes });
    const { name } = plan.known;
    const say = progress.say;
    const finishing = { folder: temporary, target: folder, wheels, files, env, signal, say };
    const finished = await finishEngine(plan.known, finishing);
    const parts = wheels.map(({ file, sha256, bytes }) => ({ file, sha256, bytes }));
    const { engine, version, library } = finished;
    record = { name, engine, version, library, wheels: parts };
    await writeRecord(temporary, record);
  }).catch((error: unknown) => {
    signal.throwIfAborted();
    throw inWords(error);
  });
  for (const { url, file } of [...plan.wheels, ...plan.files]) {
    if (url !== undefined) await rm(join(root, DOWNLOADS, file), { force: true });
  }
  return record as unknown as EngineRecord;
}

/** The engine of a plan where it is installed already, of the same wheels. */
export async function installedAlready(
  { known, wheels }: EnginePlan,
  root: string,
): Promise<EngineRecord | undefined> {
  const found = (await installedEngines(root)).find(({ name }) => name === known.name);
  const has = ({ file, sha256 }: FoundWheel) =>
    found?.wheels.some((own) => own.file === file && (sha256 ?? own.sha256) === own.sha256);
  return found !== undefined && wheels.every(has) ? found : undefined;
}

async function bring(wheel: FoundWheel, options: AddOptions): Promise<LocalWheel> {
  const { file, url, sha256, bytes } = wheel;
  const { root, signal, progress } = options;
  if (url === undefined || sha256 === undefined) return await taken(wheel);
  const { send, limits, clock } = options;
  const path = join(root, DOWNLOADS, file);
  const earlier = await arrived(path, sha256);
  if (earlier !== undefined) return { file, path, ...earlier };
  const got = await download({
    url,
    path,
    known: { digest: { algorithm: 'sha256', hex: sha256 }, ...(bytes !== undefined && { bytes }) },
    ...(send && { send }),
    ...(limits && { limits }),
    ...(clock && { clock }),
    signal,
    onProgress: (now) => progress.download(file, now.bytes, now.total ?? bytes),
    onRetry: (reason, pauseMs) =>
      progress.say(`${reason}; trying again in ${Math.ceil(pauseMs / 1000)} s`),
  }).catch((error: unknown) => {
    signal.throwIfAborted();
    throw inWords(error);
  });
  progress.say(`${file}: its SHA-256 is that of the index`);
  return { file, path, ...got };
}

/** A file of a folder, as it is there. Throws  DATA_INVALID when it is not the known one. */
async function taken({ file, path = '', sha256 }: FoundWheel): Promise<LocalWheel> {
  const found = await stat(path).catch((cause: unknown) => {
    throw cannotRead(path, cause);
  });
  const digests = await digestsOfFile(path);
  if (sha256 !== undefined && digests.sha256 !== sha256) {
    throw new TesseraError('DATA_INVALID', `${path} is not the known file of that name`, {
      hint: `its SHA-256 is ${digests.sha256}, not ${sha256}: fetch it again`,
    });
  }
  return { file, path, bytes: found.size, sha256: digests.sha256 };
}

/** A wheel that an earlier command has downloaded; one that is another than the index has now is removed. */
async function arrived(path: string, sha256: string) {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) return undefined;
  const digests = await digestsOfFile(path);
  if (digests.sha256 === sha256) return { bytes: found.size, sha256 };
  await rm(path, { force: true });
  return undefined;
}

async function unpackAll(
  wheels: readonly WheelContents[],
  folder: string,
  { signal, progress, bytes }: Pick<AddOptions, 'signal' | 'progress'> & { readonly bytes: number },
): Promise<void> {
  const there = new Map<string, number>();
  let written = 0;
  const onBytes = (more: number) => {
    written += more;
    progress.unpack(written, bytes);
  };
  for (const wheel of wheels) {
    await unpackWheel(wheel, { folder, there, signal, onBytes }).catch((error: unknown) => {
      signal.throwIfAborted();
      throw error instanceof TesseraError ? error : cannotWrite(folder, error);
    });
  }
  // The contents are flushed: their names are what is left.
  const folders = new Set([...there.keys()].map((name) => dirname(join(folder, name))));
  for (const path of folders) await machineDisk.flushFolder(path);
}

async function writeRecord(folder: string, record: EngineRecord): Promise<void> {
  const text = `${JSON.stringify(record, null, 2)}\n`;
  await writeFileAtomically(join(folder, RECORD_NAME), [new TextEncoder().encode(text)]);
}

/** Hints of downloads speak of flags that this command does not have. */
const HINTS: Partial<Record<ErrorCode, string>> = {
  DATA_INVALID: 'try again later, or use another index with --index',
  TIMEOUT:
    'run the command again to resume, use a mirror with --index, or give the wheels with --from',
  CANNOT_WRITE:
    'free some space or choose another folder with TESSERA_ENGINES, and run the command again: what has arrived is kept',
};

function inWords(thrown: unknown): TesseraError {
  const error = TesseraError.from(thrown);
  if (!/with --(url|out)/.test(error.hint ?? '') && error.code !== 'CANNOT_WRITE') return error;
  const hint = HINTS[error.code];
  return new TesseraError(error.code, error.sentence, {
    ...(hint !== undefined && { hint }),
    cause: error,
  });
}
