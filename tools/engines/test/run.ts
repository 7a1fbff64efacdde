/** @file Runs a job of a test in a process of its own, which a bad driver may take down. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { TesseraError } from '../../../shared/core/errors.ts';
import { NO_DEBUGGER_FLAGS } from '../../../shared/machine/processes.ts';
import type { Numbers, Speed, TestJob } from './jobs.ts';

/** Of one process, compilation included. */
const JOB_MS_MAX = 15 * 60_000;
const OUTPUT_BYTES_MAX = 64 * 1024 ** 2;

/** What a job finds. */
type FoundBy<J extends TestJob> = J['kind'] extends 'numbers' ? Numbers : Speed;

/**
 * Does a job.
 *
 * Throws  ENGINE_UNAVAILABLE with the reason when the engine fails, or its process ends; CANCELLED by the signal.
 */
export async function runJob<J extends TestJob>(job: J, signal: AbortSignal): Promise<FoundBy<J>> {
  const text = await outputOf(job, signal);
  const { found, failure } = parsed(text);
  if (found !== undefined) return found as FoundBy<J>;
  const { sentence = 'its process printed no result', hint } = failure ?? {};
  throw new TesseraError('ENGINE_UNAVAILABLE', `${job.choice.id}: ${sentence}`, {
    ...(hint !== undefined && { hint }),
  });
}

function outputOf(job: TestJob, signal: AbortSignal): Promise<string> {
  const script = fileURLToPath(new URL('./measure.js', import.meta.url));
  const args = [...NO_DEBUGGER_FLAGS, script, JSON.stringify(job)];
  const options = {
    timeout: JOB_MS_MAX,
    killSignal: 'SIGKILL',
    maxBuffer: OUTPUT_BYTES_MAX,
    signal,
  } as const;
  return new Promise((resolve, reject) => {
    execFile(process.execPath, args, options, (error, stdout, stderr) => {
      if (error === null) return resolve(stdout);
      if (signal.aborted) return reject(signal.reason);
      const isLate = error.killed === true;
      const ending = error.signal ?? `exit code ${String(error.code)}`;
      const how = isLate
        ? `did not end within ${JOB_MS_MAX / 60_000} minutes`
        : `ended with ${ending}`;
      const last = stderr.trim().split('\n').at(-1) ?? '';
      const sentence = `${job.choice.id}: its process ${how}${last === '' ? '' : `: ${last}`}`;
      reject(new TesseraError('ENGINE_UNAVAILABLE', sentence));
    });
  });
}

function parsed(text: string): {
  readonly found?: Numbers | Speed;
  readonly failure?: { readonly sentence: string; readonly hint?: string };
} {
  try {
    return JSON.parse(text.trim().split('\n').at(-1) ?? '');
  } catch {
    return {};
  }
}
