/** @file A lock that is held: kept in place and young until it is released. */
import { dirname } from 'node:path';
import { holderWords, type JudgedLock, judgeLock, type LockHolder } from './file.ts';
import { inUse, type LockParts, makeLock } from './parts.ts';

/** What may happen to a lock that is held. */
export interface LockWatcher {
  /** It was removed, and its folder perhaps; it has been made again. */
  readonly remade: () => void;
  /** Another process holds it now: it was removed and taken, or we slept for too long. Called once, with the description of the other. */
  readonly lost: (to: string) => void;
}

/** A lock that is held. */
export interface HeldLock {
  /** The callbacks for events of the lock. */
  watch(watcher: LockWatcher): void;
  /** Throws  RUN_IN_USE when another holds it now, naming that one. */
  confirm(): Promise<void>;
  /** Leaves it as it is from now on: it may go with its folder. */
  keepStill(): Promise<void>;
  release(): Promise<void>;
}

/** A lock that another had while we were away. */
const PASSED_ON: JudgedLock = { holder: undefined, standing: 'gone', isElsewhere: false };

/** Touches a lock now and then, and makes it again where it was removed. */
export class KeptLock implements HeldLock {
  readonly #path: string;
  readonly #holder: LockHolder;
  readonly #parts: LockParts;
  readonly #stopTouching: () => void;
  /** The time of the last touch, by both clocks: one stops while the machine sleeps, the other may be set. */
  #touchedMs: readonly [number, number];
  #text: string;
  #watcher: LockWatcher | undefined;
  #touching: Promise<void> | undefined;

  constructor(path: string, made: { holder: LockHolder; text: string }, parts: LockParts) {
    this.#path = path;
    this.#holder = made.holder;
    this.#text = made.text;
    this.#parts = parts;
    this.#touchedMs = this.#now();
    this.#stopTouching = parts.clock.every(parts.times.touchMs, () => {
      // A temporarily missing disk does not stop the run.
      this.#touching ??= this.#touch()
        .catch(() => {})
        .finally(() => (this.#touching = undefined));
    });
  }

  watch(watcher: LockWatcher): void {
    this.#watcher = watcher;
  }

  async confirm(): Promise<void> {
    // An unreadable lock is not another's; code that needs the disk will report its error.
    const now = await this.#look().catch(() => 'unknown' as const);
    if (now === 'unknown') return;
    if (now === undefined && this.#wasAway()) throw inUse(this.#path, PASSED_ON);
    if (now !== undefined && this.#isOfAnother(now)) throw inUse(this.#path, now);
  }

  async keepStill(): Promise<void> {
    this.#stopTouching();
    // A touch under way could make it again.
    await this.#touching;
  }

  async release(): Promise<void> {
    await this.keepStill();
    // A disk that is full, read-only or away must not hide how the run ended; who is dead holds nothing.
    await this.#remove().catch(() => {});
  }

  async #touch(): Promise<void> {
    const nowMs = this.#now();
    if (await this.#parts.disk.touch(this.#path, this.#text)) {
      this.#touchedMs = nowMs;
      return;
    }
    const now = (await this.#look()) ?? (this.#wasAway() ? PASSED_ON : undefined);
    if (now === undefined) await this.#remake();
    else if (this.#isOfAnother(now)) {
      this.#stopTouching();
      this.#watcher?.lost(holderWords(now));
    }
  }

  /** Whether others could take it for stale: where it is gone then, one had it, and has ended. */
  #wasAway(): boolean {
    const [clock, wall] = this.#now();
    const [clockThen, wallThen] = this.#touchedMs;
    return Math.max(clock - clockThen, wall - wallThen) >= this.#parts.times.staleMs;
  }

  #now(): readonly [number, number] {
    return [this.#parts.clock.nowMs(), this.#parts.wallMs()];
  }

  async #remake(): Promise<void> {
    await this.#parts.disk.makeFolder(dirname(this.#path));
    const { isMade, text } = await makeLock(this.#path, this.#holder, this.#parts);
    if (!isMade) return;
    this.#text = text;
    this.#touchedMs = this.#now();
    this.#watcher?.remade();
  }

  async #remove(): Promise<void> {
    const now = await this.#look();
    if (now?.holder?.id === this.#holder.id) await this.#parts.disk.remove(this.#path);
  }

  async #look(): Promise<JudgedLock | undefined> {
    const found = await this.#parts.disk.read(this.#path);
    return found && judgeLock(found, this.#parts.processes);
  }

  /** A half-written lock has no holder yet. */
  #isOfAnother(now: JudgedLock): boolean {
    return now === PASSED_ON || (now.holder !== undefined && now.holder.id !== this.#holder.id);
  }
}
