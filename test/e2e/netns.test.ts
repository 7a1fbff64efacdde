/** @file Promises P2 and P3 on a real network that is really cut: hosts in network namespaces. */
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { BadLine } from '../chaos/bad-line.ts';
import { type MetricsRecord, MetricsTail } from '../chaos/metrics-tail.ts';
import { Network, networkIsRefused } from '../chaos/network.ts';
import { SMALL_RUN, scratchFolder, type TesseraProcess, tessera } from '../support/cluster.ts';
import { longIt } from '../support/proofs.ts';

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
  /** Records up to the last that was waited for. */
  #seen = 0;
  readonly #name: string;
  readonly #epochs: number;
  readonly #runFolder: string;

  constructor(name: string, epochs: number) {
    this.#name = name;
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
    this.tail.poll();
    expect(ended?.code, ended?.stderr).toBe(0);
    expect(JSON.parse(ended?.stdout ?? '').parametersSha256).toBe(expected.get(this.#epochs));
    for (const worker of Object.values(this.workers)) {
      const { code, stderr } = await worker.ended;
      expect(code, stderr).toBe(0);
    }
  }

  /** Nobody was lost, nor had to join a second time. */
  keptEverybody(): void {
    const names = (what: string) =>
      this.tail
        .of('worker')
        .filter(({ fields }) => fields['what'] === what)
        .map(({ fields }) => String(fields['worker']));
    expect(names('lost')).toEqual([]);
    expect(names('joined').toSorted()).toEqual([FAR, NEAR]);
  }

  /** Prints the figures of a scenario. */
  tells(figures: string): void {
    const steps = this.tail.of('step');
    const seconds = ((steps.at(-1)?.atMs ?? 0) - (steps[0]?.atMs ?? 0)) / 1000;
    const sha256 = expected.get(this.#epochs)?.slice(0, 12);
    const end = `${steps.length} steps in ${seconds.toFixed(1)} s, sha256 ${sha256}`;
    process.stdout.write(`${this.#name}: ${figures}; ${end}\n`);
  }

  /** Ends everything, whatever came of it. */
  async close(): Promise<void> {
    const all = [this.coordinator, ...Object.values(this.workers)];
    for (const process of all) process?.kill();
    await Promise.all(all.map((process) => process?.ended));
    this.network.close();
  }

  /** Looks from what was last waited for on: two records that are written at once may be read at once. */
  async #next(what: string, fits: (record: MetricsRecord) => boolean, from = this.#seen) {
    const found = await this.tail.next(fits, { from, what, deadlineMs: DEADLINE_MS });
    this.#seen = Math.max(this.#seen, this.tail.records.indexOf(found) + 1);
    return found;
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
  const SHORT = 1;
  const LONG = 8;
  /** Two whole runs; a test has half of it for one. */
  const CALM_RUNS_MS = 360_000;

  beforeAll(async () => {
    for (const epochs of [SHORT, LONG]) {
      const args = ['--json', '--workers', '1', '--run-folder', join(folder, `calm-${epochs}`)];
      const ended = await tessera(['train', ...run(epochs), ...args]);
      expect(ended.code, ended.stderr).toBe(0);
      expected.set(epochs, JSON.parse(ended.stdout).parametersSha256);
    }
  }, CALM_RUNS_MS);

  longIt('for less than a lease: nobody is lost', async () => {
    const made = networkRun('short-cut', LONG);
    await made.start({ silenceMs: 8_000, leaseMs: 8_000 });
    const before = made.tail.step;
    made.network.cut(FAR);
    await pause(2_000);
    made.network.mend(FAR);
    made.tail.poll();
    const during = made.tail.step - before;
    await made.endsWithTheSameBits();
    made.keptEverybody();
    made.tells(`down for 2 s of a lease of 8, ${during} steps meanwhile`);
  });

  longIt(
    'for longer than a lease: the run goes on with the others, and the lost one comes back',
    async () => {
      const leaseMs = 2_000;
      const made = networkRun('long-cut', LONG);
      await made.start({ silenceMs: leaseMs, leaseMs, minWorkers: 1 });
      const cutMs = Date.now();
      made.network.cut(FAR);
      const lost = await made.worker(FAR, 'lost');
      expect(lost.atMs - cutMs).toBeLessThanOrEqual(2 * leaseMs);
      await made.step(made.tail.step + 5);
      const mendedMs = Date.now();
      made.network.mend(FAR);
      const back = await made.worker(FAR, 'ready');
      const steps = made.tail.step;
      await made.endsWithTheSameBits();
      const noticed = `noticed in ${lost.atMs - cutMs} ms (lease ${leaseMs})`;
      made.tells(
        `${noticed}, ready again ${back.atMs - mendedMs} ms after the mend, at step ${steps}`,
      );
    },
  );

  longIt('by delay and loss: the run is slow, and nobody is lost', async () => {
    const made = networkRun('bad-line', SHORT);
    const delayMs = 30;
    const line = { delayMs, lossPercent: 1, mbit: 10 };
    const lines = await Promise.all([NEAR, FAR].map((host) => made.network.disturb(host, line)));
    await made.start({ silenceMs: 8_000, leaseMs: 8_000 });
    const roundTripsMs = [NEAR, FAR].map((host) => made.network.shortestRoundTripMs(host));
    await made.endsWithTheSameBits();
    made.keptEverybody();
    const packets = await Promise.all(lines.map((bad) => bad.calm()));
    for (const { lost } of packets) expect(lost).toBeGreaterThan(0);
    const { means, delays } = lines[0] as BadLine;
    // No flaky bound: a busy machine makes a round trip longer, never shorter.
    if (delays) expect(Math.min(...roundTripsMs)).toBeGreaterThanOrEqual(2 * delayMs);
    const figures = JSON.stringify({ packets, shortestRoundTripsMs: roundTripsMs });
    made.tells(`${means}; ${figures}`);
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
    await made.workers[FAR]?.printed(/no message from the coordinator/);
    const workerMs = Date.now() - silentMs;
    expect(workerMs).toBeLessThanOrEqual(2 * leaseMs);
    const coordinatorMs = lost.atMs - silentMs;
    made.network.unsilence(FAR);
    await made.worker(FAR, 'ready');
    await made.endsWithTheSameBits();
    made.tells(
      `noticed by the coordinator in ${coordinatorMs} ms, by the worker in ${workerMs} ms`,
    );
  });
});

function pause(ms: number): Promise<void> {
  return new Promise((later) => setTimeout(later, ms));
}
