/**
 * @file A lock on a folder: one process holds it, and who died holding it does not keep others out.
 *
 * Whether its holder lives, the table of processes says where it is ours (`lock-file.ts`), and its age elsewhere
 * (`lock-age.ts`).
 */

import { errnoOf } from '../../core/errno.ts';
import { TesseraError } from '../../core/errors.ts';
import { whyNot } from '../../files/why-not.ts';
import { isOutlived, type Waiting } from './age.ts';
import type { FoundLock } from './disk.ts';
import { judgeLock, type LockHolder } from './file.ts';
import { type HeldLock, KeptLock } from './kept.ts';
import { inUse, type LockParts, MACHINE_LOCKS, makeLock } from './parts.ts';

export type { LockHolder } from './file.ts';
export type { HeldLock, LockWatcher } from './kept.ts';
export { type LockParts, REMOVAL } from './parts.ts';

/** How a lock is taken; other parts than the machine's are for tests and the simulator. */
export interface LockOptions extends Partial<LockParts>, Waiting {
  /** What its holder does with the run, where that is not to train it. */
  readonly work?: string;
}

const ATTEMPTS = 5;
const PAUSE_MS = 20;

/**
 * Takes the lock that the file `path` is. One that its age decides on is watched first, for 30 s at most.
 *
 * Throws  RUN_IN_USE, naming the holder; CANNOT_WRITE; the reason of `signal`.
 */
export async function takeLock(path: string, options: LockOptions = {}): Promise<HeldLock> {
  const { work, signal, onWait, ...parts } = options;
  const waiting = { signal, ...(onWait && { onWait }) };
  return await take(path, { parts: { ...MACHINE_LOCKS, ...parts }, work, waiting });
}

/** The holder of a lock, as far as one read shows; undefined if it has none, or its holder has died. */
export async function holderOf(
  path: string,
  parts: Partial<LockParts> = {},
): Promise<LockHolder | undefined> {
  const { disk, processes, wallMs, times } = { ...MACHINE_LOCKS, ...parts };
  const found = await disk.read(path).catch((error: unknown) => {
    throw cannotLock(path, error);
  });
  if (found === undefined) return undefined;
  const { holder, standing } = judgeLock(found, processes);
  if (standing === 'held') return holder;
  // One that lies in the time to come was touched before a clock was set back; its holder would have touched it since.
  const isYoung = Math.abs(wallMs() - found.touchedMs) < times.staleMs;
  return standing === 'unsure' && isYoung ? holder : undefined;
}

interface Taking {
  readonly parts: LockParts;
  readonly work: string | undefined;
  /** Undefined where a look must do. */
  readonly waiting: Waiting | undefined;
}

async function take(path: string, taking: Taking): Promise<HeldLock> {
  const { parts, work, waiting } = taking;
  const { host, pid, started } = parts.processes.me;
  const holder: LockHolder = { id: parts.newId(), host, pid, started, work };
  try {
    for (let attempt = 1; ; attempt += 1) {
      const { isMade, nowMs, text } = await makeLock(path, holder, parts);
      if (isMade) return new KeptLock(path, { holder, text }, parts);
      if (await isCleared(path, { nowMs, isLast: attempt >= ATTEMPTS }, taking)) continue;
      await parts.clock.sleep(PAUSE_MS, waiting?.signal);
    }
  } catch (error) {
    waiting?.signal?.throwIfAborted();
    throw error instanceof TesseraError ? error : cannotLock(path, error);
  }
}

/** Whether a lock that is in the way was of the dead, and is removed. Throws  RUN_IN_USE. */
async function isCleared(
  path: string,
  { nowMs, isLast }: { readonly nowMs: number; readonly isLast: boolean },
  { parts, waiting }: Taking,
): Promise<boolean> {
  const found = await parts.disk.read(path);
  if (found === undefined) {
    if (isLast) throw new Error('it is a link that leads nowhere');
    return false;
  }
  const judged = judgeLock(found, parts.processes);
  const isStale = await isOutlived({ path, found, judged, nowMs }, parts, waiting);
  if (isLast) throw inUse(path, judged);
  return isStale && (await removeStale(path, found, parts));
}

/**
 * Removes a lock whose holder is gone, under a second lock with the dead holder's id; returns whether it did. So
 * one process at a time removes it, and what it removes is still that holder's: no other process may, and ids are unique.
 */
async function removeStale(path: string, found: FoundLock, parts: LockParts): Promise<boolean> {
  const id = judgeLock(found, parts.processes).holder?.id ?? 'half';
  const removal = await take(`${path}.${id}`, {
    parts,
    work: undefined,
    waiting: undefined,
  }).catch(busy);
  if (removal === undefined) return false;
  try {
    const now = await parts.disk.read(path);
    const isSame = now?.text === found.text && now.touchedMs === found.touchedMs;
    if (isSame) await parts.disk.remove(path);
    return isSame;
  } finally {
    await removal.release();
  }
}

function busy(error: unknown): undefined {
  if (!(error instanceof TesseraError) || error.code !== 'RUN_IN_USE') throw error;
}

function cannotLock(path: string, cause: unknown): TesseraError {
  const isInTheWay = errnoOf(cause) === '';
  return new TesseraError('CANNOT_WRITE', `cannot take the lock ${path}: ${whyNot(path, cause)}`, {
    hint: isInTheWay
      ? 'it is in the place of a lock: remove it'
      : 'choose a folder that can be written with --run-folder',
    cause,
  });
}
