/** @file Where the output of a worker process goes, and the end of it, which says why the process has ended. */
import type { ChildProcess } from 'node:child_process';
import { closeSync, fstatSync, mkdirSync, openSync, readSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Readable } from 'node:stream';
import { deferred } from '../shared/core/async.ts';
import { systemClock } from '../shared/core/clock.ts';

/** The output of one process. */
export interface WorkerOutput {
  /** Its stdout and stderr, for spawn. */
  readonly stdio: 'pipe' | 'ignore' | number;
  /** Why it has no log. */
  readonly error: unknown;
  /** The process was started, or could not be. */
  begun(child: ChildProcess | undefined): void;
  /** The end of what the process has printed; waits for the rest of it. */
  text(): Promise<string>;
}

/** What a worker said last is in the end of its output. Units  bytes. */
const TEXT_BYTES_MAX = 1024 ** 2;
/** What a worker has sent arrives soon after its end, unless another process holds its pipe. */
const REST_MS = 1_000;

/**
 * Output in the file of a log. A worker without a log, on a disk without room, is better than no worker; a removed folder
 * is created again.
 */
export function logFile(path: string): WorkerOutput {
  const log = openLog(path);
  return {
    stdio: log.file ?? 'ignore',
    error: log.error,
    begun: () => {
      if (log.file !== undefined) closeSync(log.file);
    },
    // What a worker of this name said in an earlier life explains nothing.
    text: async () => (log.file === undefined ? '' : readText(path, log.bytes)),
  };
}

/** Output that `print` gets as it comes. */
export function printedOutput(print: (chunk: Buffer) => void): WorkerOutput {
  const rests: (() => Promise<Buffer>)[] = [];
  return {
    stdio: 'pipe',
    error: undefined,
    begun: (child) => {
      for (const pipe of [child?.stdout, child?.stderr]) {
        pipe?.on('data', print);
        rests.push(readerOf(pipe, { keeps: 'end', bytesMax: TEXT_BYTES_MAX }));
      }
    },
    text: async () => String(Buffer.concat(await Promise.all(rests.map((rest) => rest())))),
  };
}

/** Reads a pipe; the returned function waits for its end, which comes with the worker's own, and gives what is kept. */
export function readerOf(
  pipe: Readable | null | undefined,
  { keeps, bytesMax }: { readonly keeps: 'beginning' | 'end'; readonly bytesMax: number },
): () => Promise<Buffer> {
  if (!pipe) return async () => Buffer.alloc(0);
  let kept: Buffer = Buffer.alloc(0);
  const over = deferred<void>();
  pipe.on('data', (chunk: Buffer) => {
    if (keeps === 'end') kept = Buffer.concat([kept, chunk]).subarray(-bytesMax);
    else if (kept.length < bytesMax) kept = Buffer.concat([kept, chunk]).subarray(0, bytesMax);
  });
  pipe.once('error', () => over.resolve()).once('close', () => over.resolve());
  return async () => {
    const enough = new AbortController();
    await Promise.race([over.promise, systemClock.sleep(REST_MS, enough.signal).catch(() => {})]);
    enough.abort();
    pipe.destroy();
    return kept;
  };
}

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

/** The end of a log, of what is written from `firstByte` on. */
function readText(path: string, firstByte: number): string {
  try {
    const log = openSync(path, 'r');
    const { size } = fstatSync(log);
    const bytes = Buffer.alloc(Math.max(0, Math.min(size - firstByte, TEXT_BYTES_MAX)));
    readSync(log, bytes, 0, bytes.length, size - bytes.length);
    closeSync(log);
    return bytes.toString();
  } catch {
    return '';
  }
}
