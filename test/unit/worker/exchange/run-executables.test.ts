/** @file A worker's executables over gRPC: the run's first, its own cache second, and what it does where it gets none. */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MessageChannel } from 'node:worker_threads';
import { afterEach, describe, expect, it } from 'vitest';
import { ExecutableCache } from '../../../../shared/compute/executable-cache.ts';
import type { ExecutableKey, ExecutableStore } from '../../../../shared/compute/executables.ts';
import { deferred } from '../../../../shared/core/async.ts';
import { type Clock, systemClock } from '../../../../shared/core/clock.ts';
import { TesseraError } from '../../../../shared/core/errors.ts';
import type { Exchange } from '../../../../shared/exchange/exchange.ts';
import { createLog } from '../../../../shared/machine/log.ts';
import {
  askStore,
  type ExecutableAsk,
  type ExecutableReplied,
  ThreadExecutables,
} from '../../../../worker/compute/thread-executables.ts';
import { RunExecutables } from '../../../../worker/exchange/run-executables.ts';
import { linkTo, NotingPort, openSession, startLoopback } from '../../../support/loopback.ts';

const KEY: ExecutableKey = { digest: 'b'.repeat(64), title: 'training of ViT-Ti/16 for a card' };
const FIRST = Uint8Array.from({ length: 5000 }, (_, place) => place * 3);
const SECOND = Uint8Array.from(FIRST, (byte) => byte ^ 1);

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** A port whose sessions are workers of their own. */
class Port extends NotingPort {
  override workerOf(session: string): string {
    return `${super.workerOf(session)} ${session}`;
  }
}

/** A coordinator, and a function that makes workers of it with what they log. */
async function coordinator(port = new Port()) {
  const { server } = await startLoopback(port);
  closing.push(() => server.stop(0));
  const worker = async (cache?: ExecutableCache) => {
    const link = linkTo(server.address);
    closing.push(() => link.close());
    await openSession(link).welcome;
    return storeOver(() => link.exchange, cache);
  };
  return { port, worker };
}

/** A store with its log, and what ends it. */
function storeOver(
  exchange: () => Pick<Exchange, 'fetchExecutable' | 'pushExecutable'>,
  cache?: ExecutableCache,
  clock: Clock = systemClock,
) {
  const lines: string[] = [];
  const log = createLog({
    component: 'test',
    level: 'debug',
    destination: { write: (line: string) => void lines.push(line) },
  });
  const end = new AbortController();
  closing.push(() => end.abort());
  const store = new RunExecutables({ exchange, cache, clock, log, signal: end.signal });
  return { store, lines, end };
}

const newCache = () => new ExecutableCache(mkdtempSync(join(tmpdir(), 'tessera-cache-')));

describe('the executables of a worker', () => {
  it('come from the one that compiles, which the others wait for', async () => {
    const { worker } = await coordinator();
    const [{ store: compiler }, { store: waiting }] = [await worker(), await worker()];
    expect(await compiler.take(KEY)).toBeUndefined();
    const taking = waiting.take(KEY);
    expect(await compiler.put(KEY, FIRST)).toBe(FIRST);
    expect(await taking).toEqual(FIRST);
  });

  it('are compiled by the next one when the first cannot', async () => {
    const { worker } = await coordinator();
    const [{ store: first }, { store: next }] = [await worker(), await worker()];
    expect(await first.take(KEY)).toBeUndefined();
    const taking = next.take(KEY);
    await first.abandon(KEY);
    expect(await taking).toBeUndefined();
  });

  it('are those that came first, where another worker was faster', async () => {
    const { worker } = await coordinator();
    const [{ store: first }, { store: second }] = [await worker(), await worker()];
    await first.put(KEY, FIRST);
    expect(await second.put(KEY, SECOND)).toEqual(FIRST);
  });

  it('of the next run are those of the cache, and go to all', async () => {
    const [cache, otherCache] = [newCache(), newCache()];
    const before = await coordinator();
    const { store } = await before.worker(cache);
    await store.take(KEY);
    await store.put(KEY, FIRST);
    // What another worker has in its cache is of no account where the run has one.
    await otherCache.write(KEY, SECOND);
    const { port, worker } = await coordinator();
    const { store: again } = await worker(cache);
    expect(await again.take(KEY)).toEqual(FIRST);
    expect([...port.files.keys()]).toEqual([`/run/executables/${KEY.digest}`]);
    const { store: other } = await worker(otherCache);
    expect(await other.take(KEY)).toEqual(FIRST);
    expect(await otherCache.read(KEY.digest)).toEqual(FIRST);
  });

  it('that do not load are not fetched again: the worker uses its own, and says so', async () => {
    const { worker } = await coordinator();
    const [{ store: first }, { store: second, lines }] = [await worker(), await worker()];
    await first.put(KEY, FIRST);
    expect(await second.take(KEY)).toEqual(FIRST);
    expect(await second.put(KEY, SECOND)).toBe(SECOND);
    expect(lines.join()).toContain('its bits may differ');
  });

  it('that the run does not keep are its own, and it says why', async () => {
    const { worker } = await coordinator();
    const { store, lines } = await worker();
    const large = new Uint8Array(256 * 1024 + 1);
    expect(await store.take(KEY)).toBeUndefined();
    expect(await store.put(KEY, large)).toBe(large);
    expect(lines.join()).toContain('limits.executableBytes (262144)');
    const { store: next, lines: said } = await worker();
    expect(await next.take(KEY)).toBeUndefined();
    expect(said.join()).toContain('its bits may differ');
  });

  it('of a coordinator that knows none are its own', async () => {
    const fails = () =>
      Promise.reject(new TesseraError('PROTOCOL_MISMATCH', 'it does not know this call'));
    const cache = newCache();
    const { store, lines } = storeOver(
      () => ({ fetchExecutable: fails, pushExecutable: fails }),
      cache,
    );
    expect(await store.take(KEY)).toBeUndefined();
    expect(await store.put(KEY, FIRST)).toBe(FIRST);
    await store.abandon(KEY);
    expect(lines.join()).toContain('does not hand them out');
    expect(await store.take(KEY)).toEqual(FIRST);
  });

  it('are asked for again after errors that pass, in the session that there is then', async () => {
    const { worker } = await coordinator();
    const { store: first } = await worker();
    await first.put(KEY, FIRST);
    const codes = ['CANCELLED', 'CHUNK_CORRUPT', 'SESSION_UNKNOWN', 'TIMEOUT'] as const;
    const failures = [...codes];
    const clock = { ...systemClock, sleep: () => Promise.resolve() };
    const link = { fetchExecutable: async () => ({ outcome: 'kept' as const, bytes: FIRST }) };
    const { store } = storeOver(
      () => ({
        fetchExecutable: () => {
          const code = failures.shift();
          return code === undefined
            ? link.fetchExecutable()
            : Promise.reject(new TesseraError(code, 'it passes'));
        },
        pushExecutable: () => Promise.reject(new Error('not called here')),
      }),
      undefined,
      clock,
    );
    expect(await store.take(KEY)).toEqual(FIRST);
    expect(failures).toEqual([]);
  });

  it.each([
    ['errors', () => Promise.reject(new TesseraError('TIMEOUT', 'too slow'))],
    ['another worker', () => Promise.resolve({ outcome: 'wait' as const })],
  ])('are not waited for without end: %s', async (_, fetchExecutable) => {
    let nowMs = 0;
    const clock: Clock = {
      ...systemClock,
      nowMs: () => nowMs,
      sleep: (ms) => {
        nowMs += ms;
        return Promise.resolve();
      },
    };
    const unused = () => Promise.reject(new Error('not called here'));
    const exchange = () => ({ fetchExecutable, pushExecutable: unused });
    const { store, lines } = storeOver(exchange, undefined, clock);
    expect(await store.take(KEY)).toBeUndefined();
    expect(nowMs).toBeLessThan(60 * 60_000);
    expect(lines.join()).toContain('its bits may differ');
  });

  it('are its own where the coordinator is not one whose code may run here', async () => {
    const unused = () => Promise.reject(new Error('not called here'));
    const exchange = () => ({ fetchExecutable: unused, pushExecutable: unused });
    const cache = newCache();
    const lines: string[] = [];
    const destination = { write: (line: string) => void lines.push(line) };
    const log = createLog({ component: 'test', destination });
    const { signal } = new AbortController();
    const parts = { exchange, cache, clock: systemClock, log, signal, mayShare: () => false };
    const store = new RunExecutables(parts);
    expect(await store.take(KEY)).toBeUndefined();
    expect(await store.put(KEY, FIRST)).toBe(FIRST);
    await store.abandon(KEY);
    expect(await store.take(KEY)).toEqual(FIRST);
    expect(lines.join()).toContain('its bits may differ');
  });

  it('are given up with CANCELLED when the worker ends', async () => {
    const { worker } = await coordinator();
    const [{ store: compiler }, { store, end }] = [await worker(), await worker()];
    await compiler.take(KEY);
    const taking = store.take(KEY);
    end.abort();
    await expect(taking).rejects.toMatchObject({ code: 'CANCELLED' });
  });
});

describe('the compute thread asks for executables', () => {
  /** Both ends over a channel of messages, as between two threads. */
  function between(store: ExecutableStore | undefined): ThreadExecutables {
    const { port1, port2 } = new MessageChannel();
    closing.push(() => port1.close());
    const thread = new ThreadExecutables((ask) => port1.postMessage(ask));
    port1.on('message', (reply: ExecutableReplied) => thread.settle(reply));
    port2.on('message', (ask: ExecutableAsk) => {
      void askStore(store, ask).then((reply) => port2.postMessage(reply));
    });
    return thread;
  }

  it('and gets what the store has, each reply for its own request', async () => {
    const first = deferred<Uint8Array | undefined>();
    const calls: string[] = [];
    const thread = between({
      take: ({ digest }) => (digest === KEY.digest ? first.promise : Promise.resolve(SECOND)),
      put: async (_, bytes) => (bytes[0] === FIRST[0] ? bytes : SECOND),
      abandon: async ({ title }) => void calls.push(title),
    });
    const taking = thread.take(KEY);
    expect(await thread.take({ ...KEY, digest: 'c' })).toEqual(SECOND);
    first.resolve(FIRST);
    expect(await taking).toEqual(FIRST);
    expect(await thread.put(KEY, FIRST)).toBe(FIRST);
    expect(await thread.put(KEY, Uint8Array.of(9))).toEqual(SECOND);
    await thread.abandon(KEY);
    expect(calls).toEqual([KEY.title]);
  });

  it('and compiles for itself where there is no store', async () => {
    const thread = between(undefined);
    expect(await thread.take(KEY)).toBeUndefined();
    expect(await thread.put(KEY, FIRST)).toBe(FIRST);
    await thread.abandon(KEY);
  });

  it('and gets the code and the words of a failure', async () => {
    const fails = () => Promise.reject(new TesseraError('CANCELLED', 'the worker ends'));
    const thread = between({ take: fails, put: fails, abandon: fails });
    const failure = { code: 'CANCELLED', sentence: 'the worker ends' };
    await expect(thread.take(KEY)).rejects.toMatchObject(failure);
    await expect(thread.put(KEY, FIRST)).rejects.toMatchObject(failure);
  });
});
