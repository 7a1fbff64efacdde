/**
 * @file Which compiled programs a run keeps for all workers, which worker compiles what, and what is refused.
 *
 * A key is free, then compiled by one worker, then kept for good. The worker that compiles loses its turn when its
 * process is gone, when it gives the turn back, or when it takes too long. The first executable that arrives is kept,
 * whichever worker brings it: all others take that one.
 */
import type {
  ExecutablePushed,
  ExecutableRefused,
  ExecutableState,
  ExecutableSum,
} from '../../shared/contract/messages.ts';

/** How many executables are kept, and for how long one may be compiled. */
export interface ExecutableLimits {
  /** Bytes of one. */
  readonly executableBytes: number;
  /** Bytes of all. */
  readonly executablesBytes: number;
  /** Keys that are kept, compiled or refused. */
  readonly keysMax: number;
  /** A compilation that takes longer is begun by another worker too. Units  milliseconds. */
  readonly compileMs: number;
}

type Entry =
  | { readonly state: 'kept'; readonly sum: ExecutableSum }
  | { readonly state: 'compiling'; readonly owner: string; readonly sinceMs: number }
  | ({ readonly state: 'refused' } & ExecutableRefused);

/** What becomes of an executable that is offered: its bytes are to come, or are not needed, or must wait. */
export type ExecutableOffer =
  | { readonly outcome: 'send' }
  | { readonly outcome: 'busy' }
  | ExecutablePushed;

/** The executables of one run, without their bytes. Owners are processes of workers. */
export class ExecutableBook {
  readonly #limits: ExecutableLimits;
  readonly #isHere: (owner: string) => boolean;
  readonly #entries = new Map<string, Entry>();
  /** Bytes that are on their way, by the process that sends them. */
  readonly #coming = new Map<string, number>();

  /** `isHere` returns whether a process is still connected. */
  constructor(limits: ExecutableLimits, isHere: (owner: string) => boolean) {
    this.#limits = limits;
    this.#isHere = isHere;
  }

  /** An executable that was kept before this coordinator started. */
  restore(digest: string, sum: ExecutableSum): void {
    this.#entries.set(digest, { state: 'kept', sum });
  }

  /** What is kept under a digest. */
  find(digest: string): ExecutableSum | undefined {
    const entry = this.#entries.get(digest);
    return entry?.state === 'kept' ? entry.sum : undefined;
  }

  /** A process needs an executable. */
  ask(digest: string, owner: string, nowMs: number): ExecutableState {
    const entry = this.#entries.get(digest);
    if (entry === undefined && !this.#hasRoom(nowMs)) return this.#tooMany();
    if (entry?.state === 'kept') return { outcome: 'kept', ...entry.sum };
    if (entry?.state === 'refused') return { outcome: 'refused', reason: entry.reason };
    if (entry !== undefined && !this.#isOver(entry, nowMs)) {
      return { outcome: entry.owner === owner ? 'compile' : 'wait' };
    }
    this.#entries.set(digest, { state: 'compiling', owner, sinceMs: nowMs });
    return { outcome: 'compile' };
  }

  /** A process has an executable; where its bytes are to come, they count until `endOffer`. */
  offer(digest: string, owner: string, sum: ExecutableSum, nowMs: number): ExecutableOffer {
    const entry = this.#entries.get(digest);
    if (entry === undefined && !this.#hasRoom(nowMs)) return this.#tooMany();
    if (entry?.state === 'kept') return outcomeBeside(entry.sum, sum);
    if (entry?.state === 'refused') return { outcome: 'refused', reason: entry.reason };
    const reason = this.#refusal(sum);
    if (reason !== undefined) {
      const refused = { outcome: 'refused', reason } as const;
      // The others must not wait for one another, each to be refused in its turn.
      if (entry === undefined || entry.owner === owner) {
        this.#entries.set(digest, { state: 'refused', ...refused });
      }
      return refused;
    }
    const coming = [...this.#coming.values()].reduce((all, bytes) => all + bytes, sum.bytes);
    if (this.#coming.has(owner) || this.#keptBytes + coming > this.#limits.executablesBytes) {
      return { outcome: 'busy' };
    }
    this.#coming.set(owner, sum.bytes);
    return { outcome: 'send' };
  }

  /** The bytes of an offer have come, or do not come. */
  endOffer(owner: string): void {
    this.#coming.delete(owner);
  }

  /** Keeps an executable that has arrived, unless one is kept. */
  keep(digest: string, sum: ExecutableSum): ExecutablePushed {
    const entry = this.#entries.get(digest);
    if (entry?.state === 'kept') return outcomeBeside(entry.sum, sum);
    this.#entries.set(digest, { state: 'kept', sum });
    return { outcome: 'kept' };
  }

  /** A process does not compile an executable after all. */
  release(digest: string, owner: string): void {
    const entry = this.#entries.get(digest);
    if (entry?.state === 'compiling' && entry.owner === owner) this.#entries.delete(digest);
  }

  /** A kept executable cannot be read any more: it is compiled again. */
  lose(digest: string): void {
    if (this.#entries.get(digest)?.state === 'kept') this.#entries.delete(digest);
  }

  get #keptBytes(): number {
    let all = 0;
    for (const entry of this.#entries.values()) all += entry.state === 'kept' ? entry.sum.bytes : 0;
    return all;
  }

  #refusal({ bytes }: ExecutableSum): string | undefined {
    const { executableBytes, executablesBytes } = this.#limits;
    if (bytes > executableBytes) {
      return `it has ${bytes} bytes, more than limits.executableBytes (${executableBytes})`;
    }
    if (this.#keptBytes + bytes <= executablesBytes) return undefined;
    return `the executables of the run would have more than limits.executablesBytes (${executablesBytes})`;
  }

  /** Whether there is room for one more key; turns that are over make some. */
  #hasRoom(nowMs: number): boolean {
    const { keysMax } = this.#limits;
    if (this.#entries.size < keysMax) return true;
    for (const [digest, entry] of this.#entries) {
      if (entry.state === 'compiling' && this.#isOver(entry, nowMs)) this.#entries.delete(digest);
    }
    return this.#entries.size < keysMax;
  }

  #isOver({ owner, sinceMs }: Extract<Entry, { state: 'compiling' }>, nowMs: number): boolean {
    return !this.#isHere(owner) || nowMs - sinceMs > this.#limits.compileMs;
  }

  #tooMany(): ExecutableRefused {
    const reason = `the run keeps ${this.#limits.keysMax} executables, which is the most that it may`;
    return { outcome: 'refused', reason };
  }
}

/** What becomes of an executable whose key has one. */
function outcomeBeside(kept: ExecutableSum, offered: ExecutableSum): ExecutablePushed {
  return { outcome: kept.sha256 === offered.sha256 ? 'kept' : 'otherKept' };
}
