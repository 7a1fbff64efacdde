/** @file The worker processes of `tessera train`: started, watched, started again, ended. */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, fstatSync, mkdirSync, openSync, readSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { deferred } from '../shared/core/async.ts';
import { systemClock } from '../shared/core/clock.ts';
import { TesseraError } from '../shared/core/errors.ts';
import type { Devices } from '../shared/host/devices.ts';
import type { Crew } from './values.ts';

/** What local workers need to know. */
export interface LocalWorkersOptions {
  /** Program and arguments of a worker, without its name. */
  readonly command: readonly string[];
  readonly count: number;
  /** What each is told on stdin. */
  readonly firstWords?: string;
  /** Restarts over the whole run. */
  readonly restarts: number;
  readonly logsFolder: string;
  /** Environment of worker `number` (from 0) beside our own. */
  environment(number: number): Readonly<Record<string, string>>;
  /** Whether the run is ending: from then on it is no death when a worker goes. */
  isEnding(): boolean;
  /** Says what happened to a worker. */
  readonly say: (line: string) => void;
}

/** The end of a worker that nobody asked for. */
export interface WorkerDeath {
  readonly name: string;
  readonly pid: number | undefined;
  /** `exit code 69` or `signal SIGKILL`. */
  readonly how: string;
  /** The last thing it said that explains it; '' when it said nothing, as after a kill -9. */
  readonly lastWords: string;
  readonly logPath: string;
}

const BACK_OFF_FIRST_MS = 500;
const BACK_OFF_MAX_MS = 10_000;
/** What a worker said last is in the end of its log. */
const LOG_BYTES_MAX = 1024 ** 2;
/** A worker that was told to finish gets this long, then its stdin closes, then it is killed. */
const FINISH_MS = 5_000;
const KILL_MS = 2_000;

/** N worker processes that live as long as the run, within a budget of restarts. */
export class LocalWorkers {
  readonly #options: LocalWorkersOptions;
  readonly #lost = deferred<never>();
  readonly #stop = new AbortController();
  readonly #alive = new Map<string, { child: ChildProcess; ended: Promise<void> }>();
  #restartsLeft: number;
  #restartsPending = 0;
  #firstDeath: WorkerDeath | undefined;

  constructor(options: LocalWorkersOptions) {
    this.#options = options;
    this.#restartsLeft = options.restarts;
    this.#lost.promise.catch(() => {});
    for (let number = 0; number < options.count; number += 1) this.#start(number);
  }

  /** Rejects with WORKERS_LOST when none is left and none may be started again; never resolves. */
  get failed(): Promise<never> {
    return this.#lost.promise;
  }

  /** Ends the workers; `gently` gives them time to hear from the coordinator that the run is over. */
  async close(gently: boolean): Promise<void> {
    this.#stop.abort(new TesseraError('CANCELLED', 'the workers are being ended'));
    if (gently) await this.#allEnded(FINISH_MS);
    for (const { child } of this.#alive.values()) child.stdin?.end();
    await this.#allEnded(KILL_MS);
    for (const { child } of this.#alive.values()) child.kill('SIGKILL');
  }

  async #allEnded(limitMs: number): Promise<void> {
    const ended = Promise.all([...this.#alive.values()].map((worker) => worker.ended));
    const enough = new AbortController();
    await Promise.race([ended, systemClock.sleep(limitMs, enough.signal).catch(() => {})]);
    enough.abort();
  }

  #start(number: number): void {
    const { name, logPath } = this.#placeOf(number);
    const [program, ...args] = this.#options.command;
    const log = openLog(logPath);
    // What a worker of this name said in an earlier life explains nothing.
    const bornBytes = log === undefined ? 0 : fstatSync(log).size;
    const output = log ?? 'ignore';
    const child = spawn(program as string, [...args, '--name', name], {
      // Our end of its stdin closes with us, however we go; a worker that sees that ends too.
      stdio: ['pipe', output, output],
      env: { ...process.env, ...this.#options.environment(number) },
    });
    if (log !== undefined) closeSync(log);
    // Writing to a dead worker's stdin is no news: its end is.
    child.stdin?.on('error', () => {});
    child.stdin?.write(this.#options.firstWords ?? '');
    const ended = deferred<void>();
    this.#alive.set(name, { child, ended: ended.promise });
    const onEnd = (how: string) => {
      if (!this.#alive.delete(name)) return;
      ended.resolve();
      if (this.#stop.signal.aborted || this.#options.isEnding()) return;
      const lastWords = lastWordsIn(readText(logPath, bornBytes));
      this.#died(number, { name, pid: child.pid, how, lastWords, logPath });
    };
    child.once('error', (error) => onEnd(`never started: ${error.message}`));
    child.once('exit', (code, signal) => {
      onEnd(signal === null ? `exit code ${code}` : `signal ${signal}`);
    });
  }

  #placeOf(number: number): { name: string; logPath: string } {
    const name = `w${number + 1}`;
    return { name, logPath: join(this.#options.logsFolder, `${name}.log`) };
  }

  #died(number: number, death: WorkerDeath): void {
    this.#firstDeath ??= death;
    if (this.#restartsLeft > 0) {
      const attempt = this.#options.restarts - this.#restartsLeft;
      this.#restartsLeft -= 1;
      this.#options.say(
        `⚠ worker/${death.name} ended with ${death.how}, starts again (${this.#restartsLeft} restarts left)`,
      );
      void this.#startLater(number, Math.min(BACK_OFF_MAX_MS, BACK_OFF_FIRST_MS * 2 ** attempt));
      return;
    }
    this.#options.say(`✖ worker/${death.name} ended with ${death.how}, no restarts left`);
    if (this.#alive.size > 0 || this.#restartsPending > 0) return;
    this.#lost.reject(this.#workersLost(this.#firstDeath));
  }

  async #startLater(number: number, delayMs: number): Promise<void> {
    this.#restartsPending += 1;
    const isTime = await systemClock.sleep(delayMs, this.#stop.signal).then(
      () => true,
      () => false,
    );
    this.#restartsPending -= 1;
    if (!isTime) return;
    try {
      this.#start(number);
    } catch (error) {
      const { name, logPath } = this.#placeOf(number);
      const how = `never started: ${TesseraError.from(error).sentence}`;
      this.#died(number, { name, pid: undefined, how, lastWords: '', logPath });
    }
  }

  #workersLost(first: WorkerDeath): TesseraError {
    for (const line of rootCause(first)) this.#options.say(line);
    const { restarts } = this.#options;
    const cause = [`${first.name} ended with ${first.how}`, first.lastWords]
      .filter(Boolean)
      .join(': ');
    return new TesseraError(
      'WORKERS_LOST',
      `no worker is left after ${restarts} restart${restarts === 1 ? '' : 's'}; first, ${cause}`,
      {
        hint: `read ${first.logPath}; tessera doctor shows which engines work here`,
        details: { first },
      },
    );
  }
}

/**
 * Workers to start: as many as asked for; `auto` is one a GPU, else one for two cores and at least 2; of a range, what
 * is nearest to that.
 */
export function countWorkers(wanted: Crew, { gpus, numThreads }: Devices): number {
  if (typeof wanted === 'number') return wanted;
  const fitting = gpus.length > 0 ? gpus.length : Math.max(2, Math.floor(numThreads / 2));
  return wanted === 'auto' ? fitting : Math.min(wanted.max, Math.max(wanted.min, fitting));
}

/** Threads of each of `count` workers that share this machine's cores. */
export function threadsEach({ numThreads }: Devices, count: number): number {
  return Math.max(1, Math.floor(numThreads / count));
}

/** The block that names the first failure: the later ones are often only its echo. */
export function rootCause(death: WorkerDeath): readonly string[] {
  return [
    '',
    'first failure',
    `  worker  ${death.name} (pid ${death.pid ?? 'none'})`,
    `  end     ${death.how}`,
    `  said    ${death.lastWords || 'nothing'}`,
    `  log     ${death.logPath}`,
    '',
  ];
}

/** The newest error that a worker's log holds, else its last line that is no record of normal work. */
export function lastWordsIn(log: string): string {
  const lines = log.split('\n').filter((line) => line.trim() !== '');
  const error = lines.findLast((line) => line.startsWith('error: '));
  const other = lines.findLast((line) => !line.startsWith('{'));
  return error?.slice('error: '.length) ?? other?.slice(0, 200) ?? '';
}

/** A worker without a log, on a disk that takes none, is better than no worker; a folder that was removed is made anew. */
function openLog(path: string): number | undefined {
  try {
    mkdirSync(dirname(path), { recursive: true });
    return openSync(path, 'a');
  } catch {
    return undefined;
  }
}

/** The end of a log, of what is written from `firstByte` on. */
function readText(path: string, firstByte: number): string {
  try {
    const log = openSync(path, 'r');
    const { size } = fstatSync(log);
    const bytes = Buffer.alloc(Math.max(0, Math.min(size - firstByte, LOG_BYTES_MAX)));
    readSync(log, bytes, 0, bytes.length, size - bytes.length);
    closeSync(log);
    return bytes.toString();
  } catch {
    return '';
  }
}
