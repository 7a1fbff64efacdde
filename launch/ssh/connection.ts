/** @file One connection to a host: the process of ssh, what comes over it, and how it ended. */
import { type ChildProcess, spawn } from 'node:child_process';
import { deferred, withDeadline } from '../../shared/core/async.ts';
import { type Clock, systemClock } from '../../shared/core/clock.ts';
import { errnoOf } from '../../shared/core/errno.ts';
import { TesseraError } from '../../shared/core/errors.ts';
import { formatSpan } from '../../shared/core/units.ts';
import { BoundedLines } from '../../shared/files/lines.ts';
import { type HostEnd, type Wanted, whyNotReady } from './failures.ts';
import type { Host } from './hosts.ts';
import {
  BEAT,
  BEAT_MS,
  type Found,
  type Job,
  jobLine,
  LINE_BYTES_MAX,
  type Ready,
  readHostLine,
} from './protocol.ts';

/** What a connection is made with. */
export interface ConnectionOptions {
  readonly host: Host;
  /** Program and arguments: ssh, or tessera itself for this machine. */
  readonly words: readonly string[];
  readonly wanted: Wanted;
  /** Longest time until the host is ready. */
  readonly readyMs: number;
  /** Gets each line that the host prints once it is ready. */
  readonly print: (line: string) => void;
  readonly clock?: Clock;
}

/** Lines that are kept for the last words. */
const LINES_MAX = 50;
/** What was printed arrives soon after the end, unless another process holds the pipe. */
const REST_MS = 1_000;

/** A connection to a host. What runs there ends when our end of its stdin closes, however that comes. */
export class HostConnection {
  readonly host: Host;
  /** Resolves once the host waits for its job; rejects with the reason why it cannot take part. */
  readonly ready: Promise<Ready>;
  /** Resolves when the process of ssh is gone; never rejects. */
  readonly exited: Promise<void>;
  /** Resolves with what is known of the end; never rejects. */
  readonly end: Promise<HostEnd>;
  readonly #child: ChildProcess;
  readonly #print: (line: string) => void;
  readonly #readiness = deferred<Ready>();
  readonly #lines: string[] = [];
  #found: Found | undefined;
  #reported: TesseraError | undefined;
  #isReady = false;

  /** Throws  what keeps the process from being started at once. */
  constructor(options: ConnectionOptions) {
    const { host, words, wanted, print, clock = systemClock } = options;
    this.host = host;
    this.#print = print;
    const [program = '', ...args] = words;
    // A session of its own: Ctrl-C in our terminal is for us, who end the run with a checkpoint first.
    const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'], detached: true });
    this.#child = child;
    child.stdin.on('error', () => {});
    child.stdout.on(
      'data',
      this.#reader((line) => this.#printed(line)),
    );
    child.stderr.on(
      'data',
      this.#reader((line) => this.#said(line)),
    );
    const stopBeating = clock.every(BEAT_MS, () => this.#write(`${BEAT}\n`));
    const exited = deferred<void>();
    const ended = deferred<HostEnd>();
    const over = (code: number | null, signal: string | null) => {
      stopBeating();
      exited.resolve();
      const closed = new Promise<void>((resolve) => child.once('close', () => resolve()));
      void withDeadline(clock, closed, REST_MS, 'its output')
        .catch(() => {})
        .then(() => ended.resolve(this.#ended(code, signal)));
    };
    child.once('exit', over);
    child.once('error', (error) => {
      this.#reported ??= unstarted(program, error);
      over(null, null);
      child.emit('close');
    });
    this.exited = exited.promise;
    this.end = ended.promise;
    this.ready = this.#readyWithin(options.readyMs, clock, wanted);
    this.ready.catch(() => {});
  }

  /** The launcher as the host sees it; '' where it does not say. */
  get seenFrom(): string {
    return this.#found?.from ?? '';
  }

  /** Sends the job, with its token: it never stands on a command line, nor on a disk of the host. */
  send(job: Job): void {
    this.#write(jobLine(job));
  }

  /** Ends what runs there. */
  close(): void {
    this.#child.stdin?.end();
  }

  /** Ends the connection at once, and so what runs there. */
  kill(): void {
    this.#child.kill('SIGKILL');
  }

  async #readyWithin(readyMs: number, clock: Clock, wanted: Wanted): Promise<Ready> {
    const failed = this.end.then((end) => {
      throw whyNotReady(end, wanted);
    });
    failed.catch(() => {});
    const late = new AbortController();
    const tooLate = clock.sleep(readyMs, late.signal).then(() => {
      this.kill();
      throw new TesseraError('WORKERS_LOST', `it is not ready after ${formatSpan(readyMs)}`, {
        hint: 'a login shell there may wait for something, or npm for its registry',
      });
    });
    tooLate.catch(() => {});
    try {
      return await Promise.race([this.#readiness.promise, failed, tooLate]);
    } finally {
      late.abort();
    }
  }

  #write(text: string): void {
    if (this.#child.stdin?.writable) this.#child.stdin.write(text);
  }

  #reader(take: (line: string) => void): (piece: Buffer) => void {
    const lines = new BoundedLines(LINE_BYTES_MAX);
    return (piece) => {
      for (const line of lines.add(piece)) take(line ?? '(a line that is too long was left out)');
    };
  }

  #printed(line: string): void {
    const read = readHostLine(line);
    if (read === undefined) this.#said(line);
    else if (read.type === 'found') this.#found = read;
    else if (read.type === 'failed') this.#reported = read.error;
    else {
      this.#isReady = true;
      // Banners, and what npm says, explain no later end.
      this.#lines.length = 0;
      this.#readiness.resolve(read);
    }
  }

  #said(line: string): void {
    const text = line.trimEnd();
    if (text === '') return;
    this.#lines.push(text);
    if (this.#lines.length > LINES_MAX) this.#lines.shift();
    if (this.#isReady) this.#print(text);
  }

  #ended(code: number | null, signal: string | null): HostEnd {
    const [host, found, reported] = [this.host.name, this.#found, this.#reported];
    return { host, code, signal, found, reported, lines: [...this.#lines] };
  }
}

function unstarted(program: string, error: unknown): TesseraError {
  if (errnoOf(error) !== 'ENOENT') return TesseraError.from(error);
  return new TesseraError('USAGE', `there is no program ${program} on this machine`, {
    hint: 'install OpenSSH (openssh-client), or name another one with --ssh',
  });
}
