/** @file Brings the newest whole checkpoint of a mirror into an empty run folder, every byte verified. */
import { join } from 'node:path';
import { type ErrorCode, TesseraError } from '../../core/errors.ts';
import { type Disk, machineDisk, type NewFile } from '../../files/disk.ts';
import { buildFolderAtomically, cannotWrite, makeFolder } from '../../files/files.ts';
import { placeText } from '../../objects/place.ts';
import type { ObjectStore } from '../../objects/store.ts';
import { CHECKPOINT_FILES, checkpointFolder } from '../checkpoint/layout.ts';
import { type CheckpointState, decodeState } from '../checkpoint/state.ts';
import { EXECUTABLES_FOLDER, RUN_FILES } from '../layout.ts';
import {
  type Inventory,
  inventoryOf,
  type Manifest,
  type MirroredFile,
  missingOf,
  objectOf,
} from './manifest.ts';
import { readManifest } from './read-manifest.ts';

/** What is restored, and whether it may be. */
export interface RestoreOptions {
  readonly store: ObjectStore;
  readonly runFolder: string;
  /** Refuses a checkpoint of another run, before anything but its state and its config is read. Throws  CHECKPOINT_MISMATCH. */
  readonly refuse: (state: CheckpointState, configText: string) => Promise<void>;
  readonly onProgress?: (progress: { readonly bytes: number; readonly total: number }) => void;
  /** Gets why a newer checkpoint of the mirror is passed over. */
  readonly onSkip?: (sentence: string) => void;
  readonly disk?: Disk;
}

/** A checkpoint that was brought back. */
export interface Restored {
  readonly step: number;
  readonly bytes: number;
}

/** A checkpoint that is so may have an older one that is good. */
const PASSED_OVER: ReadonlySet<ErrorCode> = new Set([
  'CHUNK_CORRUPT',
  'DATA_INVALID',
  'CHECKPOINT_CORRUPT',
]);

/**
 * Restores the newest whole checkpoint, and the best one if that is another; undefined where the mirror has none at all.
 *
 * Throws  CHECKPOINT_MISMATCH for another run; CHECKPOINT_CORRUPT when none is whole; CANNOT_WRITE; as `ObjectStore` does.
 */
export async function restoreRun(options: RestoreOptions): Promise<Restored | undefined> {
  const { store, onSkip = () => {} } = options;
  // A list has no checksum: what is in neither of two is not there.
  const lists = [inventoryOf(await store.list()), inventoryOf(await store.list())];
  const steps = [...new Set(lists.flatMap((list) => list.steps))].sort((a, b) => b - a);
  let last = '';
  for (const step of steps) {
    try {
      return await restoreStep(step, lists, options);
    } catch (thrown) {
      const error = TesseraError.from(thrown);
      if (!PASSED_OVER.has(error.code)) throw error;
      last = error.sentence;
      onSkip(`step ${step} of ${placeText(store.place)} is passed over: ${error.sentence}`);
    }
  }
  if (steps.length === 0) return undefined;
  throw new TesseraError(
    'CHECKPOINT_CORRUPT',
    `none of the ${steps.length} checkpoints in ${placeText(store.place)} is whole: ${last}`,
    { hint: 'bring one back from a copy, or begin the run without checkpoint.mirror' },
  );
}

async function restoreStep(
  step: number,
  lists: readonly Inventory[],
  options: RestoreOptions,
): Promise<Restored> {
  const { store, runFolder, refuse, onProgress = () => {}, disk = machineDisk } = options;
  const manifest = await wholeManifest(step, lists, options);
  const { config, state } = await smallFiles(manifest, options);
  await refuse(state, config);
  const bestStep = state.progress.best?.version;
  const best = await bestManifest(bestStep, step, lists, options);
  const all = [...manifest.files, ...(best?.files ?? []).filter(({ of }) => of === 'checkpoint')];
  const total = all.reduce((sum, { bytes }) => sum + bytes, 0);
  let bytes = 0;
  const fetch = async (from: Manifest, file: MirroredFile, path: string) => {
    let here = 0;
    await fetchFile(store, { step: from.step, file, path, disk }, (more) => {
      bytes += more === 0 ? -here : more;
      here = more === 0 ? 0 : here + more;
      onProgress({ bytes, total });
    });
  };
  const fetchCheckpoint = async (from: Manifest, folder: string) => {
    for (const file of from.files.filter(({ of }) => of === 'checkpoint')) {
      await fetch(from, file, join(folder, file.name));
    }
  };
  await makeFolder(runFolder, disk);
  // A restore that is cut short leaves no checkpoint, so that the next start restores again.
  const build = async (folder: string) => {
    await fetchCheckpoint(manifest, folder);
    const others = manifest.files.filter(({ of }) => of !== 'checkpoint');
    for (const file of others) await fetch(manifest, file, join(folder, file.name));
    await moveOut(others, folder, { runFolder, disk });
    if (best === undefined) return;
    const bestFolder = checkpointFolder(runFolder, best.step);
    await buildFolderAtomically(bestFolder, (at) => fetchCheckpoint(best, at), disk);
  };
  await buildFolderAtomically(checkpointFolder(runFolder, step), build, disk);
  return { step, bytes: total };
}

/** Files of the run itself, from beside a checkpoint to their places. */
async function moveOut(
  files: readonly MirroredFile[],
  from: string,
  { runFolder, disk }: { readonly runFolder: string; readonly disk: Disk },
): Promise<void> {
  const programs = join(runFolder, EXECUTABLES_FOLDER);
  if (files.some(({ of }) => of === 'executables')) await makeFolder(programs, disk);
  for (const { of, name } of files) {
    const to = join(of === 'executables' ? programs : runFolder, name);
    await disk.rename(join(from, name), to).catch((error: unknown) => {
      throw cannotWrite(to, error);
    });
  }
}

/** Puts an object into a new file; `arrived` gets the bytes of each piece, 0 where it is begun again. */
async function fetchFile(
  store: ObjectStore,
  {
    step,
    file,
    path,
    disk,
  }: {
    readonly step: number;
    readonly file: MirroredFile;
    readonly path: string;
    readonly disk: Disk;
  },
  arrived: (bytes: number) => void,
): Promise<void> {
  let open: NewFile | undefined;
  const onDisk = async <T>(work: Promise<T>): Promise<T> =>
    await work.catch((error: unknown) => {
      throw cannotWrite(path, error);
    });
  try {
    await store.get(objectOf(step, file), file, async (piece) => {
      if (piece !== undefined) await onDisk(open?.write(piece) ?? Promise.resolve());
      else {
        await open?.close();
        open = undefined;
        await onDisk(disk.remove(path));
        open = await onDisk(disk.create(path));
      }
      arrived(piece?.length ?? 0);
    });
    await onDisk((open as NewFile | undefined)?.flush() ?? Promise.resolve());
  } finally {
    await (open as NewFile | undefined)?.close();
  }
}

async function wholeManifest(
  step: number,
  lists: readonly Inventory[],
  { store }: RestoreOptions,
): Promise<Manifest> {
  const manifest = await readManifest(store, step);
  const missing = lists.map((list) => manifest && missingOf(manifest, list));
  if (manifest !== undefined && missing.includes(undefined)) return manifest;
  const reason =
    manifest === undefined
      ? 'its manifest is damaged'
      : `${missing[0]} is missing, or of another size`;
  throw new TesseraError('CHUNK_CORRUPT', `the checkpoint of step ${step} is not whole: ${reason}`);
}

/** The manifest of the best version, where it is another and whole; the run says so at its end where it is not. */
async function bestManifest(
  bestStep: number | undefined,
  step: number,
  lists: readonly Inventory[],
  options: RestoreOptions,
): Promise<Manifest | undefined> {
  const isThere = lists.some(({ steps }) => bestStep !== undefined && steps.includes(bestStep));
  if (bestStep === undefined || bestStep === step || !isThere) return undefined;
  return await wholeManifest(bestStep, lists, options).catch((error: unknown) => {
    const { sentence } = TesseraError.from(error);
    options.onSkip?.(`the best version, of step ${bestStep}, is not restored: ${sentence}`);
    return undefined;
  });
}

/** More than what says whose run it is can have. */
const SMALL_BYTES_MAX = 16 * 1024 ** 2;

/** What says whose run it is. */
async function smallFiles({ step, files }: Manifest, { store, runFolder }: RestoreOptions) {
  const read = async (of: MirroredFile['of'], name: string) => {
    const file = files.find((one) => one.of === of && one.name === name);
    const pieces: Buffer[] = [];
    if (file === undefined || file.bytes > SMALL_BYTES_MAX) return Buffer.concat(pieces);
    await store.get(objectOf(step, file), file, async (piece) => {
      if (piece === undefined) pieces.length = 0;
      else pieces.push(piece);
    });
    return Buffer.concat(pieces);
  };
  const folder = checkpointFolder(runFolder, step);
  const state = decodeState(folder, await read('checkpoint', CHECKPOINT_FILES.state));
  return { state, config: (await read('run', RUN_FILES.config)).toString('utf8') };
}
