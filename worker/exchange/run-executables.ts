/**
 * @file The compiled programs of a worker: those of the run first, which the coordinator keeps, so that all workers
 * compute with the same bits. The user's cache feeds only the worker that is to compile for all.
 */
import type { ExecutableCache } from '../../shared/compute/executable-cache.ts';
import type { ExecutableKey, ExecutableStore } from '../../shared/compute/executables.ts';
import type { Clock } from '../../shared/core/clock.ts';
import { ERROR_CODES, TesseraError } from '../../shared/core/errors.ts';
import type { Exchange } from '../../shared/exchange/exchange.ts';
import type { Logger } from '../../shared/machine/log.ts';

/** Pauses between two requests, of which each is longer than the one before. */
const PAUSE_MS = { first: 250, most: 2_000 };
/** How long requests may fail, one after the other. */
const FAILING_MS_MAX = 120_000;
/** How long another worker may compile: longer than its turn, which the coordinator ends. */
const WAITING_MS_MAX = 45 * 60_000;

const OWN =
  'this worker uses its own executable, so its bits may differ from those of other workers';

/** What a store works with. */
export interface RunExecutablesParts {
  /** Of the newest session. */
  exchange(): Pick<Exchange, 'fetchExecutable' | 'pushExecutable'>;
  readonly cache?: ExecutableCache | undefined;
  /** Whether the coordinator is one whose code may run here. */
  mayShare?(): boolean;
  readonly clock: Clock;
  readonly log: Logger;
  /** The worker ends: what waits fails with CANCELLED. */
  readonly signal: AbortSignal;
}

/** The executables of a run, for one worker. */
export class RunExecutables implements ExecutableStore {
  readonly #parts: RunExecutablesParts;
  /** Digests whose executable the engine was given. */
  readonly #given = new Set<string>();

  constructor(parts: RunExecutablesParts) {
    this.#parts = parts;
  }

  async take(key: ExecutableKey): Promise<Uint8Array | undefined> {
    const { clock, log, cache } = this.#parts;
    const { title, digest } = key;
    const startedMs = clock.nowMs();
    if (!this.#mayShare(title)) return await cache?.read(digest);
    for (const pauseMs of pauses()) {
      const reply = await this.#call('fetching', key, (exchange) => exchange.fetchExecutable(key));
      if (reply?.outcome === 'kept') {
        log.info({ title, bytes: reply.bytes.byteLength }, 'executable of the run taken');
        await cache?.write(key, reply.bytes);
        return this.#give(digest, reply.bytes);
      }
      if (reply?.outcome === 'compile') return await this.#takeCached(key);
      if (reply?.outcome === 'refused') log.warn({ title, reason: reply.reason }, OWN);
      const waitedMs = clock.nowMs() - startedMs;
      if (reply?.outcome !== 'wait') break;
      if (waitedMs > WAITING_MS_MAX) {
        log.warn({ title, reason: 'another worker compiles for too long' }, OWN);
        break;
      }
      log.debug({ title }, 'another worker compiles');
      await this.#pause(pauseMs);
    }
    const cached = await cache?.read(digest);
    return cached && this.#give(digest, cached);
  }

  async put(key: ExecutableKey, bytes: Uint8Array): Promise<Uint8Array> {
    const { log, cache } = this.#parts;
    const { title, digest } = key;
    if (this.#given.has(digest)) {
      // The one that it was given does not load here.
      log.warn({ title }, OWN);
      await cache?.write(key, bytes);
      return bytes;
    }
    const kept = this.#mayShare(title) ? await this.#bring(key, bytes) : bytes;
    await cache?.write(key, kept);
    return kept;
  }

  async abandon(key: ExecutableKey): Promise<void> {
    if (!this.#mayShare(key.title)) return;
    await this.#call('releasing', key, (exchange) => exchange.pushExecutable(key, undefined));
  }

  /** What this worker has compiled in an earlier run goes to all, as if it were compiled now. */
  async #takeCached(key: ExecutableKey): Promise<Uint8Array | undefined> {
    const { cache, log } = this.#parts;
    const cached = await cache?.read(key.digest);
    if (cached === undefined) return undefined;
    log.info({ title: key.title }, 'executable found in the cache');
    return this.#give(key.digest, await this.#bring(key, cached));
  }

  /** Executables are code: without TLS they come from a coordinator of the same account on this machine. */
  #mayShare(title: string): boolean {
    const { mayShare, log } = this.#parts;
    const may = mayShare?.() ?? true;
    if (!may)
      log.warn(
        { title, reason: 'the coordinator is of another account, or is reached without TLS' },
        OWN,
      );
    return may;
  }

  #give(digest: string, bytes: Uint8Array): Uint8Array {
    this.#given.add(digest);
    return bytes;
  }

  /** Brings an executable to the coordinator; returns the one that all use. */
  async #bring(key: ExecutableKey, bytes: Uint8Array): Promise<Uint8Array> {
    const { log } = this.#parts;
    const { title } = key;
    const pushed = await this.#call('pushing', key, (exchange) =>
      exchange.pushExecutable(key, bytes),
    );
    if (pushed?.outcome === 'refused') log.warn({ title, reason: pushed.reason }, OWN);
    if (pushed?.outcome !== 'otherKept') return bytes;
    const other = await this.#call('fetching', key, (exchange) => exchange.fetchExecutable(key));
    if (other?.outcome === 'kept') return other.bytes;
    log.warn({ title, reason: 'the executable of the run is gone' }, OWN);
    return bytes;
  }

  /**
   * Makes a call, again after errors that may pass; undefined where the coordinator cannot be asked.
   *
   * Throws  CANCELLED when the worker ends.
   */
  async #call<T>(
    what: string,
    { title }: ExecutableKey,
    call: (exchange: Pick<Exchange, 'fetchExecutable' | 'pushExecutable'>) => Promise<T>,
  ): Promise<T | undefined> {
    const { exchange, clock, log, signal } = this.#parts;
    const startedMs = clock.nowMs();
    for (const pauseMs of pauses()) {
      try {
        return await call(exchange());
      } catch (thrown) {
        if (signal.aborted) throw cancelled();
        const error = TesseraError.from(thrown);
        const isOver = clock.nowMs() - startedMs > FAILING_MS_MAX;
        if (isOver || ERROR_CODES[error.code].retry === 'permanent') {
          log.warn({ err: error, title }, `${what} an executable: ${whyNot(error)}; ${OWN}`);
          return undefined;
        }
        log.debug({ err: error, title }, `${what} an executable failed`);
      }
      await this.#pause(pauseMs);
    }
    return undefined;
  }

  async #pause(ms: number): Promise<void> {
    const { clock, signal } = this.#parts;
    await clock.sleep(ms, signal).catch(() => {
      throw cancelled();
    });
  }
}

function whyNot({ code, sentence }: TesseraError): string {
  return code === 'PROTOCOL_MISMATCH' ? 'the coordinator does not hand them out' : sentence;
}

function cancelled(): TesseraError {
  return new TesseraError('CANCELLED', 'the worker ends');
}

/** Pauses without end, each longer than the one before up to the most. */
function* pauses(): Generator<number, never> {
  for (let ms = PAUSE_MS.first; ; ms = Math.min(1.5 * ms, PAUSE_MS.most)) yield ms;
}
