/**
 * @file The compiled programs of a run: kept in its folder, handed out to every worker that asks.
 *
 * They are a part of what a resumed run reads: compilation on a GPU times its choices, so a second one may give other
 * bits. An executable is on the disk before any worker gets it. Where the disk refuses it, it is kept in memory.
 */
import { join } from 'node:path';
import {
  EXECUTABLE_NAME,
  executablePieces,
  readExecutable,
} from '../../shared/compute/executable-file.ts';
import type {
  ExecutableId,
  ExecutablePushed,
  ExecutableSum,
} from '../../shared/contract/messages.ts';
import type { Clock } from '../../shared/core/clock.ts';
import { errnoOf } from '../../shared/core/errno.ts';
import { TesseraError } from '../../shared/core/errors.ts';
import type { IncomingExecutable, OutgoingExecutable } from '../../shared/exchange/exchange.ts';
import { type Disk, machineDisk } from '../../shared/files/disk.ts';
import { writeFileAtomically } from '../../shared/files/files.ts';
import type { Logger } from '../../shared/machine/log.ts';
import { EXECUTABLES_FOLDER } from '../../shared/runs/layout.ts';
import type { HeldLock } from '../../shared/runs/lock/lock.ts';
import { ExecutableBook, type ExecutableLimits } from '../core/executables.ts';
import { SharedReads } from './shared-reads.ts';

const KEYS_MAX = 256;
const COMPILE_MS_MAX = 20 * 60_000;

const REFUSED = 'an executable is not kept: each worker compiles for itself, so bits may differ';
const DAMAGED = 'a kept executable cannot be read: it is compiled again, so bits may differ';
const UNSAVED =
  'an executable cannot be written: a resumed run compiles it again, so bits may differ';

/** What a keeper works with. */
export interface KeeperParts {
  readonly runFolder: string;
  readonly limits: Pick<ExecutableLimits, 'executableBytes' | 'executablesBytes'>;
  readonly clock: Clock;
  readonly log: Logger;
  readonly disk?: Disk | undefined;
  /** Of the run's folder: asked before anything is written there. */
  readonly lock?: Pick<HeldLock, 'confirm'> | undefined;
  /** The process of a worker; undefined once it is gone. */
  processOf(worker: string): string | undefined;
  /** Whether a process is connected. */
  isHere(process: string): boolean;
}

/** The executables of one run. */
export class ExecutableKeeper {
  readonly #parts: KeeperParts;
  readonly #folder: string;
  readonly #book: ExecutableBook;
  readonly #reads: SharedReads;
  /** Those that the disk has refused. */
  readonly #unsaved = new Map<string, Uint8Array>();
  #loaded: Promise<void> | undefined;
  /** One is written at a time: the first of two wins. */
  #writing: Promise<unknown> = Promise.resolve();

  constructor(parts: KeeperParts) {
    this.#parts = parts;
    this.#folder = join(parts.runFolder, EXECUTABLES_FOLDER);
    const limits = { ...parts.limits, keysMax: KEYS_MAX, compileMs: COMPILE_MS_MAX };
    this.#book = new ExecutableBook(limits, (process) => parts.isHere(process));
    this.#reads = new SharedReads((digest) => this.#read(digest));
  }

  /** The executable that a worker asks for, or what it is to do without it. */
  async find(worker: string, { digest, title }: ExecutableId): Promise<OutgoingExecutable> {
    await this.#load();
    const sum = this.#book.find(digest);
    const kept = sum && (await this.#open(digest, title));
    if (sum !== undefined && kept !== undefined) return { outcome: 'kept', ...sum, ...kept };
    const { clock, log } = this.#parts;
    const state = this.#book.ask(digest, this.#ownerOf(worker), clock.nowMs());
    // It has come while a damaged one was read: the worker asks again.
    if (state.outcome === 'kept') return { outcome: 'wait' };
    if (state.outcome === 'compile') log.info({ worker, title }, 'one worker compiles for all');
    if (state.outcome === 'refused') log.warn({ worker, title, reason: state.reason }, REFUSED);
    return state;
  }

  /** Reads a kept executable; one that is damaged is kept no longer. Throws  SYSTEM when the disk errs. */
  async #open(digest: string, title: string) {
    try {
      return await this.#reads.open(digest);
    } catch (error) {
      refuseDiskError(error);
      this.#parts.log.warn({ err: error, title }, DAMAGED);
      this.#book.lose(digest);
      return undefined;
    }
  }

  /** Takes an executable whose bytes are still to come, or says why they are not needed. Throws  TIMEOUT when there are too many. */
  async begin(
    worker: string,
    id: ExecutableId,
    sum: ExecutableSum,
  ): Promise<IncomingExecutable | ExecutablePushed> {
    await this.#load();
    const { clock, log } = this.#parts;
    const { digest, title } = id;
    const owner = this.#ownerOf(worker);
    const offer = this.#book.offer(digest, owner, sum, clock.nowMs());
    if (offer.outcome === 'busy') {
      throw new TesseraError('TIMEOUT', 'other executables are on their way to the coordinator', {
        hint: 'try again when one of them has arrived',
      });
    }
    if (offer.outcome === 'refused') log.warn({ worker, title, reason: offer.reason }, REFUSED);
    if (offer.outcome !== 'send') return offer;
    const bytes = new Uint8Array(sum.bytes);
    return {
      bytes,
      finish: () => this.#keepInTurn(worker, id, { sum, bytes }),
      end: () => this.#book.endOffer(owner),
    };
  }

  /** A worker does not compile an executable after all. */
  release(worker: string, { digest, title }: ExecutableId): void {
    this.#book.release(digest, this.#ownerOf(worker));
    this.#parts.log.info({ worker, title }, 'a worker does not compile after all');
  }

  #ownerOf(worker: string): string {
    return this.#parts.processOf(worker) ?? worker;
  }

  #keepInTurn(
    worker: string,
    id: ExecutableId,
    came: { readonly sum: ExecutableSum; readonly bytes: Uint8Array },
  ): Promise<ExecutablePushed> {
    const turn = this.#writing.then(() => this.#keep(worker, id, came));
    this.#writing = turn.catch(() => {});
    return turn;
  }

  /** Throws  RUN_IN_USE when the folder is another coordinator's by now. */
  async #keep(
    worker: string,
    id: ExecutableId,
    { sum, bytes }: { readonly sum: ExecutableSum; readonly bytes: Uint8Array },
  ): Promise<ExecutablePushed> {
    const { lock, disk = machineDisk, log } = this.#parts;
    const { digest, title } = id;
    const path = join(this.#folder, digest);
    // Another coordinator may have written it, before it lost the run.
    if (this.#book.find(digest) === undefined && disk.exists(path)) await this.#restoreOne(digest);
    if (this.#book.find(digest) !== undefined) return this.#book.keep(digest, sum);
    try {
      await lock?.confirm();
      await writeFileAtomically(path, executablePieces(id, bytes, sum.sha256), disk);
      await lock?.confirm();
    } catch (error) {
      if (TesseraError.from(error).code === 'RUN_IN_USE') throw error;
      log.warn({ err: error, title }, UNSAVED);
      this.#unsaved.set(digest, bytes);
    }
    log.info({ worker, title, bytes: sum.bytes }, 'executable kept for all workers');
    return this.#book.keep(digest, sum);
  }

  async #read(digest: string): Promise<Uint8Array> {
    const unsaved = this.#unsaved.get(digest);
    if (unsaved !== undefined) return unsaved;
    const { sha256, bytes } = await this.#readKept(digest);
    if (sha256 === this.#book.find(digest)?.sha256) return bytes;
    throw new TesseraError('DATA_INVALID', `the executable ${digest} was replaced`);
  }

  #readKept(digest: string) {
    const { disk, limits } = this.#parts;
    const bytesMax = limits.executableBytes;
    return readExecutable(join(this.#folder, digest), digest, { bytesMax, disk });
  }

  /** Finds what a coordinator of this run has kept before; once. */
  #load(): Promise<void> {
    this.#loaded ??= this.#restore().catch((error: unknown) => {
      // The next request tries again.
      this.#loaded = undefined;
      throw error;
    });
    return this.#loaded;
  }

  async #restore(): Promise<void> {
    const { disk = machineDisk } = this.#parts;
    const names = disk.exists(this.#folder) ? await this.#names(disk) : [];
    for (const digest of names.filter((name) => EXECUTABLE_NAME.test(name)).sort()) {
      if (this.#book.find(digest) === undefined) await this.#restoreOne(digest);
    }
  }

  #names(disk: Disk): Promise<string[]> {
    return disk.list(this.#folder).catch((cause: unknown) => {
      throw new TesseraError('SYSTEM', `cannot list ${this.#folder}`, { cause });
    });
  }

  /** Throws  SYSTEM when the disk errs. */
  async #restoreOne(digest: string): Promise<void> {
    try {
      const { sha256, bytes } = await this.#readKept(digest);
      this.#book.restore(digest, { sha256, bytes: bytes.byteLength });
    } catch (error) {
      refuseDiskError(error);
      this.#parts.log.warn({ err: error }, DAMAGED);
    }
  }
}

/** Throws  SYSTEM for an error of the disk, after which the file may be whole: workers ask again. */
function refuseDiskError(error: unknown): void {
  const { sentence, hint, cause } = TesseraError.from(error);
  const errno = errnoOf(cause);
  if (errno === '' || errno === 'ENOENT') return;
  throw new TesseraError('SYSTEM', sentence, { cause, ...(hint !== undefined && { hint }) });
}
