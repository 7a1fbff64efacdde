/** @file A process of a replay, as its parent sees it. */
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { deferred, withDeadline } from '../../shared/core/async.ts';
import { systemClock } from '../../shared/core/clock.ts';
import { TesseraError } from '../../shared/core/errors.ts';
import { NO_DEBUGGER_FLAGS } from '../../shared/machine/processes.ts';
import { decodingEnvironment, workerEnvironment } from '../worker-process.ts';
import type { Report } from './usage.ts';

/** A reply is a turn of the event loop, which a large model may hold up. */
const REPLY_MS = 120_000;

/** A child that reports how it is doing. */
export class ReplayChild {
  readonly #child: ChildProcess;
  readonly #failed = deferred<never>();
  #onReport: (report: Report) => void = () => {};

  /** Starts a script of this folder, as built; a worker that computes on so many threads is started as a launcher does. */
  constructor(script: 'coordinator' | 'worker', args: readonly string[], threads = 1) {
    const path = fileURLToPath(new URL(`./${script}.js`, import.meta.url));
    this.#failed.promise.catch(() => {});
    this.#child = fork(path, args, {
      execArgv: [...NO_DEBUGGER_FLAGS],
      ...(script === 'worker' && { env: workerEnvironment(decodingEnvironment(threads)) }),
      stdio: 'ignore',
    });
    this.#child.on('message', (report: Report) => {
      if (report.type === 'failed') this.#fail(report.reason);
      else this.#onReport(report);
    });
    this.#child.on('error', (error) => this.#fail(error.message));
    this.#child.on('exit', (code, signal) => this.#fail(`it ended with ${signal ?? code}`));
  }

  /** Rejects when it fails or ends. */
  get failed(): Promise<never> {
    return this.#failed.promise;
  }

  /** Waits for something that it reports. Throws  INTERNAL when it fails or ends; TIMEOUT. */
  async report<T extends Report['type']>(
    type: T,
    deadlineMs: number,
    isIt: (report: Extract<Report, { type: T }>) => boolean = () => true,
  ): Promise<Extract<Report, { type: T }>> {
    const found = deferred<Extract<Report, { type: T }>>();
    this.#onReport = (report) => {
      const one = report as Extract<Report, { type: T }>;
      if (report.type === type && isIt(one)) found.resolve(one);
    };
    const settled = Promise.race([found.promise, this.#failed.promise]);
    return await withDeadline(systemClock, settled, deadlineMs, `a process of a replay (${type})`);
  }

  /** What it has used by now. Throws  as `report`. */
  async usage(): Promise<Extract<Report, { type: 'usage' }>> {
    const reply = this.report('usage', REPLY_MS);
    this.#child.send('usage');
    return await reply;
  }

  /** Ends it at once. */
  kill(): void {
    this.#child.removeAllListeners('exit');
    this.#child.kill('SIGKILL');
  }

  #fail(reason: string): void {
    this.#failed.reject(new TesseraError('INTERNAL', `a process of a replay failed: ${reason}`));
  }
}
