/** @file Real processes for the end-to-end tests: start, watch, kill. */

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { inject } from 'vitest';
import type { RunStatus } from '../../shared/contract/status.ts';
import { fetchStatus } from '../../shared/exchange/grpc/operator.ts';
import { atEndOfFile } from './endings.ts';

const REPO = resolve(import.meta.dirname, '../..');
/** The build under test: this checkout's, or another that TESSERA_MAIN names. */
const MAIN = process.env['TESSERA_MAIN'] ?? join(REPO, 'dist/cli/main.js');
/** The words that start it. */
export const TESSERA: readonly string[] = [process.execPath, MAIN];
const DEADLINE_MS = 120_000;

/** How a process ended and what it printed. */
export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

const living = new Set<WatchedProcess>();
/** A test that fails leaves nobody behind. */
function killLiving(): void {
  for (const process of living) process.kill('SIGKILL');
}

/** A process that is watched: what it prints and how it ends. */
export class WatchedProcess {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  stdout = '';
  stderr = '';
  readonly #watchers = new Set<() => void>();
  #isStopped = false;

  constructor(
    [command = '', ...args]: readonly string[],
    options: {
      readonly cwd?: string;
      readonly env?: NodeJS.ProcessEnv;
      readonly stdin?: 'ignore' | 'pipe';
    } = {},
  ) {
    this.child = spawn(command, args, {
      cwd: options.cwd ?? REPO,
      env: { ...process.env, NO_COLOR: '1', ...options.env },
      stdio: [options.stdin ?? 'ignore', 'pipe', 'pipe'],
    });
    living.add(this);
    atEndOfFile(killLiving);
    this.child.stdout?.on('data', (data) => this.#heard(() => (this.stdout += String(data))));
    this.child.stderr?.on('data', (data) => this.#heard(() => (this.stderr += String(data))));
    this.ended = new Promise((done) => {
      this.child.on('close', (code, signal) => {
        living.delete(this);
        done({ code, signal, stdout: this.stdout, stderr: this.stderr });
        this.#heard(() => {});
      });
    });
  }

  #heard(note: () => void): void {
    note();
    for (const watcher of [...this.#watchers]) watcher();
  }

  /** Waits until the process has printed something that matches; fails when it ends without it. */
  printed(pattern: RegExp): Promise<RegExpExecArray> {
    return new Promise((found, fail) => {
      const timer = setTimeout(
        () => finish(() => fail(new Error(`not printed in time: ${pattern}\n${this.stderr}`))),
        DEADLINE_MS,
      );
      const finish = (settle: () => void) => {
        clearTimeout(timer);
        this.#watchers.delete(look);
        settle();
      };
      const look = () => {
        const match = pattern.exec(this.stdout + this.stderr);
        if (match !== null) finish(() => found(match));
        else if (this.child.exitCode !== null || this.child.signalCode !== null) {
          finish(() => fail(new Error(`ended without printing ${pattern}\n${this.stderr}`)));
        }
      };
      this.#watchers.add(look);
      look();
    });
  }

  /** The process that works: `tessera worker` starts one and keeps it. */
  get workingPid(): number | undefined {
    return childrenOf(this.child.pid)[0] ?? this.child.pid;
  }

  /** A process that is stopped or continued is so with what it has started, as by the freezer of a scheduler. */
  kill(signal: NodeJS.Signals = 'SIGKILL'): void {
    const isForAll = signal === 'SIGSTOP' || signal === 'SIGCONT' || this.#isStopped;
    const others = isForAll ? childrenOf(this.child.pid) : [];
    this.#isStopped = signal === 'SIGSTOP';
    this.child.kill(signal);
    for (const pid of others) process.kill(pid, signal);
  }
}

/** Process ids of the children of a process. */
function childrenOf(pid: number | undefined): number[] {
  try {
    const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8');
    return text
      .split(' ')
      .filter((word) => word !== '')
      .map(Number);
  } catch {
    return [];
  }
}

/** A running `tessera` process. */
export class TesseraProcess extends WatchedProcess {
  constructor(
    args: readonly string[],
    {
      through = [],
      ...options
    }: {
      readonly cwd?: string;
      readonly env?: NodeJS.ProcessEnv;
      /** A command that becomes this process, such as `ip netns exec NAME`. */
      readonly through?: readonly string[];
    } = {},
  ) {
    super([...through, ...TESSERA, ...args], options);
  }
}

/** Starts `tessera ARGS` and waits for its end. */
export function tessera(
  args: readonly string[],
  options: { readonly cwd?: string; readonly env?: NodeJS.ProcessEnv } = {},
): Promise<Ended> {
  return new TesseraProcess(args, options).ended;
}

/** Asks the coordinator until its status satisfies `condition`, with a deadline. */
export async function statusWhere(
  address: string,
  condition: (status: RunStatus) => boolean,
): Promise<RunStatus> {
  const startedMs = performance.now();
  let last = '';
  while (performance.now() - startedMs < DEADLINE_MS) {
    const status = await fetchStatus({ address, timeoutMs: 5000 }).catch((error: unknown) => {
      last = String(error);
      return undefined;
    });
    if (status !== undefined) {
      if (condition(status)) return status;
      last = `${status.phase} at step ${status.step}: ${status.reason}`;
    }
    await new Promise((later) => setTimeout(later, 20));
  }
  throw new Error(`the status never came: ${last}`);
}

/** A folder of this test alone. */
export function scratchFolder(): string {
  return mkdtempSync(join(tmpdir(), 'tessera-e2e-'));
}

/** The line of a run that says where its page is. */
export const PAGE = /page\s+(http:\/\/127\.0\.0\.1:\d+)/;

/**
 * A run small enough for tests and long enough to be disturbed: 40 steps of 8 leaves. What computes it costs less than the
 * processes that it takes.
 */
export const SMALL_RUN: readonly string[] = [
  'quickstart',
  ...[
    'data.source=idx',
    `data.path=${inject('smallDigits')}`,
    'data.validation=none',
    'training.epochs=2',
    'training.batchSize=64',
    'training.microBatch=8',
    'training.schedule.warmupSteps=5',
    'model.width=16',
    'model.depth=2',
    'model.heads=2',
    // Two threads of an engine wait for each other by spinning, and the tests beside would pay for it.
    'compute.threads=1',
  ].flatMap((setting) => ['--set', setting]),
];
