/** @file The lock of the folder of engines: one process at a time adds or removes. */
import { join } from 'node:path';
import { TesseraError } from '../../shared/core/errors.ts';
import { makeFolder } from '../../shared/files/files.ts';
import { takeLock } from '../../shared/runs/lock/lock.ts';

/** How the lock is taken. */
export interface Locking {
  /** What it is taken for, for the user of another terminal: `engines add`. */
  readonly work: string;
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
}

/**
 * Does something to the folder of engines while no other process does.
 *
 * Throws  RUN_IN_USE, naming the other process; CANNOT_WRITE; what `act` throws.
 */
export async function withEnginesLock<T>(
  root: string,
  { work, signal, say }: Locking,
  act: () => Promise<T>,
): Promise<T> {
  await makeFolder(root);
  const taking = takeLock(join(root, '.lock'), { work, signal, onWait: say });
  const lock = await taking.catch((thrown: unknown) => {
    throw inWords(TesseraError.from(thrown));
  });
  try {
    return await act();
  } finally {
    await lock.release();
  }
}

function inWords(error: TesseraError): TesseraError {
  const hints: Partial<Record<TesseraError['code'], string>> = {
    RUN_IN_USE: 'wait until that process has ended, and run the command again',
    CANNOT_WRITE: 'choose a folder that can be written with TESSERA_ENGINES',
  };
  const hint = hints[error.code];
  return hint === undefined
    ? error
    : new TesseraError(error.code, error.sentence, { hint, cause: error });
}
