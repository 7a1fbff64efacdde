/**
 * @file What locks are made of in a simulated world: their files on the disk that all share, and the processes of machines
 * and containers, whose names and numbers come twice.
 */
import { dirname } from 'node:path';
import type { ProcessIdentity } from '../../shared/machine/processes.ts';
import type { LockDisk, LockPlace } from '../../shared/runs/lock/disk.ts';
import type { LockParts } from '../../shared/runs/lock/parts.ts';
import type { Dice } from './dice.ts';
import type { Host } from './host.ts';
import type { Timeline } from './timeline.ts';

/** Of the product, only faster; a process may freeze for longer than `staleMs`. */
export const LOCK_TIMES = { touchMs: 200, staleMs: 1_200, halfMs: 100, lookMs: 40 };

interface LockFile {
  text: string;
  touchedMs: number;
  readonly number: number;
}

/** What a process is, and whether it lives. */
interface SimProcess {
  readonly identity: ProcessIdentity;
  readonly host: Host;
}

/** The locks of a world. */
export class Locks {
  readonly #timeline: Timeline;
  /** Undefined in worlds without strangers: there a call takes no time, and a file survives a crash. */
  readonly #dice: Dice | undefined;
  readonly #isLasting: boolean;
  readonly #files = new Map<string, LockFile>();
  /** Folders that were removed. */
  readonly #gone = new Set<string>();
  readonly #processes: SimProcess[] = [];
  readonly #touched = new Map<Host, number>();
  #numNumbers = 0;
  #numIds = 0;

  constructor(timeline: Timeline, dice: Dice | undefined) {
    this.#timeline = timeline;
    this.#dice = dice;
    this.#isLasting = dice?.chance(0.7) ?? true;
  }

  /** Whether numbers of files tell a copy from its original. */
  get isLasting(): boolean {
    return this.#isLasting;
  }

  /** What a process makes locks with. */
  partsFor(host: Host, identity: ProcessIdentity): LockParts {
    this.#processes.push({ identity, host });
    return {
      disk: this.#diskFor(host),
      clock: host.clock,
      wallMs: () => this.#timeline.nowMs,
      processes: {
        me: identity,
        fateOf: ({ pid, started }) => {
          const isIt = (one: SimProcess) =>
            one.host.isAlive &&
            one.identity.boot === identity.boot &&
            one.identity.table === identity.table &&
            one.identity.pid === pid &&
            one.identity.started === started;
          return this.#processes.some(isIt) ? 'alive' : 'dead';
        },
      },
      newId: () => {
        this.#numIds += 1;
        return `id-${this.#numIds}`;
      },
      times: LOCK_TIMES,
    };
  }

  /** When a process made or touched a lock last, in the world's time. */
  touchedMs(host: Host): number {
    return this.#touched.get(host) ?? Number.NEGATIVE_INFINITY;
  }

  /** Locks in a folder, and beside them. */
  namesIn(folder: string): string[] {
    return [...this.#files.keys()].filter((path) => dirname(path) === folder);
  }

  /** Whether a folder was removed and not made again. */
  isGone(folder: string): boolean {
    return this.#gone.has(folder);
  }

  /** A person copies a folder, times included. */
  copy(from: string, to: string): void {
    for (const path of this.namesIn(from)) {
      const { text, touchedMs } = this.#files.get(path)!;
      this.#put(to + path.slice(from.length), { text, touchedMs });
    }
  }

  /** A folder gets another name, or goes. */
  renamed(from: string): void {
    for (const path of this.namesIn(from)) this.#files.delete(path);
    this.#gone.add(from);
  }

  /** Power fails: a lock that was not flushed is there, or in part, or not. */
  crash(): void {
    const dice = this.#dice;
    if (dice === undefined) return;
    for (const [path, file] of this.#files) {
      const fate = dice.integer(0, 2);
      if (fate === 0) this.#files.delete(path);
      if (fate === 1) file.text = file.text.slice(0, dice.integer(0, file.text.length));
    }
  }

  #diskFor(host: Host): LockDisk {
    const call = <T>(work: () => T) => this.#call(host, work);
    return {
      read: (path) =>
        call(() => {
          const file = this.#files.get(path);
          return file && { ...file, place: this.#placeOf(path, file.number) };
        }),
      make: (path, _scratch, textOf) =>
        call(() => {
          if (this.#gone.has(dirname(path)))
            throw Object.assign(new Error('ENOENT'), { code: 'ENOENT' });
          const { nowMs } = this.#timeline;
          if (this.#files.has(path)) return { isMade: false, nowMs };
          const number = this.#numNumbers + 1;
          this.#put(path, { text: textOf(this.#placeOf(path, number)), touchedMs: nowMs });
          this.#touched.set(host, nowMs);
          return { isMade: true, nowMs };
        }),
      touch: (path, text) =>
        call(() => {
          const file = this.#files.get(path);
          if (file?.text !== text) return false;
          file.touchedMs = this.#timeline.nowMs;
          this.#touched.set(host, file.touchedMs);
          return true;
        }),
      remove: (path) => call(() => void this.#files.delete(path)),
      makeFolder: (path) => call(() => this.#gone.delete(path)),
    };
  }

  #call<T>(host: Host, work: () => T): Promise<T> {
    const dice = this.#dice;
    if (dice === undefined) return Promise.resolve().then(work);
    return new Promise((resolve, reject) => {
      host.after(dice.between(0.1, 3), () => {
        try {
          resolve(work());
        } catch (error) {
          reject(error);
        }
      });
    });
  }

  #put(path: string, file: Omit<LockFile, 'number'>): void {
    this.#numNumbers += 1;
    this.#files.set(path, { ...file, number: this.#numNumbers });
  }

  #placeOf(path: string, number: number): LockPlace {
    // No folder is renamed here, and none made again: its name will do for a number.
    const file = `1:${number}`;
    return { folder: `1:${dirname(path)}`, file, isLasting: this.#isLasting, names: 1 };
  }
}
