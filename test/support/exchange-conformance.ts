/**
 * @file What every transport of an exchange must do, as checks over a rig: a host, the worker's end, and a line between
 * them that can be damaged. `test/unit/shared/exchange/conformance.test.ts` runs them.
 */
import { expect, vi } from 'vitest';
import { bytesOf } from '../../shared/contract/chunks.ts';
import type { FeatureRow } from '../../shared/contract/feature-rows.ts';
import type {
  ExecutableId,
  ExecutablePushed,
  ExecutableSum,
  NodeHeader,
  ParametersRange,
  PushOutcome,
} from '../../shared/contract/messages.ts';
import { TesseraError } from '../../shared/core/errors.ts';
import { forEachSplit, type Split, splitOf } from '../../shared/core/work.ts';
import type { EncodedSample } from '../../shared/data/source.ts';
import type { Exchange, ExchangeHost, OutgoingExecutable } from '../../shared/exchange/exchange.ts';
import { roundToBfloat16, toBfloat16 } from '../../shared/kernels/bfloat16.ts';
import type { VectorMemory } from '../../shared/kernels/vectors.ts';
import { sha256Of } from './digest.ts';
import { allOf, LIMITS, NODE } from './loopback.ts';

export const SESSION = 's-1';
/** Not a multiple of a value's 4 bytes: a chunk may end within a value. */
export const CHUNK_BYTES = 1002;
/** Values below, at and above one chunk, and of many. */
const LENGTHS = [0, 1, 249, 250, 251, 501, 30_001];
const SAMPLE_BYTES = [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 100_000];

/** What happens to the payload of the next transfer on its way. */
export type Damage = 'bitFlipped' | 'cutShort' | 'repeated';
const DAMAGES: readonly Damage[] = ['bitFlipped', 'cutShort', 'repeated'];

/** Two ends of a transport. */
export interface Rig {
  readonly host: NotingHost;
  /** Opens the worker's end. */
  open(changes?: { session?: string; rpcMs?: number; signal?: AbortSignal }): Exchange;
  damage(damage: Damage): void;
  close(): Promise<void>;
}

/** A coordinator's end that keeps notes; its replies are fields to be set. */
export class NotingHost implements ExchangeHost {
  readonly splitSizes = forEachSplit(() => SAMPLE_BYTES.length + 1);
  readonly featureWidth = 3;
  /** Where gradients arrive, and parameters are sent from. */
  vectors: Pick<VectorMemory, 'float32' | 'copyOf'> = {
    float32: (length) => new Float32Array(length),
    copyOf: (values) => values,
  };
  outcome: PushOutcome = 'accepted';
  gradientLength = 0;
  vector: Float32Array = new Float32Array();
  /** Versions that can be pulled. */
  readonly versions = new Set([3]);
  /** So many more chunks of a pull may be sent. */
  confirmsLeft = Number.POSITIVE_INFINITY;
  onFinish: () => Promise<void> = () => Promise.resolve();
  readonly nodes: { node: NodeHeader; gradient: Float32Array | undefined }[] = [];
  readonly rows = new Map<string, FeatureRow>();
  readonly executables = new Map<string, Uint8Array>();
  /** What is said of an executable that is not there, and of one that is pushed. */
  withoutExecutable: Exclude<OutgoingExecutable, { outcome: 'kept' }> = { outcome: 'compile' };
  pushed: ExecutablePushed = { outcome: 'kept' };
  readonly asked: [string, string][] = [];
  readonly released: [string, string][] = [];
  /** Transfers that have begun and are not over. */
  numOpen = 0;

  workerOf(session: string): string {
    if (session === SESSION) return 'anna';
    throw new TesseraError('SESSION_UNKNOWN', 'no such session');
  }
  beginPush(_worker: string, node: NodeHeader) {
    if (this.outcome !== 'accepted') return this.outcome;
    const gradient = node.kind === 'train' ? this.vectors.float32(this.gradientLength) : undefined;
    return {
      gradient,
      addFeatures: (rows: readonly FeatureRow[]) => {
        for (const row of rows) this.rows.set(`${splitOf(node.kind)}/${row.index}`, row);
      },
      finish: async () => {
        await this.onFinish();
        this.nodes.push({ node, gradient });
        return this.outcome;
      },
      end: this.#begin(),
    };
  }
  beginPull(_worker: string, { version, first, valueType }: ParametersRange) {
    const stale = () => new TesseraError('STEP_STALE', `version ${version} is gone`);
    if (!this.versions.has(version)) throw stale();
    const confirm = () => {
      this.confirmsLeft -= 1;
      if (this.confirmsLeft < 0) throw stale();
    };
    const values = this.vectors.copyOf(this.vector.subarray(first));
    // A whole vector is kept rounded, a part of one is not.
    const isKept = valueType === 'bf16' && first === 0;
    const rounded = isKept ? new Uint16Array(values.length) : undefined;
    if (rounded !== undefined) toBfloat16(rounded, values);
    return { values, rounded, confirm, end: this.#begin() };
  }
  async *readSamples(_worker: string, split: Split, indices: readonly number[]) {
    for (const index of indices) yield await this.sample(split, index);
  }
  sample(_split: Split, index: number): Promise<EncodedSample> {
    const length = SAMPLE_BYTES[index];
    if (length === undefined) throw new TesseraError('DATA_INVALID', 'ö.jpg is truncated');
    const raw = index % 2 === 0 ? { height: 1, width: length, channels: 1 } : undefined;
    const bytes = Uint8Array.from({ length }, (_, place) => place * (index + 1));
    return Promise.resolve({ index, label: index + 1, name: `s${index}`, raw, bytes });
  }
  findFeatures(split: Split, indices: readonly number[]): FeatureRow[] {
    return indices.flatMap((index) => this.rows.get(`${split}/${index}`) ?? []);
  }
  async findExecutable(worker: string, { digest }: ExecutableId): Promise<OutgoingExecutable> {
    this.asked.push([worker, digest]);
    const contents = this.executables.get(digest);
    if (contents === undefined) return this.withoutExecutable;
    const sum = { bytes: contents.length, sha256: sha256Of(contents) };
    return { outcome: 'kept', ...sum, contents, end: this.#begin() };
  }
  async beginExecutable(_worker: string, { digest }: ExecutableId, { bytes }: ExecutableSum) {
    if (this.pushed.outcome !== 'kept') return this.pushed;
    const target = new Uint8Array(bytes);
    return {
      bytes: target,
      finish: async () => {
        await this.onFinish();
        this.executables.set(digest, target);
        return this.pushed;
      },
      end: this.#begin(),
    };
  }
  releaseExecutable(worker: string, { digest }: ExecutableId): void {
    this.released.push([worker, digest]);
  }

  #begin(): () => void {
    this.numOpen += 1;
    return () => {
      this.numOpen -= 1;
    };
  }
}

/** Values of every kind that is finite: -0, denormal, huge. */
function finiteValues(length: number, seed = 1): Float32Array {
  const words = Uint32Array.from({ length }, (_, index) => Math.imul(index + seed, 0x9e3779b1));
  for (const [index, word] of words.entries()) words[index] = word & 0xbf7fffff;
  return new Float32Array(words.buffer);
}

/** Compared at once: an `expect` of each value takes a thousand times as long. */
function sameBits(found: Float32Array, sent: Float32Array): void {
  expect(Buffer.compare(bytesOf(found), bytesOf(sent))).toBe(0);
}

/** Values that a line moves by many chunks. */
const LONG = finiteValues(40_000);
const VERSION_3 = { version: 3, first: 0 };

const push = (exchange: Exchange, gradient: Float32Array | undefined = LONG, node = NODE) =>
  exchange.pushNode(node, { gradient, features: [] });

const EXECUTABLE = { digest: sha256Of(bytesOf(LONG)), title: 'training' };
const BYTES = Uint8Array.from({ length: 10_000 }, (_, place) => place * 3);

/** A rig whose host takes and has vectors like LONG. */
function long({ host }: Rig): NotingHost {
  host.gradientLength = LONG.length;
  host.vector = LONG;
  return host;
}

/** What is checked, by what a transport does. */
export const CHECKS: Readonly<Record<string, (rig: Rig) => Promise<void>>> = {
  async 'moves vectors of all sizes up and down, bit for bit'({ host, open }) {
    const exchange = open();
    for (const length of LENGTHS) {
      const gradient = finiteValues(length);
      host.gradientLength = length;
      host.vector = gradient;
      expect(await push(exchange, gradient)).toBe('accepted');
      sameBits(host.nodes.at(-1)!.gradient!, gradient);
      const target = new Float32Array(length);
      await exchange.pull(VERSION_3, target);
      sameBits(target, gradient);
    }
    expect(host.nodes[0]?.node).toEqual(NODE);
  },

  async 'moves vectors of bfloat16, and rounds parameters that are asked for so'({ host, open }) {
    const exchange = open();
    for (const length of LENGTHS) {
      const values = finiteValues(length);
      const rounded = values.map(roundToBfloat16);
      host.gradientLength = length;
      host.vector = values;
      await push(exchange, rounded, { ...NODE, gradientType: 'bf16' });
      sameBits(host.nodes.at(-1)!.gradient!, rounded);
      expect(host.nodes.at(-1)!.node.gradientType).toBe('bf16');
      const target = new Float32Array(length);
      await exchange.pull({ ...VERSION_3, valueType: 'bf16' }, target);
      sameBits(target, rounded);
      // Evaluations of the same version are of the values themselves.
      await exchange.pull(VERSION_3, target);
      sameBits(target, values);
    }
    const end = new Float32Array(100);
    await exchange.pull({ version: 3, first: host.vector.length - 100, valueType: 'bf16' }, end);
    sameBits(end, host.vector.slice(-100).map(roundToBfloat16));
  },

  async 'moves an evaluation, which has no gradient, and the end of a version alone'(rig) {
    const { nodes } = long(rig);
    const node = { ...NODE, kind: 'test' as const };
    const exchange = rig.open();
    const evaluation = exchange.pushNode(node, { gradient: undefined, features: [] });
    expect(await evaluation).toBe('accepted');
    expect(nodes).toEqual([{ node, gradient: undefined }]);
    const target = new Float32Array(1000);
    await exchange.pull({ version: 3, first: LONG.length - 1000 }, target);
    sameBits(target, LONG.slice(-1000));
  },

  async 'moves an older version after a newer one, as the test of the best version needs it'(rig) {
    const { host } = rig;
    host.versions.add(2);
    const exchange = rig.open();
    for (const version of [3, 2, 3]) {
      host.vector = finiteValues(LONG.length, version);
      const target = new Float32Array(LONG.length);
      await exchange.pull({ version, first: 0 }, target);
      sameBits(target, host.vector);
    }
  },

  async 'moves samples of all sizes, in the order asked'({ host, open }) {
    const indices = [5, 0, 3, 3, 1, 2, 4];
    const samples = await allOf(open().fetchSamples('test', indices));
    const sent = await Promise.all(indices.map((index) => host.sample('test', index)));
    const plain = ({ bytes, ...about }: EncodedSample) => {
      return { ...about, text: Buffer.from(bytes).toString('latin1') };
    };
    expect(samples.map(plain)).toEqual(sent.map(plain));
  },

  async 'moves features up with a node and down, and leaves out those that are not there'(rig) {
    const { host } = rig;
    const exchange = rig.open();
    const count = host.splitSizes.train;
    const features = Array.from({ length: count - 1 }, (_, index) => {
      return { index, label: 0, values: finiteValues(3, index) };
    });
    expect(await exchange.pushNode(NODE, { gradient: new Float32Array(), features })).toBe(
      'accepted',
    );
    const shape = { width: 3, numSamples: count };
    const rows = await exchange.fetchFeatures('train', [2, count - 1, 0], shape);
    expect(rows).toEqual([features[2], features[0]]);
    expect(await exchange.fetchFeatures('test', [1], shape)).toEqual([]);
  },

  async 'moves executables of all sizes up and down'({ host, open }) {
    const exchange = open();
    for (const length of SAMPLE_BYTES.slice(1)) {
      const id = { digest: sha256Of(Uint8Array.of(length)), title: 'training of ViT-Ti/16 for ö' };
      const bytes = Uint8Array.from({ length }, (_, place) => place * 7);
      expect(await exchange.fetchExecutable(id)).toEqual({ outcome: 'compile' });
      expect(await exchange.pushExecutable(id, bytes)).toEqual({ outcome: 'kept' });
      const fetched = await exchange.fetchExecutable(id);
      expect(fetched.outcome).toBe('kept');
      expect(Buffer.compare((fetched as { bytes: Uint8Array }).bytes, bytes)).toBe(0);
    }
    expect(host.asked[0]).toEqual(['anna', sha256Of(Uint8Array.of(1))]);
    expect(host.numOpen).toBe(0);
  },

  async 'says what becomes of an executable that is not there, or not kept'({ host, open }) {
    const exchange = open();
    const refused = { outcome: 'refused', reason: 'no room' } as const;
    for (const state of [{ outcome: 'compile' }, { outcome: 'wait' }, refused] as const) {
      host.withoutExecutable = state;
      expect(await exchange.fetchExecutable(EXECUTABLE)).toEqual(state);
    }
    for (const pushed of [{ outcome: 'otherKept' }, refused] as const) {
      host.pushed = pushed;
      expect(await exchange.pushExecutable(EXECUTABLE, BYTES)).toEqual(pushed);
    }
    expect(await exchange.pushExecutable(EXECUTABLE, undefined)).toEqual({ outcome: 'released' });
    expect(host.released).toEqual([['anna', EXECUTABLE.digest]]);
    expect(host.executables.size).toBe(0);
  },

  async 'refuses every damage to an executable, either way, and nothing changes'(rig) {
    const { executables } = rig.host;
    const exchange = rig.open();
    for (const damage of DAMAGES) {
      rig.damage(damage);
      const push = exchange.pushExecutable(EXECUTABLE, BYTES);
      await expect(push, damage).rejects.toMatchObject({ code: 'CHUNK_CORRUPT' });
      expect(executables.size).toBe(0);
    }
    executables.set(EXECUTABLE.digest, BYTES);
    for (const damage of DAMAGES) {
      rig.damage(damage);
      const fetch = exchange.fetchExecutable(EXECUTABLE);
      await expect(fetch, damage).rejects.toMatchObject({ code: 'CHUNK_CORRUPT' });
    }
    expect(rig.host.numOpen).toBe(0);
  },

  async 'takes no executable that is larger than the limit'(rig) {
    const large = new Uint8Array(LIMITS.executableBytes + 1);
    rig.host.executables.set(EXECUTABLE.digest, large);
    const fetch = rig.open().fetchExecutable(EXECUTABLE);
    await expect(fetch).rejects.toMatchObject({ code: 'CHUNK_CORRUPT' });
  },

  async 'refuses every damage to a gradient, and nothing changes'(rig) {
    const { nodes } = long(rig);
    const exchange = rig.open();
    for (const damage of DAMAGES) {
      rig.damage(damage);
      await expect(push(exchange), damage).rejects.toMatchObject({ code: 'CHUNK_CORRUPT' });
      expect(nodes).toEqual([]);
    }
    expect(await push(exchange)).toBe('accepted');
  },

  async 'refuses every damage to parameters, and to samples'(rig) {
    long(rig);
    const exchange = rig.open();
    for (const damage of DAMAGES) {
      rig.damage(damage);
      const pull = exchange.pull(VERSION_3, LONG.slice());
      await expect(pull, damage).rejects.toMatchObject({ code: 'CHUNK_CORRUPT' });
    }
    // The pieces of a sample have no places: gRPC neither repeats nor swaps messages.
    for (const damage of ['bitFlipped', 'cutShort'] as const) {
      rig.damage(damage);
      const samples = allOf(exchange.fetchSamples('train', [5]));
      await expect(samples, damage).rejects.toMatchObject({ code: 'CHUNK_CORRUPT' });
    }
    await exchange.pull(VERSION_3, LONG.slice());
  },

  async 'refuses vectors of another length, either way'(rig) {
    const { nodes } = long(rig);
    const exchange = rig.open();
    for (const length of [LONG.length - 1, LONG.length + 1]) {
      const other = new Float32Array(length);
      await expect(push(exchange, other)).rejects.toMatchObject({ code: 'CHUNK_CORRUPT' });
      await expect(exchange.pull(VERSION_3, other)).rejects.toMatchObject({
        code: 'CHUNK_CORRUPT',
      });
    }
    expect(nodes).toEqual([]);
  },

  async 'refuses values that are not finite, either way, and names them'(rig) {
    const host = long(rig);
    const exchange = rig.open();
    for (const value of [Number.NaN, Number.NEGATIVE_INFINITY]) {
      const refusal = { code: 'NON_FINITE', sentence: expect.stringContaining('value 34321') };
      host.vector = LONG.with(34_321, value);
      await expect(push(exchange, host.vector)).rejects.toMatchObject(refusal);
      await expect(exchange.pull(VERSION_3, LONG.slice())).rejects.toMatchObject(refusal);
    }
    expect(host.nodes).toEqual([]);
  },

  async 'says what is stale, before the bulk travels and while it does'(rig) {
    const host = long(rig);
    const exchange = rig.open();
    for (const outcome of ['stale', 'acceptedBefore'] as const) {
      host.outcome = outcome;
      expect(await push(exchange)).toBe(outcome);
    }
    expect(host.nodes).toEqual([]);
    const stale = { code: 'STEP_STALE', sentence: expect.stringContaining('is gone') };
    const pull = (version: number) => exchange.pull({ version, first: 0 }, LONG.slice());
    await expect(pull(2)).rejects.toMatchObject(stale);
    host.confirmsLeft = 0;
    await expect(pull(3)).rejects.toMatchObject(stale);
  },

  async 'brings refusals of the host with their code and words, and no others'(rig) {
    const { host } = rig;
    const missing = SAMPLE_BYTES.length;
    const exchange = rig.open();
    await expect(allOf(exchange.fetchSamples('train', [0, missing]))).rejects.toMatchObject({
      code: 'DATA_INVALID',
      sentence: 'ö.jpg is truncated',
    });
    host.onFinish = () => Promise.reject(new Error('a secret'));
    await expect(push(exchange, new Float32Array())).rejects.toMatchObject({
      code: 'INTERNAL',
      message: expect.not.stringContaining('secret'),
    });
  },

  async 'is for open sessions only'(rig) {
    long(rig);
    const exchange = rig.open({ session: 'another' });
    const shape = { width: 3, numSamples: 5 };
    const transfers = [
      () => push(exchange),
      () => exchange.pull(VERSION_3, LONG.slice()),
      () => allOf(exchange.fetchSamples('train', [0])),
      () => exchange.fetchFeatures('train', [0], shape),
      () => exchange.fetchExecutable(EXECUTABLE),
      () => exchange.pushExecutable(EXECUTABLE, BYTES),
    ];
    for (const transfer of transfers) {
      await expect(transfer()).rejects.toMatchObject({ code: 'SESSION_UNKNOWN' });
    }
    expect(rig.host.nodes).toEqual([]);
  },

  async 'ends with CANCELLED when its signal aborts, then and later, and the host hears of the end'(
    rig,
  ) {
    const host = long(rig);
    const stop = new AbortController();
    host.onFinish = () =>
      new Promise((resolve) => {
        if (stop.signal.aborted) resolve();
        stop.signal.addEventListener('abort', () => resolve());
      });
    const exchange = rig.open({ signal: stop.signal });
    const pushing = push(exchange);
    await vi.waitFor(() => expect(host.numOpen).toBe(1), 10_000);
    stop.abort();
    const cancelled = { code: 'CANCELLED' };
    await expect(pushing).rejects.toMatchObject(cancelled);
    await expect(push(exchange)).rejects.toMatchObject(cancelled);
    await expect(exchange.pull(VERSION_3, LONG.slice())).rejects.toMatchObject(cancelled);
    await expect(allOf(exchange.fetchSamples('train', [0]))).rejects.toMatchObject(cancelled);
    await vi.waitFor(() => expect(host.numOpen).toBe(0), 10_000);
    host.onFinish = () => Promise.resolve();
    expect(await push(rig.open())).toBe('accepted');
  },

  async 'ends with TIMEOUT at its deadline'(rig) {
    const { host } = rig;
    host.onFinish = () => new Promise(() => {});
    const exchange = rig.open({ rpcMs: 200 });
    const timeout = { code: 'TIMEOUT' };
    await expect(push(exchange, new Float32Array())).rejects.toMatchObject(timeout);
    host.sample = () => new Promise(() => {});
    await expect(allOf(exchange.fetchSamples('train', [0]))).rejects.toMatchObject(timeout);
  },

  async 'carries many transfers at a time, each with its own bits'(rig) {
    const host = long(rig);
    const exchange = rig.open();
    const gradients = [1, 2, 3].map((seed) => finiteValues(LONG.length, seed));
    const targets = [1, 2, 3].map(() => new Float32Array(LONG.length));
    await Promise.all([
      ...gradients.map((gradient, step) => push(exchange, gradient, { ...NODE, step })),
      ...targets.map((target) => exchange.pull(VERSION_3, target)),
      ...[5, 1, 4].map(async (index) => {
        const [sample] = await allOf(exchange.fetchSamples('train', [index]));
        expect(sample?.bytes).toHaveLength(SAMPLE_BYTES[index]!);
      }),
    ]);
    for (const target of targets) sameBits(target, LONG);
    expect(host.nodes).toHaveLength(3);
    for (const { node, gradient } of host.nodes) {
      sameBits(gradient!, gradients[node.step]!);
    }
    expect(host.numOpen).toBe(0);
  },
};
