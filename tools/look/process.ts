/** @file A look at a checkpoint in a process of low priority, as its parent sees it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { TesseraError } from '../../shared/core/errors.ts';
import { jsonRecord } from '../../shared/core/text.ts';
import { NO_DEBUGGER_FLAGS } from '../../shared/machine/processes.ts';
import type { Look, LookFound, LookJob } from './job.ts';

/** The descriptor on which a look sends its records. */
export const RECORDS_FD = 3;
/** A process of the lowest priority waits for those that train. */
const LOOK_MS_MAX = 600_000;
const RECORDS_BYTES_MAX = 24 * 1024 ** 2;
const TEXT_CHARS_MAX = 64 * 1024;
/** It sets the priority of all threads; Node itself could only set that of one. */
const NICE = ['/usr/bin/nice', '/bin/nice'].find((path) => existsSync(path));

/** The last line that a look prints. */
export interface LookReport {
  readonly coreSeconds: number;
  readonly lacks: readonly string[];
  readonly failure?: string;
}

/** A program that looks. */
export interface LookProgram {
  readonly script: URL;
  /** Of its process, while something trains. */
  readonly niceness: number;
  /** What is said when it fails. */
  failed(job: LookJob, reason: string): TesseraError;
}

/** Begins a look; `isLast`: nothing trains any more, so that it may take what it needs. */
export function startLook(program: LookProgram, job: LookJob, isLast = false): Look {
  const script = fileURLToPath(program.script);
  const node = [process.execPath, ...NO_DEBUGGER_FLAGS, script, JSON.stringify(job)];
  const low =
    NICE === undefined ? [...node, 'low'] : [NICE, '-n', String(program.niceness), ...node];
  const line = isLast ? node : low;
  const child = spawn(line[0] as string, line.slice(1), {
    // It ends when its stdin closes, however we go.
    stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
  });
  child.stdin?.on('error', () => {});
  const timer = setTimeout(() => child.kill('SIGKILL'), LOOK_MS_MAX);
  const found = foundBy(child, (reason) => program.failed(job, reason)).finally(() =>
    clearTimeout(timer),
  );
  found.catch(() => {});
  return { found, end: () => child.kill('SIGKILL') };
}

function foundBy(
  child: ChildProcess,
  failed: (reason: string) => TesseraError,
): Promise<LookFound> {
  const records: Buffer[] = [];
  let bytes = 0;
  let [printed, said] = ['', ''];
  const pipe = child.stdio[RECORDS_FD] as Readable | null | undefined;
  pipe?.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > RECORDS_BYTES_MAX) child.kill('SIGKILL');
    else records.push(chunk);
  });
  child.stdout?.on('data', (chunk) => {
    printed = (printed + chunk).slice(-TEXT_CHARS_MAX);
  });
  child.stderr?.on('data', (chunk) => {
    said = (said + chunk).slice(-TEXT_CHARS_MAX);
  });
  return new Promise((resolve, reject) => {
    child.once('error', (error) => reject(failed(error.message)));
    child.once('close', (code, signal) => {
      const report = jsonRecord(printed.trim().split('\n').at(-1) ?? '') as LookReport | undefined;
      if (code === 0 && report !== undefined && report.failure === undefined) {
        const { coreSeconds, lacks } = report;
        return resolve({ records: Buffer.concat(records), coreSeconds, lacks });
      }
      const last = report?.failure ?? said.trim().split('\n').at(-1) ?? '';
      // A look that says why it failed has ended well.
      const how = last === '' ? 'its process' : `${last}: it`;
      const reason = report?.failure ?? `${how} ended with ${signal ?? code}`;
      reject(failed(reason));
    });
  });
}
