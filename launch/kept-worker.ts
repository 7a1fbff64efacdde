/**
 * @file The worker of `tessera worker`: a process that computes, started again when an engine takes it down.
 *
 * The engine runs in a thread of the working process, since leaves are too large to copy into another one. A library that
 * aborts ends that process; its lease goes to others, and the next process joins the run again.
 */
import { fileURLToPath } from 'node:url';
import { type Clock, systemClock } from '../shared/core/clock.ts';
import { availableThreads } from '../shared/machine/devices.ts';
import { NO_DEBUGGER_FLAGS } from '../shared/machine/processes.ts';
import { Keeper } from './keeper.ts';
import { LocalLauncher } from './local.ts';
import { deathText } from './worker-exit.ts';
import { decodingEnvironment } from './worker-process.ts';

/** What a kept worker is started with. */
export interface KeptWorkerOptions {
  /** Arguments of `worker/main.ts` beside its name. */
  readonly args: readonly string[];
  /** '' lets the coordinator choose one. */
  readonly name: string;
  /** Beside that of this process. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Its first line on stdin, where it reads a token or its credentials there. */
  readonly token: string | undefined;
  /** Starts after a crash, until one process has lasted. */
  readonly restarts: number;
  /** Asks it to deliver what it has computed, and to leave. */
  readonly signal: AbortSignal;
  /** Gets what it prints. */
  readonly print: (chunk: Buffer) => void;
  /** Gets a sentence at each crash, and other warnings. */
  readonly warn: (sentence: string) => void;
  /** Program and first arguments, in place of this Node and the entry of a worker. */
  readonly program?: readonly string[];
  readonly clock?: Clock;
}

const LOOK_MS = 2_000;

/** Keeps a worker until it ends by itself; returns its exit code. Throws  the error that it reported, or WORKERS_LOST. */
export async function keepWorker(options: KeptWorkerOptions): Promise<number> {
  const { args, name, token, restarts, signal, print, warn, clock = systemClock } = options;
  const program = options.program ?? [process.execPath, ...NO_DEBUGGER_FLAGS, entry()];
  const keeper = new Keeper(restarts);
  const launcher = new LocalLauncher({
    command: [...program, ...args],
    firstWords: token === undefined ? '' : `${token}\n`,
    output: print,
    environment: () => ({
      ...decodingEnvironment(availableThreads()),
      ...options.environment,
    }),
  });
  const stopLooking = clock.every(LOOK_MS, () => {
    for (const { text } of launcher.look()) warn(text);
  });
  try {
    for (;;) {
      const startedMs = clock.nowMs();
      const life = launcher.start({ index: 0, name });
      const leave = () => life.leave();
      if (signal.aborted) leave();
      signal.addEventListener('abort', leave, { once: true });
      const death = { ...(await life.ended), name: name || 'the worker' };
      signal.removeEventListener('abort', leave);
      const facts = { lifeMs: clock.nowMs() - startedMs, isLeaving: signal.aborted };
      const sequel = keeper.ended(death, facts);
      if (sequel.type === 'over') return sequel.code;
      if (sequel.type === 'failed') throw sequel.error;
      const left = `${sequel.left} restart${sequel.left === 1 ? '' : 's'} left`;
      warn(`${deathText(death)}; it starts again (${left})`);
      await clock.sleep(sequel.pauseMs, signal).catch(() => {});
      if (signal.aborted) return 0;
    }
  } finally {
    stopLooking();
  }
}

/** The same module as source and as built. */
function entry(): string {
  return fileURLToPath(new URL(`../worker/main${import.meta.url.slice(-3)}`, import.meta.url));
}
