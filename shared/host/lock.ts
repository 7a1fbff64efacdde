/**
 * @file A lock on a folder: one process holds it, and who died holding it does not keep others out.
 *
 * The holder is known by host, process and the process's start. On its own host that decides; from elsewhere, over a
 * shared disk, a lock counts as long as its holder keeps touching it.
 */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { link, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import { systemClock } from '../core/clock.ts';
import { TesseraError } from '../core/errors.ts';
import { errnoOf, isProcessAlive } from './errno.ts';
import { makeFolders } from './make-folders.ts';
import { readTextFile } from './regular-file.ts';
import { whyNot } from './trouble.ts';

/** Who holds a lock. */
export interface LockHolder {
  readonly id: string;
  readonly host: string;
  readonly pid: number;
  /** Start of the process in the kernel's ticks; '' where nobody tells. */
  readonly started: string;
}

/** What may befall a lock that is held. */
export interface LockWatcher {
  /** It was removed, and its folder perhaps; it has been made again. */
  readonly remade: () => void;
  /** Another holds it now: it was removed and taken, or we were away for too long. Told once. */
  readonly lost: (to: LockHolder) => void;
}

/** A lock that is held. */
export interface HeldLock {
  /** Who is to hear of what befalls it. */
  watch(watcher: LockWatcher): void;
  release(): Promise<void>;
}

const TOUCH_MS = 5_000;
/** A holder on another host that has not touched its lock for so long is gone. */
const STALE_MS = 30_000;
/** Half a lock of this age is of somebody who died writing it, not of one who is at it. */
const HALF_MS = 2_000;
const ATTEMPTS = 5;
const PAUSE_MS = 20;

/** What file systems without hard links say to one. */
const NO_LINKS = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'];

/**
 * Takes the lock that the file `path` is.
 *
 * Throws  RUN_IN_USE, naming the holder; CANNOT_WRITE.
 */
export async function takeLock(path: string, touchMs = TOUCH_MS): Promise<HeldLock> {
  const holder = {
    id: randomUUID(),
    host: hostname(),
    pid: process.pid,
    started: startOf(process.pid),
  };
  try {
    for (let attempt = 1; ; attempt += 1) {
      if (await putWhole(path, holder)) return new KeptLock(path, holder, touchMs);
      const other = await holderOf(path);
      if (other !== undefined || attempt === ATTEMPTS) throw inUse(path, other);
      await removeStale(path);
    }
  } catch (error) {
    throw error instanceof TesseraError ? error : cannotLock(path, error);
  }
}

/** Who holds a lock now; undefined when nobody does, or its holder has died. */
export async function holderOf(path: string): Promise<LockHolder | undefined> {
  const found = await readLock(path);
  return found?.isStale === false ? found.holder : undefined;
}

/** Keeps a lock in place and young until it is released. */
class KeptLock implements HeldLock {
  readonly #path: string;
  readonly #holder: LockHolder;
  readonly #timer: NodeJS.Timeout;
  #watcher: LockWatcher | undefined;
  #touching: Promise<void> | undefined;

  constructor(path: string, holder: LockHolder, touchMs: number) {
    this.#path = path;
    this.#holder = holder;
    this.#timer = setInterval(() => {
      // A disk that is away for a while is no reason to stop.
      this.#touching ??= this.#touch()
        .catch(() => {})
        .finally(() => (this.#touching = undefined));
    }, touchMs);
    this.#timer.unref();
  }

  watch(watcher: LockWatcher): void {
    this.#watcher = watcher;
  }

  async release(): Promise<void> {
    clearInterval(this.#timer);
    // A touch under way could make it again.
    await this.#touching;
    // A disk that is full, read-only or away must not hide how the run ended; who is dead holds nothing.
    await this.#remove().catch(() => {});
  }

  async #touch(): Promise<void> {
    const found = await readLock(this.#path);
    if (found === undefined) {
      await makeFolders(dirname(this.#path));
      if (await putWhole(this.#path, this.#holder)) this.#watcher?.remade();
    } else if (found.holder?.id === this.#holder.id) {
      const now = new Date();
      await utimes(this.#path, now, now);
    } else if (found.holder !== undefined) {
      clearInterval(this.#timer);
      this.#watcher?.lost(found.holder);
    }
  }

  async #remove(): Promise<void> {
    const found = await readLock(this.#path);
    if (found?.holder?.id === this.#holder.id) await rm(this.#path, { force: true });
  }
}

/** Makes a lock at one stroke, so that nobody sees half of it; false when there is one. */
async function putWhole(path: string, holder: LockHolder): Promise<boolean> {
  const content = JSON.stringify(holder);
  const whole = `${path}.${holder.id}`;
  try {
    await writeFile(whole, content);
    await link(whole, path).catch((error: unknown) => {
      if (!NO_LINKS.includes(errnoOf(error))) throw error;
      return writeFile(path, content, { flag: 'wx' });
    });
    return true;
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return false;
    throw error;
  } finally {
    await rm(whole, { force: true });
  }
}

/**
 * Removes a lock whose holder is gone, under a lock of its own that carries the dead holder's id. So one process
 * at a time removes it, and what it removes is still that holder's: nobody else may, and no id comes twice.
 */
async function removeStale(path: string): Promise<void> {
  const found = await readLock(path);
  if (found === undefined) return;
  const removal = found.isStale
    ? await takeLock(`${path}.${found.holder?.id ?? 'half'}`).catch(busy)
    : undefined;
  if (removal === undefined) {
    await systemClock.sleep(PAUSE_MS);
    return;
  }
  try {
    const now = await readLock(path);
    if (now?.isStale && now.holder?.id === found.holder?.id) await rm(path, { force: true });
  } finally {
    await removal.release();
  }
}

function busy(error: unknown): undefined {
  if (!(error instanceof TesseraError) || error.code !== 'RUN_IN_USE') throw error;
}

/** What a lock says, and whether it has outlived its holder; undefined when there is none. */
async function readLock(
  path: string,
): Promise<{ holder: LockHolder | undefined; isStale: boolean } | undefined> {
  try {
    const holder = parseHolder(await readTextFile(path));
    if (holder?.host === hostname()) return { holder, isStale: !isAlive(holder) };
    const ageMs = Date.now() - (await stat(path)).mtimeMs;
    return { holder, isStale: ageMs >= (holder === undefined ? HALF_MS : STALE_MS) };
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw cannotLock(path, error);
  }
}

/** Undefined for half a lock, and for what no process of ours wrote: its id becomes a name of a file. */
function parseHolder(text: string): LockHolder | undefined {
  try {
    const found: Partial<LockHolder> | null = JSON.parse(text);
    const { id, host, pid, started } = found ?? {};
    if (!Number.isInteger(pid) || !/^[\w-]{1,64}$/.test(String(id))) return undefined;
    return { id: String(id), host: String(host), pid: Number(pid), started: String(started) };
  } catch {
    return undefined;
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
  return new TesseraError('CANNOT_WRITE', `cannot take the lock ${path}: ${whyNot(path, cause)}`, {
    hint: 'choose a folder that can be written with --run-folder',
    cause,
  });
}
