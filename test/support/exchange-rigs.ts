/** @file Transports for the checks of `exchange-conformance.ts`: gRPC over loopback, and one that is a function call. */
import { crc32 } from 'node:zlib';
import { expect } from 'vitest';
import { naiveBulkCalls, naiveService } from '../../bench/exchange/naive.ts';
import { type Bytes, bytesOf, piecesOf } from '../../shared/contract/chunks.ts';
import type { FeatureRow } from '../../shared/contract/feature-rows.ts';
import type { NodeChunk } from '../../shared/contract/generated/tessera/v1/NodeChunk.ts';
import type {
  ExecutableId,
  ExecutablePushed,
  NodeHeader,
  ParametersRange,
  PushOutcome,
} from '../../shared/contract/messages.ts';
import { TesseraError } from '../../shared/core/errors.ts';
import { firstNonFinite } from '../../shared/core/floats.ts';
import type { Split } from '../../shared/core/work.ts';
import type {
  Exchange,
  ExchangeSettings,
  FetchedExecutable,
  NodePayload,
} from '../../shared/exchange/exchange.ts';
import { bulkCalls } from '../../shared/exchange/grpc/bulk/client.ts';
import { takeBulk } from '../../shared/exchange/grpc/bulk/server.ts';
import { type BulkCalls, GrpcExchange } from '../../shared/exchange/grpc/exchange.ts';
import { exchangeHandlers } from '../../shared/exchange/grpc/exchange-handlers.ts';
import { startServer } from '../../shared/exchange/grpc/server.ts';
import { MemoryHost } from '../../shared/exchange/memory/memory-host.ts';
import { roundBfloat16 } from '../../shared/kernels/bfloat16.ts';
import { sha256Of } from './digest.ts';
import { CHUNK_BYTES, type Damage, NotingHost, type Rig, SESSION } from './exchange-conformance.ts';
import { allOf, LIMITS } from './loopback.ts';

/** The damage of the next transfer, once. */
class NextDamage {
  #next: Damage | undefined;

  set(damage: Damage): void {
    this.#next = damage;
  }

  take(): Damage | undefined {
    const next = this.#next;
    this.#next = undefined;
    return next;
  }
}

/** Of the longest vector of the checks, about. */
const VECTOR_BYTES = 2 ** 20;

type Changes = Parameters<Rig['open']>[0];

/** What the worker's end of a rig is opened with. */
export function settingsOf({
  session = SESSION,
  rpcMs = 20_000,
  signal,
}: NonNullable<Changes> = {}) {
  const limits = { ...LIMITS, chunkBytes: CHUNK_BYTES, rpcMs };
  return { session, limits, signal: signal ?? new AbortController().signal };
}

// ---- gRPC ----

/** Who makes the calls at either end, the product or the library; and whether both share memory. */
export interface GrpcEnds {
  readonly worker?: 'bulk' | 'library';
  readonly coordinator?: 'bulk' | 'library';
  readonly isMemoryShared?: boolean;
}

/** A server on loopback, and ends whose chunks are damaged below the product's own; with memory that both share, or by wire. */
export async function grpcRig(
  ends: GrpcEnds = {},
): Promise<Rig & { readonly address: string; harm(calls: BulkCalls): BulkCalls }> {
  const { worker = 'bulk', coordinator = 'bulk', isMemoryShared = false } = ends;
  const host = new NotingHost();
  const memory = new MemoryHost(VECTOR_BYTES, () => isMemoryShared, 0);
  const handlers = exchangeHandlers(host, CHUNK_BYTES, memory);
  const report = () => {};
  const { messageBytes } = LIMITS;
  const takeStream = takeBulk(handlers, { report, messageBytes, streamMs: 120_000 });
  const server = await startServer(
    '127.0.0.1:0',
    coordinator === 'library' ? [naiveService(handlers)] : [],
    { limits: LIMITS, report, ...(coordinator === 'bulk' && { takeStream }) },
  );
  const next = new NextDamage();
  const opened: Exchange[] = [];
  return {
    host,
    damage: (damage) => next.set(damage),
    address: server.address,
    harm: (calls) => damaged(calls, next),
    open(changes) {
      memory.end(SESSION);
      const offer = memory.offer(SESSION, 'here');
      expect(offer !== undefined).toBe(isMemoryShared);
      const settings = { ...settingsOf(changes), memory: offer };
      const connect = worker === 'bulk' ? bulkCalls : naiveBulkCalls;
      const calls = connect(server.address, { limits: settings.limits });
      const exchange = new GrpcExchange(damaged(calls, next), settings);
      opened.push(exchange);
      return exchange;
    },
    async close() {
      for (const exchange of opened) exchange.close();
      await server.stop(0);
      memory.close();
    },
  };
}

function damaged(calls: BulkCalls, next: NextDamage): BulkCalls {
  async function* down<T extends { data: Bytes }>(messages: AsyncIterable<T>) {
    const damage = next.take();
    const all: T[] = [];
    if (damage === undefined) yield* messages;
    else for await (const message of messages) all.push(message);
    yield* harmed(all, damage);
  }
  return {
    ...calls,
    pushNode(call, messages) {
      const [header, ...rest] = messages;
      const chunks = rest.map(({ chunk }) => chunk as { data: Uint8Array });
      const all: NodeChunk[] = [
        header!,
        ...harmed(chunks, next.take()).map((chunk) => ({ chunk })),
      ];
      return calls.pushNode(call, rest.some(({ features }) => features) ? [header!, ...rest] : all);
    },
    pullParameters: (call, request) => down(calls.pullParameters(call, request)),
    fetchSamples: (call, request) => down(calls.fetchSamples(call, request)),
    async *fetchExecutable(call, request) {
      const [reply, ...pieces] = await allOf(calls.fetchExecutable(call, request));
      yield reply!;
      for (const chunk of harmed(
        pieces.map((piece) => piece.chunk!),
        next.take(),
      )) {
        yield { reply: null, chunk };
      }
    },
    pushExecutable(call, messages) {
      const [header, ...rest] = messages;
      const chunks = harmed(
        rest.map(({ chunk }) => chunk as { data: Uint8Array }),
        next.take(),
      );
      return calls.pushExecutable(call, [header!, ...chunks.map((chunk) => ({ chunk }))]);
    },
  };
}

function harmed<T extends { data: Bytes }>(messages: T[], damage: Damage | undefined): T[] {
  const at = messages.length >> 1;
  const message = messages[at];
  if (damage === undefined || message === undefined) return messages;
  if (damage === 'cutShort') return messages.slice(0, -1);
  if (damage === 'repeated') return messages.toSpliced(at, 0, message);
  // Bytes in memory are damaged as well as their checksum is.
  const isInMemory = 'memoryBytes' in message && message.memoryBytes !== 0;
  const harm = isInMemory ? { crc32: 1 } : { data: flipped(message.data) };
  return messages.with(at, { ...message, ...harm });
}

function flipped(bytes: Bytes): Uint8Array {
  const data = Buffer.concat(piecesOf(bytes));
  return Uint8Array.from(data, (byte, place) => (place === data.length >> 1 ? byte ^ 4 : byte));
}

// ---- a function call ----

/** Bugs that a transport could have. */
export type Fault = 'trustsEveryBit' | 'cancelsAtItsDeadline' | 'keepsHalfOfANode';

/** A host in the same process: a payload is copied with its checksum, and looked at on arrival. */
export function memoryRig(fault?: Fault): Promise<Rig> {
  const host = new NotingHost();
  const next = new NextDamage();
  return Promise.resolve({
    host,
    damage: (damage) => next.set(damage),
    open: (changes) => new MemoryExchange(settingsOf(changes), { host, next, fault }),
    close: () => Promise.resolve(),
  });
}

/** Bytes on their way, with the checksum of what was sent. */
interface Carried {
  readonly sum: number;
  readonly bytes: Uint8Array;
}

interface MemoryParts {
  readonly host: NotingHost;
  readonly next: NextDamage;
  readonly fault: Fault | undefined;
}

class MemoryExchange implements Exchange {
  readonly #settings: ExchangeSettings;
  readonly #parts: MemoryParts;

  constructor(settings: ExchangeSettings, parts: MemoryParts) {
    this.#settings = settings;
    this.#parts = parts;
  }

  pushNode(node: NodeHeader, { gradient, features }: NodePayload): Promise<PushOutcome> {
    const { host, fault } = this.#parts;
    return this.#transfer(async (worker) => {
      const begun = host.beginPush(worker, node);
      if (typeof begun === 'string') return begun;
      try {
        begun.addFeatures(features.map((row) => ({ ...row, values: row.values.slice() })));
        if (gradient === undefined) return await begun.finish();
        if (fault === 'keepsHalfOfANode') await begun.finish();
        this.#receive(begun.gradient!, this.#carried(bytesOf(gradient)));
        return await begun.finish();
      } finally {
        begun.end();
      }
    });
  }

  pull(wanted: ParametersRange, target: Float32Array): Promise<void> {
    return this.#transfer(async (worker) => {
      const pull = await this.#parts.host.beginPull(worker, wanted);
      try {
        const carried = this.#carried(bytesOf(pull.values));
        pull.confirm();
        this.#receive(target, carried);
        if (wanted.valueType === 'bf16') roundBfloat16(target);
      } finally {
        pull.end();
      }
    });
  }

  async *fetchSamples(split: Split, indices: readonly number[]) {
    const { host } = this.#parts;
    const all = await this.#transfer(async (worker) => {
      const samples = [];
      for await (const sample of host.readSamples(worker, split, indices)) {
        samples.push({ ...sample, bytes: this.#checked(this.#carried(sample.bytes)) });
      }
      return samples;
    });
    yield* all;
  }

  fetchFeatures(split: Split, indices: readonly number[]): Promise<FeatureRow[]> {
    return this.#transfer(async () => this.#parts.host.findFeatures(split, indices));
  }

  fetchExecutable(id: ExecutableId): Promise<FetchedExecutable> {
    return this.#transfer(async (worker) => {
      const found = await this.#parts.host.findExecutable(worker, id);
      if (found.outcome !== 'kept') return found;
      try {
        if (found.bytes > this.#settings.limits.executableBytes) {
          throw new TesseraError('CHUNK_CORRUPT', 'it is too large');
        }
        const bytes = this.#checked(this.#carried(found.contents));
        return { outcome: 'kept' as const, bytes };
      } finally {
        found.end();
      }
    });
  }

  pushExecutable(id: ExecutableId, bytes: Uint8Array | undefined): Promise<ExecutablePushed> {
    const { host } = this.#parts;
    return this.#transfer(async (worker) => {
      if (bytes === undefined) {
        host.releaseExecutable(worker, id);
        return { outcome: 'released' as const };
      }
      const sum = { bytes: bytes.length, sha256: sha256Of(bytes) };
      const begun = await host.beginExecutable(worker, id, sum);
      if ('outcome' in begun) return begun;
      try {
        begun.bytes.set(this.#checked(this.#carried(bytes)));
        return await begun.finish();
      } finally {
        begun.end();
      }
    });
  }

  close(): void {}

  /** Runs a transfer within its deadline, until the signal aborts. */
  async #transfer<T>(work: (worker: string) => Promise<T>): Promise<T> {
    const { session, limits, signal } = this.#settings;
    const cancelled = new TesseraError('CANCELLED', 'the session is over');
    if (signal.aborted) throw cancelled;
    const { host, fault } = this.#parts;
    let onAbort = () => {};
    let timer: NodeJS.Timeout | undefined;
    const ended = new Promise<never>((_, reject) => {
      onAbort = () => reject(cancelled);
      signal.addEventListener('abort', onAbort);
      const code = fault === 'cancelsAtItsDeadline' ? 'CANCELLED' : 'TIMEOUT';
      timer = setTimeout(() => reject(new TesseraError(code, 'too late')), limits.rpcMs);
    });
    try {
      return await Promise.race([(async () => work(host.workerOf(session)))(), ended]);
    } catch (error) {
      if (error instanceof TesseraError) throw error;
      throw new TesseraError('INTERNAL', 'internal error of the server');
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
    }
  }

  #carried(bytes: Uint8Array): Carried {
    const sum = crc32(bytes);
    const [first, ...more] = [bytes.slice(0, bytes.length >> 1), bytes.slice(bytes.length >> 1)];
    const parts = harmed(
      [{ data: first! }, ...more.map((data) => ({ data }))],
      this.#parts.next.take(),
    );
    return { sum, bytes: new Uint8Array(Buffer.concat(parts.map(({ data }) => data))) };
  }

  #checked({ sum, bytes }: Carried): Uint8Array {
    if (this.#parts.fault === 'trustsEveryBit' || crc32(bytes) === sum) return bytes;
    throw new TesseraError('CHUNK_CORRUPT', 'wrong checksum');
  }

  #receive(target: Float32Array, carried: Carried): void {
    const bytes = this.#checked(carried);
    if (bytes.byteLength !== target.byteLength) {
      throw new TesseraError('CHUNK_CORRUPT', `${bytes.byteLength} bytes came`);
    }
    bytesOf(target).set(bytes);
    const bad = firstNonFinite(target, 0, target.length);
    if (bad >= 0) throw new TesseraError('NON_FINITE', `value ${bad} is ${target[bad]}`);
  }
}
