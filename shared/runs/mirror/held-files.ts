/** @file The files of a checkpoint and of its run, held open, so that what is removed meanwhile can still be copied. */
import { createHash, type Hash } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { errnoOf } from '../../core/errno.ts';
import { cannotRead } from '../../files/files.ts';
import { openRegularFile, type RegularFile } from '../../files/regular-file.ts';
import type { ObjectContent } from '../../objects/store.ts';
import { EXECUTABLES_FOLDER, RUN_FILES } from '../layout.ts';
import type { MirroredFile } from './manifest.ts';

/** A file that is held, and how it may be read. */
export interface HeldFile extends Pick<MirroredFile, 'of' | 'name'> {
  readonly file: RegularFile;
}

/** Files of a run that a new machine needs, or that say what has been. */
const RUN_NAMES = [RUN_FILES.config, RUN_FILES.identity, RUN_FILES.metrics] as const;
/** Records of so many steps are not copied with each checkpoint. */
const METRICS_BYTES_MAX = 64 * 1024 ** 2;
const PIECE_BYTES = 1024 ** 2;

/**
 * Opens the files of a checkpoint and of its run.
 *
 * Throws  DATA_INVALID when the checkpoint has gone.
 */
export async function holdFiles(runFolder: string, checkpoint: string): Promise<HeldFile[]> {
  const held: HeldFile[] = [];
  const add = async (of: MirroredFile['of'], folder: string, name: string) => {
    const file = await openRegularFile(join(folder, name));
    held.push({ of, name, file });
  };
  try {
    for (const name of (await readdir(checkpoint)).sort())
      await add('checkpoint', checkpoint, name);
    for (const name of RUN_NAMES) await add('run', runFolder, name).catch(unlessAbsent);
    const programs = join(runFolder, EXECUTABLES_FOLDER);
    const names = (await readdir(programs).catch(unlessAbsent)) ?? [];
    // A name with a dot is being written.
    for (const name of names.filter((one) => /^[0-9a-f]+$/.test(one))) {
      await add('executables', programs, name).catch(unlessAbsent);
    }
    return held.filter(
      ({ name, file }) => name !== RUN_FILES.metrics || file.size <= METRICS_BYTES_MAX,
    );
  } catch (error) {
    await release(held);
    throw cannotRead(checkpoint, error);
  }
}

/** Closes files. */
export async function release(held: readonly HeldFile[]): Promise<void> {
  await Promise.all(held.map(({ file }) => file.handle.close().catch(() => {})));
}

/** A held file as the content of an object: what it had when it was opened. Throws  DATA_INVALID when it cannot be read. */
export async function contentOf({ name, file }: HeldFile): Promise<ObjectContent> {
  const sha256 = createHash('sha256');
  const md5 = md5Hash();
  try {
    for await (const piece of reader(file)) {
      sha256.update(piece);
      md5?.update(piece);
    }
  } catch (error) {
    throw cannotRead(name, error);
  }
  return {
    ...{ bytes: file.size, sha256: sha256.digest('hex'), md5: md5?.digest('hex') },
    read: () => reader(file),
  };
}

/** A stream of a handle closes it when it is destroyed, as one of a request that fails is: this one does not. */
function reader(file: RegularFile): Readable {
  return Readable.from(piecesOf(file), { objectMode: false, highWaterMark: PIECE_BYTES });
}

async function* piecesOf({ handle, size }: RegularFile): AsyncGenerator<Buffer> {
  for (let at = 0; at < size; ) {
    const piece = Buffer.allocUnsafe(Math.min(PIECE_BYTES, size - at));
    const { bytesRead } = await handle.read(piece, 0, piece.length, at);
    if (bytesRead === 0) throw new Error('it became shorter while being read');
    at += bytesRead;
    yield piece.subarray(0, bytesRead);
  }
}

function md5Hash(): Hash | undefined {
  try {
    return createHash('md5');
  } catch {
    // A machine of the strict kind (FIPS) has none.
    return undefined;
  }
}

function unlessAbsent(error: unknown): undefined {
  if (errnoOf(error) !== 'ENOENT') throw error;
}
