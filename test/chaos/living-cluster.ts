/** @file A coordinator and its workers as processes that are struck, and a supervisor that starts them again. */
import { join } from 'node:path';
import type { Ended, TesseraProcess } from '../support/cluster.ts';
import { MetricsTail } from './metrics-tail.ts';
import type { Victim } from './schedule.ts';

/** What a cluster is started with. */
export interface ClusterOptions {
  /** The config and its overrides. */
  readonly run: readonly string[];
  readonly runFolder: string;
  readonly workers: number;
  /** Starts `tessera ARGS`. */
  readonly start: (args: readonly string[]) => TesseraProcess;
}

/** A coordinator that was started again: when it was asked for, when it listened, and what it loaded. */
export interface Restart {
  readonly startedMs: number;
  readonly listeningMs: number;
}

interface LivingWorker {
  readonly name: string;
  readonly process: TesseraProcess;
}

/** A worker leaves soon after the run has ended. */
const EXIT_MS = 30_000;

/** The processes of one run. */
export class LivingCluster {
  readonly tail: MetricsTail;
  /** Standard error of every worker that has ended. */
  readonly workerLogs: string[] = [];
  readonly #options: ClusterOptions;
  readonly #workers: LivingWorker[] = [];
  #coordinator: TesseraProcess | undefined;
  #address = '127.0.0.1:0';
  #lives = 0;
  /** The first record that the present coordinator wrote. */
  #recordsFrom = 0;
  #closed = false;

  constructor(options: ClusterOptions) {
    this.#options = options;
    this.tail = new MetricsTail(options.runFolder);
  }

  /** Starts the coordinator, then the workers. */
  async start(): Promise<void> {
    await this.startCoordinator('--run-folder');
    for (let index = 0; index < this.#options.workers; index += 1) this.startWorker(index);
  }

  /** Starts a coordinator of a new run, or (`--resume`) one that goes on, at the address that the workers know. */
  async startCoordinator(how: '--run-folder' | '--resume'): Promise<Restart> {
    const startedMs = Date.now();
    const { run, runFolder, start } = this.#options;
    this.tail.poll();
    this.#recordsFrom = this.tail.records.length;
    const flags = ['--json', '--listen', this.#address, how, runFolder];
    const coordinator = start(['coordinator', ...run, ...flags]);
    this.#coordinator = coordinator;
    const [, address = ''] = await coordinator.printed(/coordinator\s+(127\.0\.0\.1:[1-9]\d*)/);
    this.#address = address;
    return { startedMs, listeningMs: Date.now() };
  }

  /** Starts worker number `index`, under a name of its own. */
  startWorker(index: number): void {
    if (this.#closed) return;
    this.#lives += 1;
    const name = `w${index}.${this.#lives}`;
    const flags = ['--threads', '1', '--name', name, '--reconnect', '2m', '--verbose'];
    const process = this.#options.start(['worker', this.#address, ...flags]);
    void process.ended.then(({ stderr }) => this.workerLogs.push(stderr));
    this.#workers[index] = { name, process };
  }

  /** The name under which a worker is known to the run; the coordinator has none. */
  nameOf(victim: Victim): string {
    return victim === 'coordinator' ? victim : (this.#workers[victim]?.name ?? '');
  }

  /** The process of a victim. */
  process(victim: Victim): TesseraProcess {
    const process = victim === 'coordinator' ? this.#coordinator : this.#workers[victim]?.process;
    if (process === undefined) throw new Error(`${victim} was never started`);
    return process;
  }

  /** Names of the workers that the present coordinator knows and that have compiled the model. */
  get ready(): ReadonlySet<string> {
    this.tail.poll();
    const ready = new Set<string>();
    for (const { type, fields } of this.tail.records.slice(this.#recordsFrom)) {
      if (type !== 'worker') continue;
      const worker = String(fields['worker']);
      if (fields['what'] === 'ready') ready.add(worker);
      else ready.delete(worker);
    }
    return ready;
  }

  /** Where checkpoints are written. */
  get checkpoints(): string {
    return join(this.#options.runFolder, 'checkpoints');
  }

  /** Says which process ended that nobody killed, with the last it said. */
  get failure(): string | undefined {
    const all = [this.#coordinator, ...this.#workers.map(({ process }) => process)];
    const failed = all.find((one) => (one?.child.exitCode ?? 0) !== 0);
    if (failed === undefined) return undefined;
    return `a process ended by itself:\n${failed.stderr.slice(-2000)}`;
  }

  /**
   * Waits for the end of the run; every worker that was part of it to the end must leave well.
   *
   * Throws  an Error that names who did not.
   */
  async finished(deadlineMs: number): Promise<Ended> {
    const ended = await endOf(this.process('coordinator'), 'the coordinator', deadlineMs);
    const { ready } = this;
    for (const { name, process } of this.#workers) {
      if (!ready.has(name)) continue;
      const { code, signal, stderr } = await endOf(process, name, EXIT_MS);
      if (code !== 0) throw new Error(`${name} ended with ${code ?? signal}:\n${stderr}`);
    }
    return ended;
  }

  /** Kills whoever lives. */
  async close(): Promise<void> {
    this.#closed = true;
    const all = [this.#coordinator, ...this.#workers.map(({ process }) => process)];
    for (const process of all) process?.kill('SIGKILL');
    await Promise.all(all.map((process) => process?.ended));
  }
}

function endOf(process: TesseraProcess, name: string, deadlineMs: number): Promise<Ended> {
  return new Promise((done, fail) => {
    const timer = setTimeout(() => {
      fail(new Error(`${name} has not ended in ${deadlineMs} ms:\n${process.stderr.slice(-2000)}`));
    }, deadlineMs);
    void process.ended.then((ended) => {
      clearTimeout(timer);
      done(ended);
    });
  });
}
