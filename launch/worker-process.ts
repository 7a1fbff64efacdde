/** @file One worker process: its pipes, and what is known of its end. */
import { type ChildProcess, spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { deferred } from '../shared/core/async.ts';
import { TesseraError } from '../shared/core/errors.ts';
import {
  type ChosenEngine,
  LAST_ERROR_ENVIRONMENT,
  LAST_ERROR_FD,
  readEngine,
  readLastError,
  TOLD_BYTES_MAX,
} from '../worker/parent/last-error.ts';
import { lastWordsIn } from './last-words.ts';
import { readerOf, type WorkerOutput } from './worker-output.ts';

/** What a worker process is started with. */
export interface WorkerStart {
  readonly name: string;
  /** Program and arguments, without the name. */
  readonly command: readonly string[];
  /** Beside our own. */
  readonly environment: Readonly<Record<string, string>>;
  /** Its stdin. */
  readonly firstWords: string;
  readonly output: WorkerOutput;
}

/** How a process ended, and what it said of that. */
export interface ProcessEnd {
  readonly code: number | null;
  readonly signal: string | null;
  /** The error that it sent to us; also that of a process which never started. */
  readonly reported: TesseraError | undefined;
  /** The engine that it had chosen. */
  readonly engine: ChosenEngine | undefined;
  readonly lastWords: string;
}

/** A process that was started, or could not be. */
export interface WorkerProcess {
  readonly child: ChildProcess;
  /** It is gone. */
  readonly exited: Promise<void>;
  /** What is known of its end, soon after. */
  readonly end: Promise<ProcessEnd>;
}

/**
 * Has glibc ask for large pages under large blocks of memory, where the system gives them on request: a step of
 * ViT-Ti/16 then takes about a twentieth less time on a CPU. Elsewhere it means nothing, and a user's own value counts.
 *
 * Source  the glibc manual, glibc.malloc.hugetlb; glibc reads it when a process begins.
 */
export const LARGE_PAGES = { GLIBC_TUNABLES: 'glibc.malloc.hugetlb=1' } as const;

/** The environment of a worker's process: ours, and `own` beside it. */
export function workerEnvironment(own: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  return { ...LARGE_PAGES, ...process.env, ...own };
}

/** As Node has them, and as many as pay. */
const LIBUV_THREADS = 4;
const LIBUV_THREADS_MAX = 64;

/** Starts a worker. Throws  an immediate error of the system; a later one is the error of the worker. */
export function startWorkerProcess(start: WorkerStart): WorkerProcess {
  const { name, command, environment, output } = start;
  const [program, ...args] = command;
  let child: ChildProcess | undefined;
  try {
    child = spawn(program as string, [...args, `--name=${name}`], {
      // Our end of its stdin closes with us, however we go; a worker that sees that ends too.
      stdio: ['pipe', output.stdio, output.stdio, 'pipe'],
      env: workerEnvironment({ ...environment, ...LAST_ERROR_ENVIRONMENT }),
    });
  } finally {
    output.begun(child);
  }
  // A failed write to a dead worker's stdin does not matter; its exit is reported.
  child.stdin?.on('error', () => {});
  child.stdin?.write(start.firstWords);
  const pipe = child.stdio?.[LAST_ERROR_FD] as Readable | null | undefined;
  const sent = readerOf(pipe, { keeps: 'beginning', bytesMax: TOLD_BYTES_MAX });
  const exited = deferred<void>();
  const end = deferred<ProcessEnd>();
  child.once('error', (error) => {
    exited.resolve();
    const reported = TesseraError.from(error);
    end.resolve({ code: null, signal: null, reported, engine: undefined, lastWords: '' });
  });
  child.once('exit', async (code, signal) => {
    exited.resolve();
    const [report, printed] = await Promise.all([sent(), output.text()]);
    const text = String(report);
    const [reported, engine] = [readLastError(text), readEngine(text)];
    end.resolve({ code, signal, reported, engine, lastWords: lastWordsIn(printed) });
  });
  return { child, exited: exited.promise, end: end.promise };
}

/** Threads of libuv, which decode images: one a core where it has more than 4, unless the user has said how many. */
export function decodingEnvironment(numThreads: number): Readonly<Record<string, string>> {
  if (numThreads <= LIBUV_THREADS || process.env['UV_THREADPOOL_SIZE'] !== undefined) return {};
  return { UV_THREADPOOL_SIZE: String(Math.min(numThreads, LIBUV_THREADS_MAX)) };
}

/** Each worker sees one of the GPUs that its user leaves visible. */
export function gpuEnvironment(
  index: number,
  visible: readonly string[],
): Readonly<Record<string, string>> {
  if (visible.length < 2) return {};
  return { CUDA_VISIBLE_DEVICES: visible[index % visible.length] as string };
}
