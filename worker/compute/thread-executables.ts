/**
 * @file Compiled programs for the compute thread: it asks the main thread, which speaks with the coordinator and has
 * the disk. A program may ask while a request of the main thread is under way, so these messages have numbers of their own.
 */
import type { ExecutableKey, ExecutableStore } from '../../shared/compute/executables.ts';
import { type Deferred, deferred } from '../../shared/core/async.ts';
import { type ErrorCode, TesseraError } from '../../shared/core/errors.ts';

/** What the compute thread asks of the store. */
export interface ExecutableAsk {
  /** Its number. */
  readonly executable: number;
  readonly call: 'take' | 'put' | 'abandon';
  readonly key: ExecutableKey;
  /** Of a `put`. */
  readonly bytes?: Uint8Array;
}

/** What the store said, for the ask of that number. */
export interface ExecutableReplied {
  readonly executable: number;
  readonly bytes?: Uint8Array | undefined;
  readonly error?: { readonly code: ErrorCode; readonly sentence: string };
}

/** The store as the compute thread sees it. */
export class ThreadExecutables implements ExecutableStore {
  readonly #post: (ask: ExecutableAsk) => void;
  readonly #waiting = new Map<number, Deferred<Uint8Array | undefined>>();
  #lastNumber = 0;

  /** `post` sends a message to the main thread. */
  constructor(post: (ask: ExecutableAsk) => void) {
    this.#post = post;
  }

  take(key: ExecutableKey): Promise<Uint8Array | undefined> {
    return this.#ask({ call: 'take', key });
  }

  async put(key: ExecutableKey, bytes: Uint8Array): Promise<Uint8Array> {
    return (await this.#ask({ call: 'put', key, bytes })) ?? bytes;
  }

  async abandon(key: ExecutableKey): Promise<void> {
    await this.#ask({ call: 'abandon', key });
  }

  /** The main thread has replied. */
  settle({ executable, bytes, error }: ExecutableReplied): void {
    const waiting = this.#waiting.get(executable);
    this.#waiting.delete(executable);
    if (error === undefined) waiting?.resolve(bytes);
    else waiting?.reject(new TesseraError(error.code, error.sentence));
  }

  #ask(ask: Omit<ExecutableAsk, 'executable'>): Promise<Uint8Array | undefined> {
    this.#lastNumber += 1;
    const waiting = deferred<Uint8Array | undefined>();
    this.#waiting.set(this.#lastNumber, waiting);
    this.#post({ executable: this.#lastNumber, ...ask });
    return waiting.promise;
  }
}

/** Asks the store for the compute thread; never throws. */
export async function askStore(
  store: ExecutableStore | undefined,
  { executable, call, key, bytes }: ExecutableAsk,
): Promise<ExecutableReplied> {
  try {
    if (call === 'take') return { executable, bytes: await store?.take(key) };
    if (call === 'abandon') await store?.abandon(key);
    if (call !== 'put' || bytes === undefined) return { executable };
    const kept = await store?.put(key, bytes);
    // The thread has those: they need not be copied back.
    return { executable, bytes: kept === bytes ? undefined : kept };
  } catch (thrown) {
    const { code, sentence } = TesseraError.from(thrown);
    return { executable, error: { code, sentence } };
  }
}
