/** @file One worker process of `tessera train`: its pipes, its log, and what is known of its end. */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, fstatSync, mkdirSync, openSync, readSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Readable } from 'node:stream';
import { deferred } from '../shared/core/async.ts';
import { systemClock } from '../shared/core/clock.ts';
import { TesseraError } from '../shared/core/errors.ts';
import {
  LAST_ERROR_ENVIRONMENT,
  LAST_ERROR_FD,
  readLastError,
  TOLD_BYTES_MAX,
} from '../worker/last-error.ts';
import { lastWordsIn } from './last-words.ts';

/** What a worker process is started with. */
export interface WorkerStart {
  readonly name: string;
  /** Program and arguments, without the name. */
  readonly command: readonly string[];
  /** Beside our own. */
  readonly environment: Readonly<Record<string, string>>;
  /** Its stdin. */
  readonly firstWords: string;
  readonly logPath: string;
}

/** How a process ended, and what it said of that. */
export interface ProcessEnd {
  readonly code: number | null;
  readonly signal: string | null;
  /** The error that it sent to us; also that of a process which never started. */
  readonly reported: TesseraError | undefined;
  readonly lastWords: string;
}

/** A process that was started, or could not be. */
export interface WorkerProcess {
  readonly child: ChildProcess;
  /** Why it has no log. */
  readonly logError: unknown;
  /** It is gone. */
  readonly exited: Promise<void>;
  /** What is known of its end, soon after. */
  readonly end: Promise<ProcessEnd>;
}

/** What a worker said last is in the end of its log. */
const LOG_BYTES_MAX = 1024 ** 2;
/** The error of a worker arrives soon after its end, unless another process holds its pipe. */
const TOLD_MS = 1_000;

/** Starts a worker. Throws  an immediate error of the system; a later one is the error of the worker. */
export function startWorkerProcess(start: WorkerStart): WorkerProcess {
  const { name, command, environment, logPath } = start;
  const [program, ...args] = command;
  const log = openLog(logPath);
  const output = log.file ?? 'ignore';
  let child: ChildProcess;
  try {
    child = spawn(program as string, [...args, '--name', name], {
      // Our end of its stdin closes with us, however we go; a worker that sees that ends too.
      stdio: ['pipe', output, output, 'pipe'],
      env: { ...process.env, ...environment, ...LAST_ERROR_ENVIRONMENT },
    });
  } finally {
    if (log.file !== undefined) closeSync(log.file);
  }
  // A failed write to a dead worker's stdin does not matter; its exit is reported.
  child.stdin?.on('error', () => {});
  child.stdin?.write(start.firstWords);
  const reported = errorPipeOf(child);
  const exited = deferred<void>();
  const end = deferred<ProcessEnd>();
  child.once('error', (error) => {
    exited.resolve();
    end.resolve({ code: null, signal: null, reported: TesseraError.from(error), lastWords: '' });
  });
  child.once('exit', async (code, signal) => {
    exited.resolve();
    const text = await reported();
    // What a worker of this name said in an earlier life explains nothing.
    const lastWords = log.file === undefined ? '' : lastWordsIn(readText(logPath, log.bytes));
    end.resolve({ code, signal, reported: readLastError(text), lastWords });
  });
  return { child, logError: log.error, exited: exited.promise, end: end.promise };
}

/** A worker without a log, on a disk without room, is better than no worker; a removed folder is created again. */
function openLog(path: string): {
  readonly file: number | undefined;
  /** Its length before this life. */
  readonly bytes: number;
  readonly error: unknown;
} {
  try {
    mkdirSync(dirname(path), { recursive: true });
    const file = openSync(path, 'a');
    return { file, bytes: fstatSync(file).size, error: undefined };
  } catch (error) {
    return { file: undefined, bytes: 0, error };
  }
}

/** Reads what a worker sends; the returned function waits for the end of the pipe, which comes with the worker's own. */
function errorPipeOf(child: ChildProcess): () => Promise<string> {
  const pipe = child.stdio?.[LAST_ERROR_FD] as Readable | null | undefined;
  if (!pipe) return async () => '';
  const chunks: Buffer[] = [];
  let length = 0;
  const over = deferred<void>();
  pipe.on('data', (chunk: Buffer) => {
    if (length < TOLD_BYTES_MAX) chunks.push(chunk);
    length += chunk.length;
  });
  pipe.once('error', () => over.resolve()).once('close', () => over.resolve());
  return async () => {
    const enough = new AbortController();
    await Promise.race([over.promise, systemClock.sleep(TOLD_MS, enough.signal).catch(() => {})]);
    enough.abort();
    pipe.destroy();
    return Buffer.concat(chunks).subarray(0, TOLD_BYTES_MAX).toString();
  };
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

/** Each worker sees one GPU, unless the user has said which see what. */
export function gpuEnvironment(index: number, numGpus: number): Readonly<Record<string, string>> {
  if (numGpus < 2 || process.env['CUDA_VISIBLE_DEVICES'] !== undefined) return {};
  return { CUDA_VISIBLE_DEVICES: String(index % numGpus) };
}
