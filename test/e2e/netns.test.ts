/** @file Promises P2 and P3 on a real network that is really cut: hosts in network namespaces. */
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type MetricsRecord, MetricsTail } from '../chaos/metrics-tail.ts';
import { Network, networkIsRefused } from '../chaos/network.ts';
import { SMALL_RUN, scratchFolder, type TesseraProcess, tessera } from './cluster.ts';

/** Flags for a plain wire off loopback. */
const INSECURE = ['--insecure'];

const HEAD = 'head';
const NEAR = 'near';
const FAR = 'far';
const DEADLINE_MS = 60_000;

const refused = networkIsRefused();
if (refused !== undefined) process.stderr.write(`skipped: no network namespaces: ${refused}\n`);

const folder = scratchFolder();
const expected = new Map<number, string>();

/** A run over `epochs` with two workers, each on a host of its own. */
class NetworkRun {
  readonly network = new Network([HEAD, NEAR, FAR]);
  readonly workers: Record<string, TesseraProcess> = {};
  readonly tail: MetricsTail;
  coordinator: TesseraProcess | undefined;
  readonly #epochs: number;
  readonly #runFolder: string;

  constructor(name: string, epochs: number) {
    this.#epochs = epochs;
    this.#runFolder = join(folder, name);
    this.tail = new MetricsTail(this.#runFolder);
  }

  /** Starts the three and waits until both workers take part. */
  async start(cluster: Readonly<Record<string, number>>): Promise<void> {
    const settings = { heartbeatMs: 250, minWorkers: 2, ...cluster };
    const flags = Object.entries(settings).flatMap(([key, to]) => [
      '--set',
      `cluster.${key}=${to}`,
    ]);
    const listen = `${this.network.addressOf(HEAD)}:0`;
    this.coordinator = this.network.start(HEAD, [
      'coordinator',
      ...run(this.#epochs),
      ...flags,
      ...['--json', '--run-folder', this.#runFolder, '--listen', listen, ...INSECURE],
    ]);
    const [address = ''] = await this.coordinator.printed(/10\.77\.0\.1:[1-9]\d*/);
    for (const host of [NEAR, FAR]) {
      const args = ['worker', address, '--name', host, '--threads', '1', '--verbose'];
      this.workers[host] = this.network.start(host, [...args, ...INSECURE]);
    }
    await this.step(5);
  }

  /** Waits for a step. */
  step(step: number) {
    return this.#next(`step ${step}`, ({ fields }) => Number(fields['step']) >= step, 0);
  }

  /** Waits for the next of what happens to a worker. */
  worker(worker: string, what: string) {
    return this.#next(
      `${worker} ${what}`,
      ({ fields }) => fields['worker'] === worker && fields['what'] === what,
    );
  }

  /** Waits until the run says that it waits. */
  waits() {
    return this.#next('waiting', ({ fields }) => fields['phase'] === 'waiting');
  }

  /** The run ends well, with the parameters of the undisturbed one, and the workers leave in peace. */
  async endsWithTheSameBits(): Promise<void> {
    const ended = await this.coordinator?.ended;
    expect(ended?.code, ended?.stderr).toBe(0);
    expect(JSON.parse(ended?.stdout ?? '').parametersSha256).toBe(expected.get(this.#epochs));
    for (const worker of Object.values(this.workers)) {
      const { code, stderr } = await worker.ended;
      expect(code, stderr).toBe(0);
    }
  }

  /** Ends everything, whatever came of it. */
  async close(): Promise<void> {
    const all = [this.coordinator, ...Object.values(this.workers)];
    for (const process of all) process?.kill();
    await Promise.all(all.map((process) => process?.ended));
    this.network.close();
  }

  #next(what: string, fits: (record: MetricsRecord) => boolean, from = this.tail.records.length) {
    return this.tail.next(fits, { from, what, deadlineMs: DEADLINE_MS });
  }
}

function run(epochs: number): string[] {
  return [...SMALL_RUN, '--set', `training.epochs=${epochs}`];
}

const runs: NetworkRun[] = [];

function networkRun(name: string, epochs: number): NetworkRun {
  const made = new NetworkRun(name, epochs);
  runs.push(made);
  return made;
}

afterEach(async () => {
  for (const made of runs.splice(0)) await made.close();
});

describe.skipIf(refused !== undefined)('a network that is cut', () => {
  const SHORT = 2;
  const LONG = 10;

  beforeAll(async () => {
    for (const epochs of [SHORT, LONG]) {
      const args = ['--json', '--workers', '1', '--run-folder', join(folder, `calm-${epochs}`)];
      const ended = await tessera(['train', ...run(epochs), ...args]);
      expect(ended.code, ended.stderr).toBe(0);
      expected.set(epochs, JSON.parse(ended.stdout).parametersSha256);
    }
  });

  it('for less than a lease: nobody is lost', async () => {
    const made = networkRun('short-cut', LONG);
    await made.start({ silenceMs: 8_000, leaseMs: 8_000 });
    made.network.cut(FAR);
    await pause(2_000);
    made.network.mend(FAR);
    await made.endsWithTheSameBits();
    const lost = made.tail.of('worker').filter(({ fields }) => fields['what'] === 'lost');
    expect(lost).toEqual([]);
  });

  it('for longer than a lease: the run goes on with the others, and the lost one comes back', async () => {
    const leaseMs = 2_000;
    const made = networkRun('long-cut', LONG);
    await made.start({ silenceMs: leaseMs, leaseMs, minWorkers: 1 });
    const cutMs = Date.now();
    made.network.cut(FAR);
    const lost = await made.worker(FAR, 'lost');
    expect(lost.atMs - cutMs).toBeLessThanOrEqual(2 * leaseMs);
    await made.step(made.tail.step + 5);
    made.network.mend(FAR);
    await made.worker(FAR, 'ready');
    await made.endsWithTheSameBits();
  });

  it('by delay and loss: the run is slow, and nobody is lost', async () => {
    const made = networkRun('bad-line', SHORT);
    const line = { delayMs: 10, lossPercent: 1, mbit: 10 };
    const means = [NEAR, FAR].map((host) => made.network.disturb(host, line));
    process.stdout.write(`the bad line: ${means[0]}\n`);
    await made.start({ silenceMs: 8_000, leaseMs: 8_000 });
    await made.endsWithTheSameBits();
    const lost = made.tail.of('worker').filter(({ fields }) => fields['what'] === 'lost');
    expect(lost).toEqual([]);
  });

  it('without a word to anybody (half-open): both ends notice, the run waits, and goes on', async () => {
    const leaseMs = 2_000;
    const made = networkRun('half-open', LONG);
    await made.start({ silenceMs: leaseMs, leaseMs });
    const silentMs = Date.now();
    made.network.silence(FAR);
    const lost = await made.worker(FAR, 'lost');
    expect(lost.atMs - silentMs).toBeLessThanOrEqual(2 * leaseMs);
    await made.waits();
    await made.workers[FAR]?.printed(/nothing heard of the coordinator/);
    const workerMs = Date.now() - silentMs;
    expect(workerMs).toBeLessThanOrEqual(2 * leaseMs);
    const coordinatorMs = lost.atMs - silentMs;
    process.stdout.write(`noticed: coordinator ${coordinatorMs} ms, worker ${workerMs} ms\n`);
    made.network.unsilence(FAR);
    await made.worker(FAR, 'ready');
    await made.endsWithTheSameBits();
  });
});

function pause(ms: number): Promise<void> {
  return new Promise((later) => setTimeout(later, ms));
}
