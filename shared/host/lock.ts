/**
 * @file A lock on a folder: one process holds it, and who died holding it does not keep others out.
 *
 * The holder is known by host, process and the process's start. On its own host that decides; from elsewhere, over a
 * shared disk, a lock counts as long as its holder keeps touching it.
 */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { TesseraError } from '../core/errors.ts';
import { errnoOf, isProcessAlive } from './errno.ts';

/** Who holds a lock. */
export interface LockHolder {
  readonly id: string;
  readonly host: string;
  readonly pid: number;
  /** Start of the process in the kernel's ticks; '' where nobody tells. */
  readonly started: string;
}

/** A lock that is held. */
export interface HeldLock {
  release(): Promise<void>;
}

const TOUCH_MS = 5_000;
/** A holder on another host that has not touched its lock for so long is gone. */
const STALE_MS = 30_000;
const ATTEMPTS = 5;

/**
 * Takes the lock that the file `path` is.
 *
 * Throws  RUN_IN_USE, naming the holder; CANNOT_WRITE.
 */
export async function takeLock(path: string): Promise<HeldLock> {
  const holder = {
    id: randomUUID(),
    host: hostname(),
    pid: process.pid,
    started: startOf(process.pid),
  };
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    try {
      await writeFile(path, JSON.stringify(holder), { flag: 'wx' });
      return hold(path, holder);
    } catch (error) {
      if (errnoOf(error) !== 'EEXIST') throw cannotLock(path, error);
    }
    const other = await holderOf(path);
    if (other !== undefined) throw inUse(path, other);
    await removeStale(path);
  }
  throw inUse(path, undefined);
}

/** Who holds a lock now; undefined when nobody does, or its holder has died. */
export async function holderOf(path: string): Promise<LockHolder | undefined> {
  const holder = await readHolder(path);
  if (holder === undefined) return undefined;
  if (holder.host === hostname()) return isAlive(holder) ? holder : undefined;
  const found = await stat(path).catch(() => undefined);
  return found !== undefined && Date.now() - found.mtimeMs < STALE_MS ? holder : undefined;
}

function hold(path: string, holder: LockHolder): HeldLock {
  const timer = setInterval(() => {
    const now = new Date();
    // A disk that is away for a while is no reason to stop.
    utimes(path, now, now).catch(() => {});
  }, TOUCH_MS);
  timer.unref();
  return {
    async release() {
      clearInterval(timer);
      if ((await readHolder(path))?.id === holder.id) await rm(path, { force: true });
    },
  };
}

/** Removes a lock whose holder is gone; if somebody has just taken it instead, gives it back. */
async function removeStale(path: string): Promise<void> {
  const aside = `${path}.${randomUUID()}`;
  try {
    await rename(path, aside);
  } catch {
    return;
  }
  if ((await holderOf(aside)) !== undefined) await rename(aside, path);
  else await rm(aside, { force: true });
}

async function readHolder(path: string): Promise<LockHolder | undefined> {
  try {
    const found: Partial<LockHolder> | null = JSON.parse(await readFile(path, 'utf8'));
    const { id, host, pid, started } = found ?? {};
    if (!Number.isInteger(pid)) return undefined;
    return { id: String(id), host: String(host), pid: Number(pid), started: String(started) };
  } catch (error) {
    // Half a lock, as one without a process, is of somebody who died writing it.
    if (error instanceof SyntaxError || errnoOf(error) === 'ENOENT') return undefined;
    throw cannotLock(path, error);
  }
}

function isAlive({ pid, started }: LockHolder): boolean {
  // The number may be another process's by now.
  return isProcessAlive(pid) && (started === '' || startOf(pid) === started);
}

/** The 22nd field of /proc/PID/stat, counted behind the name, which may hold anything. */
function startOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  } catch {
    return '';
  }
}

function inUse(path: string, holder: LockHolder | undefined): TesseraError {
  const who = holder === undefined ? 'another process' : `process ${holder.pid} on ${holder.host}`;
  return new TesseraError('RUN_IN_USE', `${path} is held by ${who}`, {
    hint: 'one coordinator a run: stop that one first (tessera stop), or choose another --run-folder',
  });
}

function cannotLock(path: string, cause: unknown): TesseraError {
  return new TesseraError('CANNOT_WRITE', `cannot take the lock ${path}: ${String(cause)}`, {
    hint: 'choose a folder that can be written with --run-folder',
    cause,
  });
}
